/** Links that pass many layers: laying them out takes graphviz a place in each layer, and minutes where there are many. */
import type { Box, Link, Point } from './layout';

/** So many places graphviz takes in a moment. */
const PLACES = 3000;
const LONG = 6;

/**
 * The links to be drawn without graphviz, as their indices: long ones that a longer way has the same order by, so that
 * the layers stay what they are. None in a graph that it lays out in a moment.
 */
export function leftOut(count: number, links: readonly Link[]): Set<number> {
  const levels = levelsOf(count, links);
  const span = ([source, target]: Link): number => levels[target] - levels[source];
  const places = links.reduce((sum, link) => sum + Math.max(span(link) - 1, 0), 0);
  if (places <= PLACES) {
    return new Set();
  }
  const isImplied = implied(count, links, levels);
  return new Set(links.flatMap((link, index) => (span(link) > LONG && isImplied(link) ? [index] : [])));
}

/** A curve from the lower border of one box to the upper border of the other, past what stands between them. */
export function direct(from: Point, to: Point, source: Box, target: Box): Point[] {
  const [start, end] = [
    { x: from.x, y: from.y + source.height / 2 },
    { x: to.x, y: to.y - target.height / 2 }
  ];
  const aside = Math.max(start.x, end.x) + Math.max(source.width, target.width) * 0.75;
  const reach = (end.y - start.y) / 4;
  return [start, { x: aside, y: start.y + reach }, { x: aside, y: end.y - reach }, end];
}

/** Each node below all that lead to it; those of a cycle, which no pipeline has, at the top. */
function levelsOf(count: number, links: readonly Link[]): number[] {
  const after = Array.from({ length: count }, (): number[] => []);
  const missing = new Array<number>(count).fill(0);
  for (const [source, target] of links) {
    after[source].push(target);
    missing[target] += 1;
  }
  const level = new Array<number>(count).fill(0);
  const ready = missing.flatMap((number, node) => (number === 0 ? [node] : []));
  for (let at = 0; at < ready.length; at += 1) {
    for (const target of after[ready[at]]) {
      level[target] = Math.max(level[target], level[ready[at]] + 1);
      missing[target] -= 1;
      missing[target] === 0 && ready.push(target);
    }
  }
  return level;
}

/** Whether there is a longer way from the source of a link to its target. */
function implied(count: number, links: readonly Link[], levels: readonly number[]): (link: Link) => boolean {
  const before = Array.from({ length: count }, (): number[] => []);
  links.forEach(([source, target]) => before[target].push(source));
  return ([source, target]) => {
    const seen = new Set<number>();
    const todo = before[target].filter(node => node !== source);
    while (todo.length > 0) {
      const node = todo.pop()!;
      if (node === source) {
        return true;
      }
      if (!seen.has(node) && levels[node] > levels[source]) {
        seen.add(node);
        todo.push(...before[node]);
      }
    }
    return false;
  };
}
