/** Which step needs which. */
import type { GraphEdge } from '../api/types';
import type { Role } from './roles';

export const PIPELINE = 'application/vnd.mlstack.pipeline+json';

/** All that stands before a step and after it, by data and by what it is told to wait for. */
export class Neighbours {
  private readonly needs = new Map<string, Set<string>>();
  private readonly feeds = new Map<string, Set<string>>();

  constructor(edges: readonly GraphEdge[], roles: readonly Role[]) {
    edges.forEach(edge => this.add(edge.source, edge.target));
    roles.forEach(role => role.after.forEach(before => this.add(before, role.name)));
  }

  before(name: string): Set<string> {
    return reached(this.needs, name);
  }

  after(name: string): Set<string> {
    return reached(this.feeds, name);
  }

  private add(source: string, target: string): void {
    this.needs.set(target, (this.needs.get(target) ?? new Set()).add(source));
    this.feeds.set(source, (this.feeds.get(source) ?? new Set()).add(target));
  }
}

/** The edges of the last pipeline that is shown among these outputs. */
export function edgesShown(outputs: readonly { data?: unknown }[]): GraphEdge[] {
  const shown = outputs
    .map(output => (output.data as Record<string, unknown> | undefined)?.[PIPELINE])
    .filter((data): data is { edges: unknown[] } => Array.isArray((data as { edges?: unknown } | undefined)?.edges));
  return (shown.at(-1)?.edges ?? []).filter(isEdge);
}

function isEdge(value: unknown): value is GraphEdge {
  const edge = value as Partial<GraphEdge> | null;
  return typeof edge?.source === 'string' && typeof edge.target === 'string';
}

function reached(next: Map<string, Set<string>>, start: string): Set<string> {
  const found = new Set<string>();
  const todo = [start];
  while (todo.length > 0) {
    for (const name of next.get(todo.pop()!) ?? []) {
      if (name !== start && !found.has(name)) {
        found.add(name);
        todo.push(name);
      }
    }
  }
  return found;
}
