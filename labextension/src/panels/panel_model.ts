/** What the side panel shows: the current notebook's pipeline, its runs, and the run that goes on. Asks only while shown. */
import { ISignal, Signal } from '@lumino/signaling';

import type { Api } from '../api/client';
import { asApiError, ApiError } from '../api/errors';
import type { RunRecord, RunSummary } from '../api/records';
import type { Graph, GraphNode } from '../api/types';
import { isFinal, stateOf } from '../components/states';
import type { NotebookModel } from '../models/notebook';
import type { Notebooks } from '../models/notebooks';
import type { RunNews, RunsModel } from '../models/runs';
import type { StackModel } from '../models/stack';

export type Tab = 'pipeline' | 'runs' | 'schedules' | 'stack';

/** What stands below the graph, or in place of the list of runs. */
export type Detail =
  | { what: 'step'; step: string }
  | { what: 'artifact'; name: string; version?: number }
  | { what: 'run'; run: string }
  | { what: 'log'; run: string; step: string }
  | { what: 'diff'; before: string; after: string };

const LOOK_MS = 900;
const SHOWN_RUNS = 50;

export class PanelModel {
  /** Emitted at most once per frame. */
  readonly changed: ISignal<this, void> = new Signal<this, void>(this);

  tab: Tab = 'pipeline';
  runs: RunSummary[] = [];
  runsError: ApiError | null = null;
  /** The last run of the pipeline with its steps: the one whose states the graph shows while it goes on. */
  last: RunRecord | null = null;
  /** Grows whenever something was run: what depends on runs is asked for again. */
  age = 0;

  private readonly details: Record<Tab, Detail[]> = { pipeline: [], runs: [], schedules: [], stack: [] };
  private notebook: NotebookModel | null = null;
  private isShown = false;
  private frame = 0;
  private timer = 0;
  private listed = '';

  constructor(
    readonly api: Api,
    readonly stacks: StackModel,
    private readonly news: RunsModel,
    private readonly notebooks: Notebooks
  ) {
    stacks.changed.connect(this.emit, this);
    stacks.answered.connect(this.onAnswer, this);
    news.changed.connect(this.onNews, this);
    notebooks.currentChanged.connect(this.onNotebook, this);
    this.onNotebook();
  }

  get current(): NotebookModel | null {
    return this.notebook;
  }

  get graph(): Graph | null {
    return this.notebook?.graph ?? null;
  }

  /** The graph with the states of the run that goes on, if one does. */
  get nodes(): GraphNode[] {
    const nodes = this.graph?.nodes ?? [];
    if (this.last === null || isFinal(stateOf(this.last.state))) {
      return nodes;
    }
    const steps = new Map(this.last.steps.map(step => [step.step, step]));
    return nodes.map(node => {
      const step = steps.get(node.name);
      const { state, duration_s, saved_s } = step ?? { state: 'pending' as const, duration_s: null, saved_s: null };
      return { ...node, state: stateOf(state), duration_s, saved_s, stale: step === undefined && node.stale };
    });
  }

  get isRunning(): boolean {
    return this.last !== null && !isFinal(stateOf(this.last.state));
  }

  get detail(): Detail | null {
    const stack = this.details[this.tab];
    return stack[stack.length - 1] ?? null;
  }

  /** The step that is selected in the graph, also while one of its artifacts is looked at. */
  get selected(): string | null {
    const steps = this.details.pipeline.filter(one => one.what === 'step');
    const found = steps[steps.length - 1];
    return found?.what === 'step' ? found.step : null;
  }

  show(tab: Tab): void {
    this.tab = tab;
    this.emit();
  }

  /** Opens a detail on top of the one that is open; a step starts anew. */
  open(detail: Detail, tab: Tab = this.tab): void {
    this.tab = tab;
    const stack = detail.what === 'step' ? [] : this.details[tab];
    this.details[tab] = [...stack.slice(-9), detail];
    this.emit();
  }

  back(): void {
    this.details[this.tab] = this.details[this.tab].slice(0, -1);
    this.emit();
  }

  setShown(isShown: boolean): void {
    this.isShown = isShown;
    window.clearTimeout(this.timer);
    if (isShown) {
      void this.refresh();
    }
  }

  /** A run was begun from here: its states are followed from now on. */
  async follow(run: string): Promise<void> {
    this.last = await this.api.runs.show(run).then(asRun, () => null);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    window.clearTimeout(this.timer);
    const pipeline = this.graph?.pipeline;
    if (!this.isShown || pipeline === undefined || this.stacks.error?.isMissing) {
      this.emit();
      return;
    }
    this.listed = pipeline;
    try {
      const runs = (await this.api.runs.list({ pipeline, limit: SHOWN_RUNS })) as unknown as RunSummary[];
      const last = runs.length > 0 ? asRun(await this.api.runs.show(runs[0].id)) : null;
      if (pipeline === this.graph?.pipeline) {
        this.take(runs, last);
      }
    } catch (error) {
      this.runsError = asApiError(error);
    }
    this.emit();
    if (this.isRunning) {
      this.timer = window.setTimeout(() => void this.refresh(), document.hidden ? 10 * LOOK_MS : LOOK_MS);
    }
  }

  dispose(): void {
    window.clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.notebook?.changed.disconnect(this.onGraph, this);
    this.notebooks.currentChanged.disconnect(this.onNotebook, this);
    this.news.changed.disconnect(this.onNews, this);
    this.stacks.changed.disconnect(this.emit, this);
    this.stacks.answered.disconnect(this.onAnswer, this);
    Signal.clearData(this);
  }

  private take(runs: RunSummary[], last: RunRecord | null): void {
    const wasRunning = this.isRunning;
    this.runs = runs;
    this.runsError = null;
    this.last = last;
    if (wasRunning && !this.isRunning) {
      this.age += 1;
      this.notebook?.refresh();
    }
  }

  private onAnswer(_: StackModel, wasLost: boolean): void {
    if (wasLost && this.isShown) {
      this.age += 1;
      void this.refresh();
    }
  }

  private onNews(_: RunsModel, news: RunNews): void {
    this.age += news.isOver ? 1 : 0;
    if (this.isShown) {
      void this.refresh();
    }
  }

  private onNotebook(): void {
    const next = this.notebooks.current;
    if (next === this.notebook) {
      return;
    }
    this.notebook?.changed.disconnect(this.onGraph, this);
    this.notebook = next;
    next?.changed.connect(this.onGraph, this);
    this.runs = [];
    this.last = null;
    this.details.pipeline = [];
    this.details.runs = [];
    this.listed = '';
    this.onGraph();
  }

  private onGraph(): void {
    if (this.graph && this.graph.pipeline !== this.listed) {
      void this.refresh();
    }
    this.emit();
  }

  private emit(): void {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        (this.changed as Signal<this, void>).emit();
      });
    }
  }
}

export function asRun(row: unknown): RunRecord {
  const run = row as RunRecord;
  return { ...run, steps: run.steps ?? [] };
}
