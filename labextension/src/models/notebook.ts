/** The pipeline in one open notebook: which cells are steps, how each stands, and which needs which. */
import type { Cell, CodeCell, ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import type { ApiError } from '../api/errors';
import { asApiError } from '../api/errors';
import type { Graph, GraphEdge } from '../api/types';
import { edgesShown, Neighbours } from './edges';
import { CellText, Role, rolesOf } from './roles';
import { badgeIn, Standing, standing, UNKNOWN } from './standing';

const FETCH_MS = 400;

export interface StepCell {
  cell: Cell;
  role: Role;
  standing: Standing;
}

export class NotebookModel {
  /** The pipeline as the server compiled it from the saved file; null until it has. */
  graph: Graph | null = null;
  error: ApiError | null = null;

  /** Emitted once per frame in which something changed. */
  readonly changed: ISignal<this, void> = new Signal<this, void>(this);

  private roles: Role[] = [];
  private standings = new Map<string, Standing>();
  private texts = new WeakMap<ICellModel, CellText>();
  private neighbours = new Neighbours([], []);
  private readonly running = new Set<ICellModel>();
  private readonly shownSince = new WeakSet<ICellModel>();
  private readonly followed = new Set<ICellModel>();
  private readonly fetching: Debouncer;
  private frame = 0;
  private isOutdated = false;

  constructor(
    readonly panel: NotebookPanel,
    private readonly load: (path: string) => Promise<Graph>
  ) {
    this.fetching = new Debouncer(() => this.fetch(), FETCH_MS);
    panel.content.modelChanged.connect(this.followCells, this);
    panel.context.pathChanged.connect(this.refresh, this);
    panel.context.saveState.connect(this.onSave, this);
    panel.sessionContext.statusChanged.connect(this.onStatus, this);
    NotebookActions.executionScheduled.connect(this.onScheduled, this);
    NotebookActions.executed.connect(this.onExecuted, this);
    panel.disposed.connect(this.dispose, this);
    void panel.context.ready.then(() => {
      if (!panel.isDisposed) {
        this.followCells();
        this.refresh();
      }
    });
  }

  /** Where the notebook is, from the server's root. */
  get path(): string {
    return this.panel.context.localPath;
  }

  get isReadOnly(): boolean {
    const { context, content } = this.panel;
    return context.contentsModel?.writable === false || (content.model?.readOnly ?? false);
  }

  get cells(): CellText[] {
    return this.panel.content.widgets.map(cell => this.textOf(cell.model));
  }

  get hasTaggedSteps(): boolean {
    return this.roles.some(role => role.by === 'tag');
  }

  /** Steps in their order, each with its first cell. */
  get steps(): StepCell[] {
    const cells = this.panel.content.widgets;
    return this.roles.flatMap((role, index) =>
      role.kind === 'step' && cells[index] ? [{ cell: cells[index], role, standing: this.standingOf(cells[index]) }] : []
    );
  }

  roleOf(cell: Cell): Role | null {
    return this.roles[this.panel.content.widgets.indexOf(cell)] ?? null;
  }

  /** How the step that a cell is, or is part of, stands. */
  standingOf(cell: Cell): Standing {
    return this.standings.get(this.roleOf(cell)?.name ?? '') ?? UNKNOWN;
  }

  /** The steps whose outputs `name` reads, directly or through others, and those that read its own. */
  around(name: string): { producers: Set<string>; consumers: Set<string> } {
    return { producers: this.neighbours.before(name), consumers: this.neighbours.after(name) };
  }

  /** Ask the server soon for the pipeline of the saved file; of a notebook that is not in sight, once it is. */
  refresh(): void {
    this.isOutdated = !this.panel.isVisible && this.graph !== null;
    if (this.isOutdated) {
      return;
    }
    void this.fetching.invoke().catch(() => undefined);
  }

  /** The notebook came into sight. */
  catchUp(): void {
    if (this.isOutdated) {
      this.refresh();
    }
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.fetching.dispose();
    Signal.clearData(this);
  }

  private async fetch(): Promise<void> {
    if (this.panel.isDisposed || this.error?.isMissing) {
      return;
    }
    try {
      this.graph = await this.load(this.path);
      this.error = null;
    } catch (error) {
      this.error = asApiError(error);
    }
    this.queue();
  }

  private followCells(): void {
    this.panel.content.model?.cells.changed.connect(this.queue, this);
    this.queue();
  }

  private follow(model: ICellModel): void {
    if (this.followed.has(model)) {
      return;
    }
    this.followed.add(model);
    model.metadataChanged.connect(this.onEdited, this);
    model.contentChanged.connect(this.onEdited, this);
    model.stateChanged.connect(this.queue, this);
    if (isCode(model)) {
      model.outputs.changed.connect(() => {
        this.shownSince.add(model);
        this.queue();
      }, this);
    }
  }

  private onEdited(model: ICellModel): void {
    this.texts.delete(model);
    this.queue();
  }

  private textOf(model: ICellModel): CellText {
    const known = this.texts.get(model) ?? textOf(model);
    this.texts.set(model, known);
    return known;
  }

  private queue(): void {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.update();
      });
    }
  }

  private update(): void {
    if (this.panel.isDisposed || !this.panel.content.model) {
      return;
    }
    const cells = this.panel.content.widgets;
    this.followed.forEach(model => model.isDisposed && this.followed.delete(model));
    cells.forEach(cell => this.follow(cell.model));
    this.roles = rolesOf(this.cells);
    this.neighbours = new Neighbours(this.edges(cells), this.roles);
    const models = new Map<string, ICodeCellModel[]>();
    cells.forEach((cell, index) => {
      const name = this.roles[index].name;
      if (name && isCode(cell.model)) {
        models.set(name, [...(models.get(name) ?? []), cell.model]);
      }
    });
    this.standings = new Map([...models].map(([name, parts]) => [name, this.standingAmong(name, parts)]));
    (this.changed as Signal<this, void>).emit();
  }

  private standingAmong(name: string, models: readonly ICodeCellModel[]): Standing {
    const badges = models.map(model => badgeIn(outputsOf(model), name));
    const newest = models.findIndex((model, index) => badges[index] !== null && this.shownSince.has(model));
    const badge = newest >= 0 ? badges[newest] : badges.find(one => one !== null) ?? null;
    return standing({
      badge,
      isBadgeNew: newest >= 0,
      node: this.graph?.nodes.find(node => node.name === name) ?? null,
      isRunning: models.some(model => this.running.has(model)),
      isEdited: newest >= 0 && models.some(model => model.isDirty)
    });
  }

  /** What the server knows; where it does not, what `%pipeline` shows in the notebook. */
  private edges(cells: readonly Cell[]): GraphEdge[] {
    if (this.graph !== null && this.graph.error === null) {
      return this.graph.edges;
    }
    return edgesShown(cells.map(cell => cell.model).filter(isCode).flatMap(model => [...outputsOf(model)]));
  }

  private onSave(_: unknown, state: string): void {
    if (state === 'completed' || state === 'completed manually') {
      this.refresh();
    }
  }

  private onStatus(_: unknown, status: string): void {
    if (['restarting', 'autorestarting', 'dead', 'terminating'].includes(status) && this.running.size > 0) {
      this.running.clear();
      this.queue();
    }
  }

  private onScheduled(_: unknown, { cell }: { cell: Cell }): void {
    if (this.panel.content.widgets.includes(cell)) {
      this.running.add(cell.model);
      this.queue();
    }
  }

  private onExecuted(_: unknown, { cell }: { cell: Cell }): void {
    if (this.running.delete(cell.model)) {
      this.queue();
      this.refresh();
    }
  }
}

export function textOf(model: ICellModel): CellText {
  return { type: model.type, text: model.sharedModel.getSource(), tags: tagsOf(model) };
}

export function tagsOf(model: ICellModel): string[] {
  const tags = model.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}

export function isCodeCell(cell: Cell): cell is CodeCell {
  return cell.model.type === 'code';
}

function isCode(model: ICellModel): model is ICodeCellModel {
  return model.type === 'code';
}

function* outputsOf(model: ICodeCellModel): Iterable<{ data?: unknown }> {
  for (let index = 0; index < model.outputs.length; index += 1) {
    yield { data: model.outputs.get(index).data };
  }
}
