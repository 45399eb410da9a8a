/** Where the boxes and arrows of a graph go: layers from top to bottom, by graphviz in WebAssembly, loaded on first use. */
import { direct, leftOut } from './long_links';

export interface Box {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** A part of the plane. */
export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** `boxes` are by the index of the node and give its centre; `curves` are by the index of the edge: cubic Béziers. */
export interface Layout extends Box {
  boxes: Point[];
  curves: Point[][];
}

/** The source of an edge and its target, as indices of boxes. */
export type Link = readonly [number, number];

export type LayoutOf = (boxes: readonly Box[], links: readonly Link[]) => Layout | Promise<Layout>;

const PIXELS_PER_INCH = 72;

type Engine = { dot(source: string, format?: 'plain'): string };

let engine: Promise<Engine> | null = null;

/** Begins to load the engine, so that the first graph need not wait for it. A load that failed is tried again. */
export function loadEngine(): Promise<Engine> {
  engine ??= import('@hpcc-js/wasm-graphviz')
    .then(module => module.Graphviz.load())
    .catch(error => {
      engine = null;
      throw error;
    });
  return engine;
}

/** The graph in graphviz's language. Nodes are numbers, so no text of a user gets into it. */
export function toDot(boxes: readonly Box[], links: readonly Link[]): string {
  const inches = (pixels: number): string => (pixels / PIXELS_PER_INCH).toFixed(4);
  const nodes = boxes.map((box, index) => `${index}[width=${inches(box.width)},height=${inches(box.height)}]`);
  const edges = links.map(([source, target]) => `${source}->${target}`);
  const wide = boxes.length > 400 ? 'nslimit=2;mclimit=0.5;' : '';
  return [
    `digraph{rankdir=TB;nodesep=0.25;ranksep=0.4;${wide}`,
    'node[shape=box,fixedsize=true,label=""];edge[arrowhead=none];',
    [...nodes, ...edges].join(';'),
    '}'
  ].join('\n');
}

/** Reads graphviz's `plain` format, in inches from the bottom left, into pixels from the top left. */
export function readPlain(text: string, count: number, links: readonly Link[]): Layout {
  const layout: Layout = { width: 0, height: 0, boxes: new Array(count), curves: new Array(links.length) };
  const waiting = new Map<string, number[]>();
  links.forEach(([source, target], index) => {
    const key = `${source} ${target}`;
    waiting.set(key, [...(waiting.get(key) ?? []), index]);
  });
  for (const line of text.split('\n')) {
    const [what, ...rest] = line.split(' ');
    if (what === 'graph') {
      layout.width = Number(rest[1]) * PIXELS_PER_INCH;
      layout.height = Number(rest[2]) * PIXELS_PER_INCH;
    } else if (what === 'node') {
      layout.boxes[Number(rest[0])] = point(rest[1], rest[2], layout.height);
    } else if (what === 'edge') {
      const index = waiting.get(`${rest[0]} ${rest[1]}`)?.shift();
      if (index !== undefined) {
        layout.curves[index] = points(rest.slice(3, 3 + 2 * Number(rest[2])), layout.height);
      }
    }
  }
  return layout;
}

export async function layered(boxes: readonly Box[], links: readonly Link[]): Promise<Layout> {
  if (boxes.length === 0) {
    return { width: 0, height: 0, boxes: [], curves: [] };
  }
  const graphviz = await loadEngine();
  const away = leftOut(boxes.length, links);
  const laid = links.filter((_, index) => !away.has(index));
  const layout = readPlain(graphviz.dot(toDot(boxes, laid), 'plain'), boxes.length, laid);
  if (away.size === 0) {
    return layout;
  }
  const found = layout.curves.values();
  const curves = links.map(([source, target], index) =>
    away.has(index)
      ? direct(layout.boxes[source], layout.boxes[target], boxes[source], boxes[target])
      : (found.next().value as Point[])
  );
  const width = Math.max(layout.width, ...curves.flatMap((curve, index) => (away.has(index) ? [curve[1].x] : [])));
  return { ...layout, width, curves };
}

/** A curve as the `d` of an SVG path. */
export function toPath(curve: readonly Point[]): string {
  const [start, ...rest] = curve.map(at => `${at.x.toFixed(1)} ${at.y.toFixed(1)}`);
  return rest.length === 0 ? `M${start}` : `M${start}C${rest.join(' ')}`;
}

/** The area a curve lies in, as its control points bound it. */
export function bounds(curve: readonly Point[]): Area {
  const [across, down] = [curve.map(at => at.x), curve.map(at => at.y)];
  return { left: Math.min(...across), right: Math.max(...across), top: Math.min(...down), bottom: Math.max(...down) };
}

export function meets(one: Area, other: Area): boolean {
  return one.right > other.left && one.left < other.right && one.bottom > other.top && one.top < other.bottom;
}

function point(x: string, y: string, height: number): Point {
  return { x: Number(x) * PIXELS_PER_INCH, y: height - Number(y) * PIXELS_PER_INCH };
}

function points(numbers: string[], height: number): Point[] {
  const found: Point[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    found.push(point(numbers[index], numbers[index + 1], height));
  }
  return found;
}
