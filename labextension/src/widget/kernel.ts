/** The kernel's side of a panel: what it tells, and what it is asked for. It answers when no cell runs. */
import type { ComponentInStack, Health } from '../api/types';
import type { GraphEdge, GraphNode, NodeState } from '../components/graph_data';
import { Trouble, troubleOf } from '../components/loading';

/** What anywidget gives: the model of the widget, in any front end. */
export interface WidgetModel {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, act: (content?: unknown) => void): void;
  off(event: string, act?: (content?: unknown) => void): void;
}

export interface ShownStacks {
  active: string;
  active_by: string;
  names: string[];
  components: Record<string, ComponentInStack>;
  error: Trouble | null;
}

export interface ShownGraph {
  pipeline: string;
  notices: string[];
  error: Trouble | null;
  nodes: Omit<GraphNode, 'state'>[];
  edges: GraphEdge[];
}

export interface ShownRun {
  id: string;
  state: string;
  stack: string;
  mode: string;
  started_at: string;
  /** Null while it goes on. */
  duration_s: number | null;
  counts: Record<string, number>;
  ended: number;
  total: number;
  failure: Trouble | null;
}

/** All of it comes whole with each change. */
export interface Shown {
  stacks: ShownStacks;
  health: Health | null;
  graph: ShownGraph;
  states: Record<string, NodeState>;
  run: ShownRun | null;
  can_run: boolean;
  problem: Trouble | null;
}

export type Request = { do: 'activate'; name: string } | { do: 'run' } | { do: 'cancel'; run: string };

const TRAITS = ['stacks', 'health', 'graph', 'states', 'run', 'can_run', 'problem'] as const;

export class Kernel {
  /** What was asked for and is not answered yet. */
  waiting: Request | null = null;
  /** Why what was asked for last was not done. */
  refused: Trouble | null = null;
  isGone = false;
  private number = 0;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly model: WidgetModel) {
    TRAITS.forEach(name => model.on(`change:${name}`, this.onChange));
    model.on('msg:custom', this.onMessage);
    model.on('comm_live_update', this.onGone);
  }

  get shown(): Shown {
    return Object.fromEntries(TRAITS.map(name => [name, this.model.get(name)])) as unknown as Shown;
  }

  get place(): string {
    return String(this.model.get('place') ?? '');
  }

  ask(request: Request): void {
    this.number += 1;
    [this.waiting, this.refused] = [request, null];
    this.model.send({ ...request, id: this.number });
    this.tell();
  }

  dismiss(): void {
    this.refused = null;
    this.tell();
  }

  listen(act: () => void): () => void {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  dispose(): void {
    TRAITS.forEach(name => this.model.off(`change:${name}`, this.onChange));
    this.model.off('msg:custom', this.onMessage);
    this.model.off('comm_live_update', this.onGone);
    this.listeners.clear();
  }

  private readonly onChange = (): void => {
    this.isGone = false;
    this.tell();
  };

  private readonly onMessage = (content?: unknown): void => {
    const { id, problem } = (content ?? {}) as { id?: unknown; problem?: unknown };
    if (id === this.number) {
      this.waiting = null;
      this.refused = problem ? troubleOf(problem) : null;
    }
    this.onChange();
  };

  /** Restarted, ended or cut off: nothing that was asked for is answered any more. */
  private readonly onGone = (): void => {
    [this.isGone, this.waiting] = [true, null];
    this.tell();
  };

  private tell(): void {
    this.listeners.forEach(act => act());
  }
}
