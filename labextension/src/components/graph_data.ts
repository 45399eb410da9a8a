/** What a graph is drawn from, as the server sends it; more fields do no harm. */
import { artifactLabel, bytes, counted, duration, shortened, typeName } from './formatters';
import { lookOf, State, stateOf } from './states';

export interface GraphOutput {
  name: string;
  artifact?: string | null;
  type?: string | null;
  size_bytes?: number | null;
}

/** What of a node changes while a pipeline runs. */
export interface NodeState {
  state: string;
  stale?: boolean;
  /** Parameters, as text, that it had when it ran last and that are others in the notebook now. */
  ran_with?: Record<string, string>;
  duration_s?: number | null;
  saved_s?: number | null;
}

export interface GraphNode extends NodeState {
  name: string;
  /** Where it is, for people: `cell 8`. */
  label?: string | null;
  outputs?: GraphOutput[];
}

export interface GraphEdge {
  source: string;
  target: string;
  outputs?: string[];
}

export interface GraphData {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

const TIMED: State[] = ['completed', 'cached', 'failed', 'cancelled'];

/** One line about a node: `cached · saved 16.7 s`; of a stale one its time means little. A fold says how many steps it stands for. */
export function status(node: NodeState, members = 0): string {
  const state = stateOf(node.state);
  const parts = [lookOf(state).word];
  if (members > 1) {
    parts.push(`with ${counted(members - 1, 'step')} before it`);
    return parts.join(' · ');
  }
  if (node.stale && state !== 'pending') {
    parts.push(ranWith(node.ran_with) || 'stale');
  } else if (state === 'cached' && node.saved_s) {
    parts.push(`saved ${duration(node.saved_s)}`);
  } else if (TIMED.includes(state) && node.duration_s !== null && node.duration_s !== undefined) {
    parts.push(duration(node.duration_s));
  }
  return parts.join(' · ');
}

/** `with rows=5`; nothing for no other parameters. */
export function ranWith(parameters: Record<string, string> | undefined): string {
  const [first, ...more] = Object.entries(parameters ?? {});
  return first ? `with ${shortened(first.join('='), 24)}${more.length > 0 ? ` and ${more.length} more` : ''}` : '';
}

/** What a screen reader says of a node. */
export function spoken(node: GraphNode, members = 0): string {
  const outputs = (node.outputs ?? []).map(output => shortened(output.name, 40));
  const makes = outputs.length === 0 ? '' : `, makes ${outputs.slice(0, 8).join(', ')}`;
  return `step ${shortened(node.name, 120)}, ${status(node, members).split(' · ').join(', ')}${makes}`;
}

/** What is shown when the pointer rests on an output. */
export function outputHint(output: GraphOutput): string {
  const facts = [typeName(output.type), bytes(output.size_bytes)].filter(Boolean).join(', ');
  const name = shortened(output.artifact ?? output.name, 200);
  return facts ? `${name}: ${facts}` : name;
}

export function outputLabel(output: GraphOutput): string {
  return shortened(artifactLabel(output.name), 16);
}

/** Nodes with a name seen before are left out, and edges to or from nodes that are not there. */
export function cleaned(graph: GraphData): GraphData {
  const nodes = new Map<string, GraphNode>();
  graph.nodes.forEach(node => nodes.has(node.name) || nodes.set(node.name, node));
  const edges = graph.edges.filter(edge => nodes.has(edge.source) && nodes.has(edge.target));
  return { nodes: [...nodes.values()], edges };
}

/** Whether the name of the node or of an output has the text, which is in lower case; nothing has no text. */
export function isMatch(node: GraphNode, text: string): boolean {
  const names = [node.name, ...(node.outputs ?? []).map(output => output.name)];
  return text !== '' && names.some(name => name.toLowerCase().includes(text));
}
