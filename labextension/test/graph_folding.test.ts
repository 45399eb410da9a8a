import { describe, expect, it } from 'vitest';

import { bottlenecks, fold, foldSizes, ordered } from '../src/components/folding';
import type { State } from '../src/components/states';

const edge = (text: string) => {
  const [source, target] = text.split('>');
  return { source, target };
};
const edges = (text: string) => text.split(' ').map(edge);
const nodes = (names: string, states: Record<string, State> = {}) =>
  [...names].map(name => ({ name, state: states[name] ?? ('pending' as State), stale: false }));
const shown = (found: { edges: { source: string; target: string }[] }) =>
  found.edges.map(one => `${one.source}>${one.target}`);

describe('bottlenecks', () => {
  it('are what every way leads through', () => {
    const found = bottlenecks([...'abcd'], edges('a>b a>c b>d c>d'));
    expect(Object.fromEntries(found)).toEqual({ a: 'd', b: 'd', c: 'd' });
  });

  it('are none for a step that leads to two ends', () => {
    expect(bottlenecks([...'abc'], edges('a>b a>c')).has('a')).toBe(false);
  });
});

describe('foldSizes', () => {
  it('count all that only lead there', () => {
    expect(Object.fromEntries(foldSizes([...'abcd'], edges('a>b b>c b>d')))).toEqual({ a: 0, b: 1, c: 0, d: 0 });
  });
});

describe('fold', () => {
  it('hides a branch and keeps the edges of the rest', () => {
    const found = fold(nodes('abcd'), edges('a>b b>c a>c c>d'), new Set(['c']), false);
    expect(found.shown).toEqual(['c', 'd']);
    expect(shown(found)).toEqual(['c>d']);
    expect(found.members.get('c')).toEqual(['c', 'a', 'b']);
  });

  it('leaves a step that another one reads', () => {
    const found = fold(nodes('abc'), edges('a>b a>c'), new Set(['b']), false);
    expect(found.shown).toEqual(['a', 'b', 'c']);
  });

  it('puts finished steps into the last of each part, and never makes a cycle', () => {
    const done = { a: 'completed', b: 'cached', d: 'completed' } as const;
    const found = fold(nodes('abcd', done), edges('a>b b>c c>d'), new Set(), true);
    expect(found.shown).toEqual(['b', 'c', 'd']);
    expect(shown(found)).toEqual(['b>c', 'c>d']);
  });

  it('does not count a stale step as finished', () => {
    const stale = nodes('ab', { a: 'completed', b: 'completed' }).map(one => ({ ...one, stale: true }));
    expect(fold(stale, edges('a>b'), new Set(), true).shown).toEqual(['a', 'b']);
  });

  it('opens a part of finished steps again', () => {
    const done = { a: 'completed', b: 'completed' } as const;
    expect(fold(nodes('ab', done), edges('a>b'), new Set(), true, new Set(['b'])).shown).toEqual(['a', 'b']);
  });

  it('stays without a cycle whatever is folded', () => {
    const names = [...'abcdefgh'];
    for (let seed = 1; seed < 120; seed += 1) {
      const random = (count: number, salt: number) => (seed * 7919 + salt * 104729) % count;
      const links = names.flatMap((target, at) =>
        at === 0
          ? []
          : [
              { source: names[random(at, at)], target },
              { source: names[random(at, at + 31)], target }
            ]
      );
      const folded = new Set(names.filter((_, at) => random(3, at) === 0));
      const states = Object.fromEntries(
        names.map((name, at) => [name, random(2, at + 7) ? 'completed' : 'failed'])
      ) as Record<string, State>;
      const found = fold(nodes('abcdefgh', states), links, folded, seed % 2 === 0);
      const rank = new Map(ordered(found.shown, found.edges).map((name, at) => [name, at]));
      expect(found.edges.every(one => rank.get(one.source)! < rank.get(one.target)!)).toBe(true);
      expect(found.shown.length + [...found.members.values()].reduce((sum, all) => sum + all.length - 1, 0)).toBe(
        names.length
      );
    }
  });
});
