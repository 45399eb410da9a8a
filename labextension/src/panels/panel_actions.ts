/** What the panel asks JupyterLab to do. */
import type { GraphNode } from '../api/types';

export interface RunPart {
  first?: string;
  only?: string;
  until?: string;
}

export interface PanelActions {
  activate(stack: string): void;
  /** Opens the dialog; with a part, that is preset. */
  run(part: RunPart): void;
  cancel(run: string): void;
  resume(run: string): void;
  debug(run: string, step: string): void;
  openNotebook(run: string, step: string): void;
  openCell(node: GraphNode): void;
  /** Selects a step in the graph and shows its cell. */
  select(step: string): void;
  openOutput(step: string, output: string): void;
  schedule(done: () => void): void;
  changeSchedule(name: string, deed: 'pause' | 'resume' | 'trigger' | 'remove', done: () => void): void;
  newComponent(done: () => void): void;
}
