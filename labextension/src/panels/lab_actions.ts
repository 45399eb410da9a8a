/** Carries out in JupyterLab what the panel asks for. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';

import { ApiError, asApiError } from '../api/errors';
import type { Graph, GraphNode, Json } from '../api/types';
import type { NotebookModel } from '../models/notebook';
import { showComponentDialog } from './component_dialog';
import type { PanelActions, RunPart } from './panel_actions';
import type { PanelModel } from './panel_model';
import { showRunDialog } from './run_dialog';
import { showScheduleDialog } from './schedule_dialog';

/** Tells of a failure at the edge of the window. */
export async function attempt(deed: () => Promise<unknown>): Promise<void> {
  try {
    await deed();
  } catch (error) {
    Notification.error(asApiError(error).message, { autoClose: 8000 });
  }
}

export class LabActions implements PanelActions {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: PanelModel
  ) {}

  readonly activate = (stack: string): void => void attempt(() => this.model.stacks.activate(stack));

  readonly run = (part: RunPart): void =>
    void this.withNotebook(async (notebook, graph) => {
      const { api, stacks } = this.model;
      const begun = (run: string): void => void this.model.follow(run);
      await showRunDialog({ api, path: notebook.path, graph, stacks: stacks.state, part, begun });
    });

  readonly cancel = (run: string): void =>
    void attempt(async () => {
      await this.model.api.runs.cancel(run);
      await this.model.refresh();
    });

  readonly resume = (run: string): void =>
    void attempt(async () => {
      const { id } = await this.model.api.runs.resume(run);
      await this.model.follow(id);
    });

  readonly debug = (run: string, step: string): void =>
    void attempt(async () => {
      const { path } = await this.model.api.runs.debug(run, step);
      await this.open(path);
    });

  /** The executed notebook, as a file beside the one that is open. */
  readonly openNotebook = (run: string, step: string): void =>
    void attempt(async () => {
      const content = await this.model.api.runs.notebook(run, step);
      const folder = PathExt.dirname(this.model.current?.path ?? '');
      const path = PathExt.join(folder, `${plain(step)}-${run}.ipynb`);
      await this.app.serviceManager.contents.save(path, { type: 'notebook', format: 'json', content });
      await this.open(path);
    });

  readonly openCell = (node: GraphNode): void => {
    const panel = this.model.current?.panel;
    const cells = panel?.content.widgets ?? [];
    const found = cells.findIndex(cell => node.cell_id !== null && cell.model.id === node.cell_id);
    const index = found >= 0 ? found : (node.cell_index ?? -1);
    if (panel && index >= 0 && index < cells.length) {
      panel.content.activeCellIndex = index;
      panel.content.deselectAll();
      void panel.content.scrollToItem(index, 'smart');
    }
  };

  readonly select = (step: string): void => {
    const node = this.model.graph?.nodes.find(one => one.name === step);
    this.model.open({ what: 'step', step }, 'pipeline');
    if (node) {
      this.openCell(node);
    }
  };

  readonly openOutput = (step: string, output: string): void => {
    const node = this.model.graph?.nodes.find(one => one.name === step);
    const artifact = node?.outputs.find(one => one.name === output)?.artifact;
    this.model.open({ what: 'step', step }, 'pipeline');
    if (artifact) {
      this.model.open({ what: 'artifact', name: artifact });
    }
  };

  readonly schedule = (done: () => void): void =>
    void this.withNotebook(async (notebook, graph) => {
      const { api, stacks } = this.model;
      await showScheduleDialog({ api, path: notebook.path, graph, stacks: stacks.state, added: done });
    });

  readonly changeSchedule = (name: string, deed: 'pause' | 'resume' | 'trigger' | 'remove', done: () => void): void =>
    void attempt(async () => {
      if (deed !== 'remove' || (await isSure(`Remove the schedule ${name}?`))) {
        await this.model.api.schedules[deed](name);
        done();
      }
    });

  readonly newComponent = (done: () => void): void => void attempt(() => showComponentDialog(this.model.api, done));

  private async open(path: string): Promise<void> {
    await this.app.commands.execute('docmanager:open', { path });
  }

  /** Saves the notebook first: a run reads the file. */
  private async withNotebook(use: (notebook: NotebookModel, graph: Graph) => Promise<void>): Promise<void> {
    await attempt(async () => {
      const notebook = this.model.current;
      if (notebook === null) {
        return;
      }
      const { context } = notebook.panel;
      if (context.model.dirty && !notebook.isReadOnly) {
        await context.save();
      }
      const graph = await this.model.api.notebooks.pipeline(notebook.path);
      if (graph.error !== null) {
        throw new ApiError(graph.error.what, graph.error.hint, 0);
      }
      await use(notebook, graph);
    });
  }
}

async function isSure(title: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: 'Remove' })];
  const answer = await showDialog<Json>({ title, buttons });
  return answer.button.accept;
}

function plain(name: string): string {
  return name.replace(/[^\p{L}\p{N}_.-]+/gu, '_').slice(0, 80);
}
