/**
 * A layout that needs nothing but these lines: for pages that can not load graphviz, as a widget in a notebook.
 *
 * Layers by the longest way, an order with few crossings within each, and then every box as near to the middle of its
 * neighbours as those beside it allow. A long edge passes the layers between by places of its own.
 */
import type { Box, Layout, Link, Point } from './layout';
import { direct, leftOut } from './long_links';

const GAP_X = 24;
const GAP_Y = 36;
const EDGE_WIDTH = 10;
const ORDER_SWEEPS = 12;
const PLACE_SWEEPS = 10;
/** Long edges are pulled straight, at the cost of where boxes stand. */
const STRAIGHT = 4;

/** The boxes, and after them the places by which long edges pass; `chains` are by the index of the link. */
interface Net {
  boxes: Box[];
  rows: number[][];
  chains: number[][];
  above: number[][];
  below: number[][];
  count: number;
}

export function smallLayout(boxes: readonly Box[], links: readonly Link[]): Layout {
  if (boxes.length === 0) {
    return { width: 0, height: 0, boxes: [], curves: [] };
  }
  const away = leftOut(boxes.length, links);
  const net = netOf(
    boxes,
    links.filter((_, index) => !away.has(index))
  );
  order(net);
  const at = centres(net, placed(net));
  const chains = net.chains.values();
  const curves = links.map(([source, target], index) =>
    away.has(index)
      ? direct(at[source], at[target], boxes[source], boxes[target])
      : curve(route(net, at, chains.next().value as number[]))
  );
  const right = Math.max(
    ...at.map(({ x }, place) => x + net.boxes[place].width / 2),
    ...[...away].map(index => curves[index][1].x)
  );
  const bottom = Math.max(...boxes.map(({ height }, place) => at[place].y + height / 2));
  return { width: right, height: bottom, boxes: at.slice(0, boxes.length), curves };
}

function netOf(boxes: readonly Box[], links: readonly Link[]): Net {
  const level = levels(boxes.length, links);
  const all: Box[] = [...boxes];
  const rows: number[][] = Array.from({ length: Math.max(...level) + 1 }, () => []);
  level.forEach((row, place) => rows[row].push(place));
  const chains = links.map(([source, target]) => {
    const chain = [source];
    for (let row = level[source] + 1; row < level[target]; row += 1) {
      rows[row].push(all.length);
      chain.push(all.length);
      all.push({ width: EDGE_WIDTH, height: 0 });
    }
    return [...chain, target];
  });
  const [above, below] = [all.map((): number[] => []), all.map((): number[] => [])];
  for (const chain of chains) {
    for (let at = 1; at < chain.length; at += 1) {
      below[chain[at - 1]].push(chain[at]);
      above[chain[at]].push(chain[at - 1]);
    }
  }
  return { boxes: all, rows, chains, above, below, count: boxes.length };
}

/** Each box below all it reads; one that reads nothing as near as possible to its readers. Cycles end somewhere. */
function levels(count: number, links: readonly Link[]): number[] {
  const [before, after] = [new Array<number>(count).fill(0), Array.from({ length: count }, (): number[] => [])];
  for (const [source, target] of links) {
    after[source].push(target);
    before[target] += 1;
  }
  const reads = before.map(number => number > 0);
  const level = new Array<number>(count).fill(0);
  const ready = before.flatMap((number, place) => (number === 0 ? [place] : []));
  for (let at = 0; at < ready.length; at += 1) {
    for (const target of after[ready[at]]) {
      level[target] = Math.max(level[target], level[ready[at]] + 1);
      before[target] -= 1;
      before[target] === 0 && ready.push(target);
    }
  }
  after.forEach((targets, place) => {
    if (!reads[place] && targets.length > 0) {
      level[place] = Math.max(0, Math.min(...targets.map(target => level[target])) - 1);
    }
  });
  return level;
}

/** Sorts each row by where its neighbours stand, down and up, and keeps the order with the fewest crossings. */
function order(net: Net): void {
  const at = new Array<number>(net.boxes.length).fill(0);
  const number = (row: number[]): void => row.forEach((place, index) => (at[place] = index));
  net.rows.forEach(number);
  let best = net.rows.map(row => [...row]);
  let fewest = crossings(net, at);
  for (let sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const near = isDown ? net.above : net.below;
    for (const row of isDown ? net.rows : [...net.rows].reverse()) {
      const wanted = new Map(row.map(place => [place, mean(near[place], at) ?? at[place]]));
      row.sort((one, other) => wanted.get(one)! - wanted.get(other)!);
      number(row);
    }
    const found = crossings(net, at);
    if (found < fewest) {
      fewest = found;
      best = net.rows.map(row => [...row]);
    }
  }
  net.rows = best;
}

/** How many pairs of edges cross, counted layer by layer with a tree of sums. */
function crossings(net: Net, at: readonly number[]): number {
  let count = 0;
  for (const row of net.rows) {
    const ends = row.flatMap(place => net.below[place].map(target => at[target]).sort((one, other) => one - other));
    const sums = new Array<number>(Math.max(0, ...ends) + 2).fill(0);
    ends.forEach((end, seen) => {
      let smaller = 0;
      for (let index = end + 1; index > 0; index -= index & -index) {
        smaller += sums[index];
      }
      count += seen - smaller;
      for (let index = end + 1; index < sums.length; index += index & -index) {
        sums[index] += 1;
      }
    });
  }
  return count;
}

/** The x of each centre. */
function placed(net: Net): number[] {
  const x = new Array<number>(net.boxes.length).fill(0);
  for (const row of net.rows) {
    settle(net, row, x, () => 0);
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const isLast = sweep >= PLACE_SWEEPS - 2;
    for (const row of isDown ? net.rows : [...net.rows].reverse()) {
      const near = (place: number): number[] =>
        isLast ? [...net.above[place], ...net.below[place]] : (isDown ? net.above : net.below)[place];
      settle(net, row, x, place => mean(near(place), x) ?? x[place]);
    }
  }
  return x;
}

/** Moves a row to where its boxes want to be, as near as their order and widths let it in the least squares. */
function settle(net: Net, row: readonly number[], x: number[], wanted: (place: number) => number): void {
  const offsets: number[] = [];
  row.forEach((place, index) => {
    const before = index === 0 ? 0 : offsets[index - 1] + gap(net, row[index - 1], place);
    offsets.push(before);
  });
  const blocks: { sum: number; weight: number; size: number }[] = [];
  row.forEach((place, index) => {
    const weight = place >= net.count ? STRAIGHT : 1;
    let block = { sum: (wanted(place) - offsets[index]) * weight, weight, size: 1 };
    while (blocks.length > 0) {
      const last = blocks[blocks.length - 1];
      if (last.sum / last.weight <= block.sum / block.weight) {
        break;
      }
      blocks.pop();
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, size: last.size + block.size };
    }
    blocks.push(block);
  });
  let index = 0;
  for (const { sum, weight, size } of blocks) {
    for (let member = 0; member < size; member += 1, index += 1) {
      x[row[index]] = sum / weight + offsets[index];
    }
  }
}

function gap(net: Net, left: number, right: number): number {
  const isEdge = left >= net.count && right >= net.count;
  return (net.boxes[left].width + net.boxes[right].width) / 2 + (isEdge ? EDGE_WIDTH / 2 : GAP_X);
}

/** From the left end of all and the top; a row is as high as the highest in it. */
function centres(net: Net, x: readonly number[]): Point[] {
  const left = Math.min(...x.map((middle, place) => middle - net.boxes[place].width / 2));
  const at: Point[] = new Array(net.boxes.length);
  let top = 0;
  for (const row of net.rows) {
    const height = Math.max(0, ...row.map(place => net.boxes[place].height));
    row.forEach(place => (at[place] = { x: x[place] - left, y: top + height / 2 }));
    top += height + GAP_Y;
  }
  return at;
}

/** The points that an edge goes through, from border to border. */
function route(net: Net, at: readonly Point[], chain: readonly number[]): Point[] {
  const last = chain.length - 1;
  return chain.map((place, index) => {
    const aside = index === 0 ? 0.5 : index === last ? -0.5 : 0;
    return { x: at[place].x, y: at[place].y + aside * net.boxes[place].height };
  });
}

function mean(places: readonly number[], at: readonly number[]): number | null {
  return places.length === 0 ? null : places.reduce((sum, place) => sum + at[place], 0) / places.length;
}

/** Cubic Béziers through the points, which leave and arrive straight down. */
function curve(points: readonly Point[]): Point[] {
  const [start, ...rest] = points;
  let last = start;
  return [
    start,
    ...rest.flatMap(next => {
      const middle = (last.y + next.y) / 2;
      const part = [{ x: last.x, y: middle }, { x: next.x, y: middle }, next];
      last = next;
      return part;
    })
  ];
}
