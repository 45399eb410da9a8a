/** The stacks, and which of them is active: told by events, and looked at now and then in case one was missed. */
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import type { ApiError } from '../api/errors';
import { asApiError } from '../api/errors';
import type { Change } from '../api/events';
import type { Stacks } from '../api/types';

const USUAL = { interval: 20_000, backoff: true, max: 300_000 };
/** While there is no connection, so that what is shown is soon true again. */
const LOST = { interval: 3000, backoff: false, max: 3000 };

export interface StackCalls {
  list(): Promise<Stacks>;
  activate(name: string): Promise<Stacks>;
}

export class StackModel {
  /** Until the first answer `state` is null. After a failure it is the last one known, and `error` tells why. */
  state: Stacks | null = null;
  error: ApiError | null = null;

  readonly changed: ISignal<this, void> = new Signal<this, void>(this);
  /** Emitted whenever the server has answered; `true` after it had not for a while. */
  readonly answered: ISignal<this, boolean> = new Signal<this, boolean>(this);
  private readonly poll: Poll;

  constructor(private readonly calls: StackCalls) {
    this.poll = new Poll({
      auto: false,
      factory: () => this.look(),
      frequency: USUAL,
      name: 'mlstack-nb:stacks',
      standby: 'when-hidden'
    });
    this.poll.ticked.connect(() => {
      if (this.error?.isMissing) {
        void this.poll.stop();
        return;
      }
      this.poll.frequency = this.isConnected ? USUAL : LOST;
    });
  }

  get active(): string {
    return this.state?.active ?? '';
  }

  /** Whether the server answered when it was last asked. */
  get isConnected(): boolean {
    return !this.error?.isUnreachable;
  }

  /** Look now and, from now on, now and then; not again by itself where the server has no such routes. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick.catch(() => undefined);
  }

  /** Another stack becomes the active one. Rejects with an ApiError, and then nothing has changed. */
  async activate(name: string): Promise<void> {
    this.take(await this.calls.activate(name));
  }

  heard(change: Change): void {
    if (change.what !== 'active_stack' || change.active === this.active) {
      return;
    }
    const isElsewhere = change.workspace && this.state?.workspace && change.workspace !== this.state.workspace;
    if (isElsewhere) {
      return;
    }
    if (this.state?.stacks.some(stack => stack.name === change.active)) {
      const stacks = this.state.stacks.map(stack => ({ ...stack, active: stack.name === change.active }));
      this.take({ ...this.state, active: change.active, stacks });
    } else {
      void this.refresh();
    }
  }

  dispose(): void {
    this.poll.dispose();
    Signal.clearData(this);
  }

  private async look(): Promise<void> {
    const wasConnected = this.isConnected;
    try {
      this.take(await this.calls.list());
      (this.answered as Signal<this, boolean>).emit(!wasConnected);
    } catch (error) {
      const found = asApiError(error);
      if (found.message !== this.error?.message) {
        this.error = found;
        this.emit();
      }
      throw found;
    }
  }

  private take(state: Stacks): void {
    const same = this.error === null && JSON.stringify(state) === JSON.stringify(this.state);
    this.state = state;
    this.error = null;
    if (!same) {
      this.emit();
    }
  }

  private emit(): void {
    (this.changed as Signal<this, void>).emit();
  }
}
