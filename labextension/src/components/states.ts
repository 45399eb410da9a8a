/** The states of a run or step, and how they look: always a symbol and a word, the colour only helps. */

export type State = 'pending' | 'running' | 'completed' | 'cached' | 'failed' | 'skipped' | 'cancelled';

/** `stroke` is the symbol as lines in a square of 16, for drawings with many of them. */
export interface Look {
  symbol: string;
  word: string;
  stroke: string;
}

const LOOKS: Record<State, Look> = {
  pending: { symbol: '○', word: 'not run', stroke: 'M8 3a5 5 0 1 0 .01 0z' },
  running: { symbol: '▶', word: 'running', stroke: 'M5 3.5v9l7.5-4.5z' },
  completed: { symbol: '✓', word: 'completed', stroke: 'M3 8.5 6.5 12 13 4.5' },
  cached: { symbol: '↺', word: 'cached', stroke: 'M4 5.5A5 5 0 1 1 3.2 9.5M3.5 2v4h4' },
  failed: { symbol: '✗', word: 'failed', stroke: 'M4 4l8 8M12 4l-8 8' },
  skipped: { symbol: '↷', word: 'skipped', stroke: 'M3 10a4.5 4.5 0 0 1 9-.5M9 8l3 2.5L14 7' },
  cancelled: { symbol: '⊘', word: 'cancelled', stroke: 'M8 3a5 5 0 1 0 .01 0zM4.5 11.5l7-7' }
};

export const STATES = Object.keys(LOOKS) as State[];

/** A state this version does not know counts as not run. */
export function stateOf(value: unknown): State {
  return STATES.includes(value as State) ? (value as State) : 'pending';
}

export function lookOf(state: State): Look {
  return LOOKS[state];
}

export function isGood(state: State): boolean {
  return state === 'completed' || state === 'cached';
}

export function isFinal(state: State): boolean {
  return state !== 'pending' && state !== 'running';
}
