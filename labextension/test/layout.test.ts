import { describe, expect, it } from 'vitest';

import { bounds, layered, Link, meets, readPlain, toDot, toPath } from '../src/components/layout';
import { leftOut } from '../src/components/long_links';

const BOX = { width: 144, height: 72 };

describe('layered', () => {
  it('puts a step below those it reads', async () => {
    const { boxes } = await layered(
      [BOX, BOX, BOX],
      [
        [0, 1],
        [1, 2]
      ]
    );
    expect(boxes[0].y).toBeLessThan(boxes[1].y);
    expect(boxes[1].y).toBeLessThan(boxes[2].y);
  });

  it('keeps boxes of one layer apart', async () => {
    const { boxes } = await layered(
      [BOX, BOX, BOX],
      [
        [0, 1],
        [0, 2]
      ]
    );
    expect(boxes[1].y).toBeCloseTo(boxes[2].y);
    expect(Math.abs(boxes[1].x - boxes[2].x)).toBeGreaterThanOrEqual(BOX.width);
  });

  it('draws every edge, also two between the same boxes', async () => {
    const { curves } = await layered(
      [BOX, BOX],
      [
        [0, 1],
        [0, 1]
      ]
    );
    expect(curves.map(curve => curve.length >= 4)).toEqual([true, true]);
  });

  it('ends an edge at the border of its boxes', async () => {
    const { boxes, curves } = await layered([BOX, BOX], [[0, 1]]);
    expect(curves[0][0].y).toBeCloseTo(boxes[0].y + BOX.height / 2, 0);
    expect(curves[0][curves[0].length - 1].y).toBeCloseTo(boxes[1].y - BOX.height / 2, 0);
  });

  it('has all boxes inside its size', async () => {
    const layout = await layered(
      [BOX, BOX, BOX],
      [
        [0, 2],
        [1, 2]
      ]
    );
    for (const { x, y } of layout.boxes) {
      expect(x - BOX.width / 2).toBeGreaterThanOrEqual(-0.5);
      expect(x + BOX.width / 2).toBeLessThanOrEqual(layout.width + 0.5);
      expect(y + BOX.height / 2).toBeLessThanOrEqual(layout.height + 0.5);
    }
  });

  it('lays out nothing as nothing', async () => {
    expect(await layered([], [])).toEqual({ width: 0, height: 0, boxes: [], curves: [] });
  });

  it('lays out a graph of 1,000 steps', async () => {
    const links = Array.from({ length: 999 }, (_, index) => [Math.floor(index / 3), index + 1] as const);
    const { boxes } = await layered(
      Array.from({ length: 1000 }, () => BOX),
      links
    );
    expect(boxes.filter(Boolean)).toHaveLength(1000);
  });
});

describe('a deep graph with many long edges', () => {
  const count = 1000;
  const chain = Array.from({ length: count - 1 }, (_, index): Link => [index, index + 1]);
  const long = chain.map(([, target]): Link => [Math.floor(target / 2), target]).filter(([one, other]) => other - one > 1);
  const boxes = Array.from({ length: count }, () => BOX);

  it('is laid out, and every edge is drawn from border to border', async () => {
    const links = [...long, ...chain];
    const { boxes: at, curves } = await layered(boxes, links);
    expect(curves).toHaveLength(links.length);
    links.forEach(([source, target], index) => {
      // graphviz tells five digits, which so deep are tenths of inches
      expect(Math.abs(curves[index][0].y - at[source].y - BOX.height / 2)).toBeLessThan(8);
      expect(Math.abs(curves[index].at(-1)!.y - at[target].y + BOX.height / 2)).toBeLessThan(8);
    });
  });

  it('leaves to graphviz all edges that no longer way stands for', () => {
    const apart: Link = [count, count - 1];
    const away = leftOut(count + 1, [...chain, ...long, apart]);
    expect([...away].every(index => index >= chain.length && index < chain.length + long.length)).toBe(true);
    expect(away.size).toBeGreaterThan(900);
  });

  it('does not matter as long as the graph is small', () => {
    expect(leftOut(30, [...chain.slice(0, 29), [0, 29]])).toEqual(new Set());
  });
});

describe('toDot', () => {
  it('has numbers and sizes only', () => {
    expect(toDot([BOX, BOX], [[0, 1]])).toContain('0[width=2.0000,height=1.0000];1[width=2.0000,height=1.0000];0->1');
  });
});

describe('readPlain', () => {
  it('turns inches from the bottom left into pixels from the top left', () => {
    const text = 'graph 1 2 3\nnode 0 1 2.5 1 1 "" solid box black lightgrey\nstop\n';
    expect(readPlain(text, 1, [])).toEqual({ width: 144, height: 216, boxes: [{ x: 72, y: 36 }], curves: [] });
  });
});

describe('curves', () => {
  it('are cubic in a path', () => {
    const curve = [0, 1, 2, 3].map(at => ({ x: at, y: at }));
    expect(toPath(curve)).toBe('M0.0 0.0C1.0 1.0 2.0 2.0 3.0 3.0');
  });

  it('are in sight when their area meets the window', () => {
    const area = bounds([
      { x: 0, y: 0 },
      { x: 10, y: 40 }
    ]);
    expect(meets(area, { left: 5, top: 5, right: 6, bottom: 6 })).toBe(true);
    expect(meets(area, { left: 11, top: 0, right: 20, bottom: 40 })).toBe(false);
  });
});
