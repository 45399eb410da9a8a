/** The runs that go on, as events tell of them. */
import { ISignal, Signal } from '@lumino/signaling';

import type { Change } from '../api/events';
import { isFinal, State } from '../components/states';

export interface RunNews {
  run: string;
  state: State;
}

export class RunsModel {
  /** Emitted for every change of a run, whether it goes on or has ended. */
  readonly changed: ISignal<this, RunNews> = new Signal<this, RunNews>(this);
  private readonly active = new Set<string>();

  get ongoing(): ReadonlySet<string> {
    return this.active;
  }

  heard(change: Change): void {
    if (change.what !== 'runs') {
      return;
    }
    if (isFinal(change.state)) {
      this.active.delete(change.run);
    } else {
      this.active.add(change.run);
    }
    (this.changed as Signal<this, RunNews>).emit({ run: change.run, state: change.state });
  }

  dispose(): void {
    Signal.clearData(this);
  }
}
