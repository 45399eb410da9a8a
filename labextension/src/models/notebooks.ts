/** The models of all open notebooks. */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import type { Graph } from '../api/types';
import { NotebookModel } from './notebook';

export class Notebooks {
  /** Emitted when a notebook was opened. */
  readonly opened: ISignal<this, NotebookModel> = new Signal<this, NotebookModel>(this);
  readonly currentChanged: ISignal<this, NotebookModel | null> = new Signal<this, NotebookModel | null>(this);
  private readonly models = new Map<NotebookPanel, NotebookModel>();

  constructor(
    private readonly tracker: INotebookTracker,
    private readonly load: (path: string) => Promise<Graph>
  ) {
    tracker.widgetAdded.connect((_, panel) => {
      (this.opened as Signal<this, NotebookModel>).emit(this.of(panel));
    });
    tracker.currentChanged.connect(() => {
      requestAnimationFrame(() => this.current?.catchUp()); // it is shown in this frame
      (this.currentChanged as Signal<this, NotebookModel | null>).emit(this.current);
    });
    tracker.forEach(panel => this.of(panel));
  }

  get current(): NotebookModel | null {
    const panel = this.tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  of(panel: NotebookPanel): NotebookModel {
    let model = this.models.get(panel);
    if (!model) {
      model = new NotebookModel(panel, this.load);
      this.models.set(panel, model);
      panel.disposed.connect(() => this.models.delete(panel));
    }
    return model;
  }

  /** Calls `use` for every notebook that is open, and for every one that will be. */
  forEach(use: (model: NotebookModel) => void): void {
    this.models.forEach(use);
    this.opened.connect((_, model) => use(model));
  }

  /** A run changed: what is known of every notebook may have, too. */
  refresh(): void {
    this.models.forEach(model => model.refresh());
  }
}
