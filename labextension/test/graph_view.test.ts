import { describe, expect, it } from 'vitest';

import { neighbour } from '../src/components/graph_keys';
import { fitted, opening, revealed, zoomed } from '../src/components/viewport';

const FRAME = { width: 400, height: 300 };

describe('fitted', () => {
  it('has all of a large drawing in sight', () => {
    const view = fitted({ width: 4000, height: 1000 }, FRAME);
    expect(view.x).toBeGreaterThanOrEqual(0);
    expect(view.x + 4000 * view.scale).toBeLessThanOrEqual(FRAME.width);
  });

  it('does not enlarge a small one', () => {
    expect(fitted({ width: 40, height: 30 }, FRAME)).toEqual({ scale: 1, x: 180, y: 135 });
  });
});

describe('opening', () => {
  it('shows all where that can be read', () => {
    const drawing = { width: 600, height: 300 };
    expect(opening(drawing, { x: 0, y: 0 }, FRAME)).toEqual(fitted(drawing, FRAME));
  });

  it('looks at the start of a drawing that is too large', () => {
    const view = opening({ width: 9000, height: 9000 }, { x: 4000, y: 30 }, FRAME);
    expect(4000 * view.scale + view.x).toBeCloseTo(FRAME.width / 2);
    expect(30 * view.scale + view.y).toBeGreaterThan(0);
    expect(view.scale).toBeGreaterThan(0.5);
  });
});

describe('zoomed', () => {
  it('keeps the point under the pointer', () => {
    const [view, at] = [
      { x: 10, y: 20, scale: 1 },
      { x: 110, y: 70 }
    ];
    const next = zoomed(view, 2, at);
    expect((at.x - next.x) / next.scale).toBeCloseTo((at.x - view.x) / view.scale);
    expect((at.y - next.y) / next.scale).toBeCloseTo((at.y - view.y) / view.scale);
  });

  it('ends somewhere', () => {
    expect(zoomed({ x: 0, y: 0, scale: 1 }, 1000, { x: 0, y: 0 }).scale).toBe(3);
    expect(zoomed({ x: 0, y: 0, scale: 1 }, 1e-9, { x: 0, y: 0 }).scale).toBe(0.05);
  });
});

describe('revealed', () => {
  it('moves as little as it must', () => {
    const box = { width: 100, height: 50 };
    expect(revealed({ x: 0, y: 0, scale: 1 }, { x: 200, y: 150 }, box, FRAME)).toEqual({ x: 0, y: 0, scale: 1 });
    expect(revealed({ x: 0, y: 0, scale: 1 }, { x: 400, y: 150 }, box, FRAME).x).toBe(-66);
  });
});

describe('neighbour', () => {
  const places = new Map([
    ['a', { x: 0, y: 0 }],
    ['b', { x: -50, y: 100 }],
    ['c', { x: 40, y: 100 }]
  ]);
  const edges = [
    { source: 'a', target: 'b' },
    { source: 'a', target: 'c' }
  ];

  it.each([
    ['a', 'ArrowDown', 'c'],
    ['b', 'ArrowUp', 'a'],
    ['b', 'ArrowRight', 'c'],
    ['c', 'ArrowLeft', 'b'],
    ['a', 'ArrowUp', null],
    ['a', 'ArrowLeft', null]
  ] as const)('of %s by %s is %s', (from, arrow, wanted) => {
    expect(neighbour(from, arrow, places, edges)).toBe(wanted);
  });
});
