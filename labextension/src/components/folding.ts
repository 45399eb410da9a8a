/** Folds parts of a graph into one node each, never so that a cycle arises. */
import { isGood, State } from './states';

export interface FoldNode {
  name: string;
  state: State;
  stale: boolean;
}

export interface FoldEdge {
  source: string;
  target: string;
}

/** What is shown: `members` has an entry for each node that stands for others, itself among them. */
export interface Folded<E extends FoldEdge> {
  shown: string[];
  edges: E[];
  members: Map<string, string[]>;
}

/** The node each node leads to on every way down the graph; nodes with several ends have none. */
export function bottlenecks(names: readonly string[], edges: readonly FoldEdge[]): Map<string, string> {
  const after = successors(names, edges);
  const order = ordered(names, edges).reverse();
  const depth = new Map<string, number>();
  const down = new Map<string, string>();
  for (const name of order) {
    const targets = after.get(name) ?? [];
    const common = targets.reduce<string | null | undefined>(
      (found, target) => (found === undefined ? target : found && meeting(found, target, depth, down)),
      undefined
    );
    if (common) {
      down.set(name, common);
    }
    depth.set(name, common ? depth.get(common)! + 1 : 0);
  }
  return down;
}

/** Per node, how many steps only lead to it: what its fold would hide. */
export function foldSizes(names: readonly string[], edges: readonly FoldEdge[]): Map<string, number> {
  const down = bottlenecks(names, edges);
  const sizes = new Map<string, number>(names.map(name => [name, 0]));
  for (const name of ordered(names, edges)) {
    const next = down.get(name);
    if (next !== undefined) {
      sizes.set(next, sizes.get(next)! + sizes.get(name)! + 1);
    }
  }
  return sizes;
}

/**
 * Hides, per name in `folded`, the steps that only lead to it. With `finished`, the finished steps that wait for no
 * unfinished one are shown as the last of them, per connected part; parts with their last step in `opened` are not.
 */
export function fold<N extends FoldNode, E extends FoldEdge>(
  nodes: readonly N[],
  edges: readonly E[],
  folded: ReadonlySet<string>,
  finished: boolean,
  opened: ReadonlySet<string> = new Set()
): Folded<E> {
  const names = nodes.map(node => node.name);
  const into = new Map<string, string>(names.map(name => [name, name]));
  const down = bottlenecks(names, edges);
  for (const name of ordered(names, edges).reverse()) {
    const next = down.get(name);
    if (next !== undefined && (folded.has(next) || into.get(next) !== next)) {
      into.set(name, into.get(next)!);
    }
  }
  if (finished) {
    foldFinished(nodes, edges, into, opened);
  }
  return contracted(names, edges, into);
}

function foldFinished(
  nodes: readonly FoldNode[],
  edges: readonly FoldEdge[],
  into: Map<string, string>,
  opened: ReadonlySet<string>
): void {
  const names = nodes.map(node => node.name);
  const order = ordered(names, edges);
  const done = finishedFromTheStart(nodes, edges, order);
  const last = lastOfParts(
    order,
    edges.filter(edge => done.has(edge.source) && done.has(edge.target))
  );
  for (const name of done) {
    const stand = last(name);
    if (!opened.has(stand)) {
      into.set(name, stand);
    }
  }
  const above = [...into.values()];
  names.forEach((name, place) => into.set(name, into.get(above[place])!));
}

/** The good steps all of whose producers are such steps too. */
function finishedFromTheStart(
  nodes: readonly FoldNode[],
  edges: readonly FoldEdge[],
  order: readonly string[]
): Set<string> {
  const done = new Set(nodes.filter(node => isGood(node.state) && !node.stale).map(node => node.name));
  const after = successors(order, edges);
  for (const name of order) {
    if (!done.has(name)) {
      after.get(name)!.forEach(target => done.delete(target));
    }
  }
  return done;
}

/** Finds the last node, in the order given, of the part that edges connect a node to. */
function lastOfParts(order: readonly string[], edges: readonly FoldEdge[]): (name: string) => string {
  const rank = new Map(order.map((name, index) => [name, index]));
  const later = new Map<string, string>();
  const last = (name: string): string => {
    let at = name;
    for (let next = later.get(at); next !== undefined; next = later.get(at)) {
      at = next;
    }
    return at;
  };
  for (const { source, target } of edges) {
    const [one, other] = [last(source), last(target)].sort((a, b) => rank.get(a)! - rank.get(b)!);
    if (one !== other) {
      later.set(one, other);
    }
  }
  return last;
}

function contracted<E extends FoldEdge>(names: string[], edges: readonly E[], into: Map<string, string>): Folded<E> {
  const shown = names.filter(name => into.get(name) === name);
  const members = new Map<string, string[]>();
  for (const name of names) {
    const stand = into.get(name)!;
    if (stand !== name) {
      members.set(stand, [...(members.get(stand) ?? [stand]), name]);
    }
  }
  const seen = new Map<string, E>();
  for (const edge of edges) {
    const [source, target] = [into.get(edge.source), into.get(edge.target)];
    if (source !== undefined && target !== undefined && source !== target) {
      const key = JSON.stringify([source, target]);
      seen.has(key) || seen.set(key, { ...edge, source, target });
    }
  }
  return { shown, edges: [...seen.values()], members };
}

function meeting(one: string, other: string, depth: Map<string, number>, down: Map<string, string>): string | null {
  let [left, right]: (string | undefined)[] = [one, other];
  while (left !== right) {
    if (left === undefined || right === undefined) {
      return null;
    }
    if (depth.get(left)! >= depth.get(right)!) {
      left = down.get(left);
    } else {
      right = down.get(right);
    }
  }
  return left ?? null;
}

function successors(names: readonly string[], edges: readonly FoldEdge[]): Map<string, string[]> {
  const after = new Map<string, string[]>(names.map(name => [name, []]));
  edges.forEach(edge => after.has(edge.target) && after.get(edge.source)?.push(edge.target));
  return after;
}

/** Sources first. Nodes of a cycle, which no compiled pipeline has, come last in the order given. */
export function ordered(names: readonly string[], edges: readonly FoldEdge[]): string[] {
  const after = successors(names, edges);
  const missing = new Map<string, number>(names.map(name => [name, 0]));
  after.forEach(targets => targets.forEach(target => missing.set(target, missing.get(target)! + 1)));
  const ready = names.filter(name => missing.get(name) === 0);
  for (let index = 0; index < ready.length; index += 1) {
    for (const target of after.get(ready[index])!) {
      missing.set(target, missing.get(target)! - 1);
      missing.get(target) === 0 && ready.push(target);
    }
  }
  const placed = new Set(ready);
  return [...ready, ...names.filter(name => !placed.has(name))];
}
