import { describe, expect, it } from 'vitest';

import type { GraphNode } from '../src/api/types';
import { BADGE, badgeIn, inWords, standing, UNKNOWN } from '../src/models/standing';

const node = (more: Partial<GraphNode>): GraphNode => ({
  name: 'load', label: 'cell 1', cell_index: 0, cell_id: 'a', state: 'completed', stale: false, duration_s: 2,
  saved_s: null, outputs: [], parameters: {}, run_id: 'r', ...more
});
const badge = (more: object = {}) => ({ data: { [BADGE]: { step: 'load', state: 'completed', duration_s: 1.5, ...more } } });
const given = { badge: null, isBadgeNew: false, node: null, isRunning: false, isEdited: false };

describe('the badge among outputs', () => {
  it('is the last one of the step', () => {
    const found = badgeIn([badge(), { data: { 'text/plain': 'x' } }, badge({ state: 'cached', saved_s: 4 })], 'load');
    expect(found).toEqual({ ...UNKNOWN, state: 'cached', duration_s: 1.5, saved_s: 4 });
  });

  it('is not that of another step, nor nonsense', () => {
    expect(badgeIn([badge({ step: 'other' }), { data: { [BADGE]: 'text' } }, { data: null }, {}], 'load')).toBeNull();
    expect(badgeIn([badge({ state: 'exploded', duration_s: 'long' })], 'load')).toEqual(UNKNOWN);
  });
});

describe('how a step stands', () => {
  it('is unknown without news', () => {
    expect(standing(given)).toEqual(UNKNOWN);
  });

  it('is what the server says, until the cell has been executed here', () => {
    const old = badgeIn([badge({ state: 'failed' })], 'load');
    expect(standing({ ...given, badge: old, node: node({}) }).state).toBe('completed');
    expect(standing({ ...given, badge: old, node: node({}), isBadgeNew: true }).state).toBe('failed');
  });

  it('is running while the cell is', () => {
    expect(standing({ ...given, node: node({ stale: true }), isRunning: true })).toEqual({ ...UNKNOWN, state: 'running' });
  });

  it('says with which other parameters it ran, where that is why it is stale', () => {
    const found = standing({ ...given, node: node({ stale: true, ran_with: { rows: '5', depth: '2' } }) });
    expect(inWords(found)).toBe('ran in 2.0 s, with rows=5 and 1 more');
    expect(inWords(standing({ ...given, node: node({ ran_with: { rows: '5' } }) }))).toBe('ran in 2.0 s');
  });

  it('is stale by the word of the server, and only after a run', () => {
    expect(standing({ ...given, node: node({ stale: true }) }).stale).toBe(true);
    expect(standing({ ...given, node: node({ stale: true, state: 'pending' }) }).stale).toBe(false);
  });
});

describe('a standing in words', () => {
  it('names time and saved time', () => {
    expect(inWords({ ...UNKNOWN, state: 'completed', duration_s: 3 })).toBe('ran in 3.0 s');
    expect(inWords({ ...UNKNOWN, state: 'cached', saved_s: 80 })).toBe('cached, saved 1 min 20 s');
    expect(inWords({ ...UNKNOWN, state: 'cached', stale: true, edited: true })).toBe('cached, stale');
    expect(inWords({ ...UNKNOWN, state: 'cached', edited: true })).toBe('cached, edited since');
    expect(inWords(UNKNOWN)).toBe('not run');
  });
});
