import { describe, expect, it } from 'vitest';

import { edgesShown, Neighbours, PIPELINE } from '../src/models/edges';
import { graphOf, heightOf } from '../src/models/shown_graph';

const edge = (source: string, target: string) => ({ source, target, outputs: [] });

describe('neighbours', () => {
  it('are found through others, and by what waits for what', () => {
    const role = { kind: 'step' as const, name: 'd', by: 'tag' as const, after: ['c'] };
    const near = new Neighbours([edge('a', 'b'), edge('b', 'c')], [role]);
    expect([...near.before('d')]).toEqual(['c', 'b', 'a']);
    expect([...near.after('b')]).toEqual(['c', 'd']);
    expect([...near.after('unknown')]).toEqual([]);
  });

  it('end in a circle', () => {
    const near = new Neighbours([edge('a', 'b'), edge('b', 'a')], []);
    expect([...near.before('a')]).toEqual(['b']);
  });
});

describe('the pipeline among outputs', () => {
  it('gives its edges, those of the last one', () => {
    const shown = (edges: unknown) => ({ data: { [PIPELINE]: { edges } } });
    expect(edgesShown([shown([edge('a', 'b')]), shown([edge('c', 'd'), { source: 1 }, null])])).toEqual([edge('c', 'd')]);
    expect(edgesShown([shown('x'), { data: 7 }, {}])).toEqual([]);
  });

  it('is drawn from what can be made sense of', () => {
    const graph = graphOf({
      pipeline: '<b>p</b>',
      nodes: [{ name: 'a', state: 'weird', outputs: ['x', { name: 'y' }, 3] }, null, { name: 5 }],
      edges: [{ source: 'a', target: 'b', outputs: ['x'] }, { source: 'a' }]
    });
    expect(graph.nodes).toEqual([
      { name: 'a', state: 'pending', stale: false, duration_s: null, saved_s: null, outputs: [{ name: 'x' }, { name: 'y' }] }
    ]);
    expect(graph.edges).toHaveLength(1);
    expect(graphOf('nothing').nodes).toEqual([]);
  });

  it('is as high as its longest way, within bounds', () => {
    const nodes = ['a', 'b', 'c', 'd'].map(name => ({ name, state: 'pending' }));
    const chain = heightOf({ nodes, edges: [edge('a', 'b'), edge('b', 'c'), edge('c', 'd')] });
    expect(chain).toBeGreaterThan(heightOf({ nodes, edges: [edge('a', 'b')] }));
    expect(heightOf({ nodes, edges: [edge('a', 'b'), edge('b', 'a')] })).toBeLessThanOrEqual(560);
  });
});
