/** The runs that go on: told by events, and asked for at the start and now and then in case one was missed. */
import { ISignal, Signal } from '@lumino/signaling';

import type { Change } from '../api/events';
import { isFinal } from '../components/states';

export interface RunNews {
  run: string;
  isOver: boolean;
}

export interface RunCalls {
  /** The ids of the runs that go on in the workspace of the current notebook. */
  ongoing(): Promise<string[]>;
  /** Whether a workspace, by its folder, is that one. */
  isHere(workspace: string): boolean;
}

export class RunsModel {
  /** Emitted for every change of a run, whether it goes on or has ended. */
  readonly changed: ISignal<this, RunNews> = new Signal<this, RunNews>(this);
  private active = new Set<string>();
  private heardOf = 0;

  constructor(private readonly calls: RunCalls) {}

  get ongoing(): ReadonlySet<string> {
    return this.active;
  }

  /** Asks; what can not be known stays as it is. */
  async refresh(): Promise<void> {
    const before = this.heardOf;
    const found = await this.calls.ongoing().catch(() => null);
    if (found === null) {
      return;
    }
    if (before !== this.heardOf) {
      return this.refresh(); // an event may be newer than the answer
    }
    const begun = found.filter(run => !this.active.has(run));
    const over = [...this.active].filter(run => !found.includes(run));
    this.active = new Set(found);
    begun.forEach(run => this.tell({ run, isOver: false }));
    over.forEach(run => this.tell({ run, isOver: true }));
  }

  heard(change: Change): void {
    if (change.what !== 'runs') {
      return;
    }
    this.heardOf += 1;
    const isOver = isFinal(change.state);
    if (isOver) {
      this.active.delete(change.run);
    } else if (change.workspace === undefined || this.calls.isHere(change.workspace)) {
      this.active.add(change.run);
    }
    this.tell({ run: change.run, isOver });
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private tell(news: RunNews): void {
    (this.changed as Signal<this, RunNews>).emit(news);
  }
}
