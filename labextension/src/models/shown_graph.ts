/** The pipeline in an output of a notebook as a graph to draw. It may come from anywhere, so nothing is taken on trust. */
import type { GraphData, GraphEdge, GraphNode } from '../components/graph_data';
import { stateOf } from '../components/states';

const ROW_PX = 92;
const SMALLEST_PX = 200;
const LARGEST_PX = 560;

export function graphOf(data: unknown): GraphData & { pipeline: string } {
  const given = record(data);
  const nodes = list(given.nodes).map(nodeOf).filter(node => node.name !== '');
  const edges = list(given.edges).map(edgeOf).filter(edge => edge.source !== '' && edge.target !== '');
  return { pipeline: text(given.pipeline), nodes, edges };
}

/** In pixels: room for the longest way through the graph, within bounds. */
export function heightOf(graph: GraphData): number {
  const depth = new Map(graph.nodes.map(node => [node.name, 1]));
  for (let round = 0; round < graph.nodes.length; round += 1) {
    let isSettled = true;
    for (const { source, target } of graph.edges) {
      const below = (depth.get(source) ?? 0) + 1;
      if (below > (depth.get(target) ?? below) && below <= graph.nodes.length) {
        depth.set(target, below);
        isSettled = false;
      }
    }
    if (isSettled) {
      break;
    }
  }
  const rows = Math.max(1, ...depth.values());
  return Math.min(LARGEST_PX, Math.max(SMALLEST_PX, rows * ROW_PX + 60));
}

function nodeOf(value: unknown): GraphNode {
  const node = record(value);
  return {
    name: text(node.name),
    state: stateOf(node.state),
    stale: node.stale === true,
    duration_s: number(node.duration_s),
    saved_s: number(node.saved_s),
    outputs: list(node.outputs)
      .map(output => ({ name: typeof output === 'string' ? output : text(record(output).name) }))
      .filter(output => output.name !== '')
  };
}

function edgeOf(value: unknown): GraphEdge {
  const edge = record(value);
  return { source: text(edge.source), target: text(edge.target), outputs: list(edge.outputs).map(text) };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
