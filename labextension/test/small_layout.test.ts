import { describe, expect, it } from 'vitest';

import { layered, Link } from '../src/components/layout';
import { smallLayout } from '../src/components/small_layout';

const BOX = { width: 180, height: 60 };

/** Steps that mostly read steps shortly before them, always the same ones. */
function pipeline(count: number): Link[] {
  let seed = 7;
  const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const links = new Map<string, Link>();
  for (let target = 1; target < count; target += 1) {
    for (let number = 0; number < (random() < 0.35 ? 2 : 1); number += 1) {
      const source = Math.max(0, target - 1 - Math.floor(random() ** 2 * Math.min(target, 14)));
      links.set(`${source} ${target}`, [source, target]);
    }
  }
  return [...links.values()];
}

const boxes = (count: number): (typeof BOX)[] => new Array(count).fill(BOX);

describe('smallLayout', () => {
  it('puts every step below those it reads', () => {
    const links = pipeline(50);
    const { boxes: at } = smallLayout(boxes(50), links);
    expect(links.filter(([source, target]) => at[source].y + BOX.height > at[target].y)).toEqual([]);
  });

  it('puts no box over another', () => {
    const { boxes: at } = smallLayout(boxes(50), pipeline(50));
    const over = at.flatMap((one, index) =>
      at.slice(index + 1).filter(other => Math.abs(one.x - other.x) < BOX.width && Math.abs(one.y - other.y) < BOX.height)
    );
    expect(over).toEqual([]);
  });

  it('has all boxes inside its size', () => {
    const layout = smallLayout(boxes(50), pipeline(50));
    expect(Math.min(...layout.boxes.map(at => at.x)) - BOX.width / 2).toBeGreaterThanOrEqual(-0.001);
    expect(Math.max(...layout.boxes.map(at => at.x)) + BOX.width / 2).toBeLessThanOrEqual(layout.width + 0.001);
    expect(Math.max(...layout.boxes.map(at => at.y)) + BOX.height / 2).toBeLessThanOrEqual(layout.height + 0.001);
  });

  it('leads each edge from border to border', () => {
    const links = pipeline(50);
    const { boxes: at, curves } = smallLayout(boxes(50), links);
    links.forEach(([source, target], index) => {
      const line = curves[index];
      expect(line[0]).toEqual({ x: at[source].x, y: at[source].y + BOX.height / 2 });
      expect(line[line.length - 1]).toEqual({ x: at[target].x, y: at[target].y - BOX.height / 2 });
      expect(line.length % 3).toBe(1);
    });
  });

  it('draws a chain as a straight line', () => {
    const { boxes: at } = smallLayout(boxes(3), [
      [0, 1],
      [1, 2]
    ]);
    expect(new Set(at.map(({ x }) => x)).size).toBe(1);
  });

  it('lets a step that reads nothing stand right above its reader', () => {
    const { boxes: at } = smallLayout(boxes(4), [
      [0, 1],
      [1, 2],
      [3, 2]
    ]);
    expect(at[3].y).toBe(at[1].y);
  });

  it('is no wider than twice what graphviz needs for fifty steps', async () => {
    const links = pipeline(50);
    const [own, other] = [smallLayout(boxes(50), links), await layered(boxes(50), links)];
    expect(own.width).toBeLessThan(2 * other.width);
    expect(own.height).toBeLessThan(2 * other.height);
  });

  it('lays out a step that hundreds of others in a row read', () => {
    const chain = new Array(400).fill(0).map((_, index): Link => [index, index + 1]);
    const hub = chain.slice(1).map(([, target]): Link => [0, target]);
    const layout = smallLayout(boxes(401), [...chain, ...hub]);
    expect(layout.curves.every(line => line.length >= 4)).toBe(true);
    expect(layout.width).toBeLessThan(20 * BOX.width);
  });

  it('is nothing for nothing', () => {
    expect(smallLayout([], [])).toEqual({ width: 0, height: 0, boxes: [], curves: [] });
  });

  it('lays out a thousand steps', () => {
    const { boxes: at } = smallLayout(boxes(1000), pipeline(1000));
    expect(at).toHaveLength(1000);
  });
});
