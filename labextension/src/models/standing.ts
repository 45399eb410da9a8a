/** How a step stands: from what its cell shows, and from what the server knows of it. */
import type { GraphNode } from '../api/types';
import { duration } from '../components/formatters';
import { ranWith } from '../components/graph_data';
import { State, stateOf } from '../components/states';

export const BADGE = 'application/vnd.mlstack.step+json';

/** `stale`: what was run last is not what would be run now. `edited`: the text has changed since, if only a comment. */
export interface Standing {
  state: State;
  stale: boolean;
  edited: boolean;
  /** With which other parameters it was run, if that is why it is stale. */
  ranWith: string;
  duration_s: number | null;
  saved_s: number | null;
}

export const UNKNOWN: Standing = {
  state: 'pending',
  stale: false,
  edited: false,
  ranWith: '',
  duration_s: null,
  saved_s: null
};

/** What the badge of `step` among a cell's outputs says; null when there is none. */
export function badgeIn(outputs: Iterable<{ data?: unknown }>, step: string): Standing | null {
  let found: Standing | null = null;
  for (const output of outputs) {
    const data = (output.data as Record<string, unknown> | undefined)?.[BADGE];
    const badge = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : null;
    if (badge?.step === step) {
      found = {
        state: stateOf(badge.state),
        stale: false,
        edited: false,
        ranWith: '',
        duration_s: seconds(badge.duration_s),
        saved_s: seconds(badge.saved_s)
      };
    }
  }
  return found;
}

/**
 * The one standing of a step. What was executed before one's eyes is newest; of what was there when the notebook was
 * opened the server knows more.
 */
export function standing(given: {
  badge: Standing | null;
  isBadgeNew: boolean;
  node: GraphNode | null;
  isRunning: boolean;
  isEdited: boolean;
}): Standing {
  if (given.isRunning) {
    return { ...UNKNOWN, state: 'running' };
  }
  const known = given.isBadgeNew ? given.badge ?? given.node : given.node ?? given.badge;
  if (known === null) {
    return UNKNOWN;
  }
  const { state, duration_s, saved_s } = known;
  const isOver = state !== 'pending' && state !== 'running';
  const stale = isOver && (given.node?.stale ?? false);
  const edited = isOver && given.isEdited;
  return { state, stale, edited, ranWith: stale ? ranWith(given.node?.ran_with) : '', duration_s, saved_s };
}

/** What a chip says of it, beside the name. */
export function inWords(standing: Standing): string {
  const words = {
    pending: 'not run',
    running: 'running',
    completed: `ran in ${duration(standing.duration_s)}`,
    cached: standing.saved_s ? `cached, saved ${duration(standing.saved_s)}` : 'cached',
    failed: 'failed',
    skipped: 'skipped',
    cancelled: 'cancelled'
  }[standing.state];
  return standing.stale ? `${words}, ${standing.ranWith || 'stale'}` : standing.edited ? `${words}, edited since` : words;
}

function seconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
