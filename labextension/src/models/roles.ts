/**
 * What the cells of a notebook are in its pipeline, from their tags and `%%step` lines. The same grammar as in Python:
 * source/cell_tags.py and source/step_line.py.
 */

export type Kind = 'step' | 'part' | 'parameters' | 'imports' | 'functions' | 'metrics' | 'skip' | '';

/** `by` tells what makes the cell a step; `after` names steps that it waits for though no data comes from them. */
export interface Role {
  kind: Kind;
  name: string;
  by: 'magic' | 'tag' | '';
  after: string[];
}

export interface CellText {
  type: string;
  text: string;
  tags: readonly string[];
}

export const TAG_OF: Partial<Record<Kind, string>> = {
  parameters: 'parameters',
  imports: 'imports',
  functions: 'functions',
  metrics: 'pipeline-metrics',
  skip: 'skip'
};

const SPECIAL: Record<string, Kind> = {
  skip: 'skip',
  imports: 'imports',
  functions: 'functions',
  'pipeline-parameters': 'parameters',
  parameters: 'parameters',
  'injected-parameters': 'parameters',
  'pipeline-metrics': 'metrics'
};
const STEP_TAG = /^(?:step|block):(.*)$/s;
const STEP_NAME = /^[a-z_][a-z0-9_]*$/;
const MAGIC_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const MAGIC = /^((?:[ \t]*\n)*[ \t]*%%step)([ \t]+)((?:(?!->)[^\s>])+)([^\n]*)/;
const CONFIGURING = /^(prev|limit|label|annotation|secret|image|cache|report):/;
const NONE: Role = { kind: '', name: '', by: '', after: [] };

/** The role of every cell, in their order. */
export function rolesOf(cells: readonly CellText[]): Role[] {
  const tagged = new Set<string>();
  let current = '';
  return cells.map(cell => {
    if (cell.type !== 'code') {
      return NONE;
    }
    const role = ownRole(cell);
    if (role.kind === 'skip') {
      return role;
    }
    if (role.kind !== '') {
      current = role.by === 'tag' ? role.name : '';
      const isPart = role.by === 'tag' && tagged.has(role.name);
      if (role.by === 'tag') {
        tagged.add(role.name);
      }
      return isPart ? { ...role, kind: 'part' } : role;
    }
    return current && cell.text.trim() ? { kind: 'part', name: current, by: 'tag', after: [] } : NONE;
  });
}

/** What a cell says of itself, wherever it stands. */
export function ownRole(cell: CellText): Role {
  const special = cell.tags.map(tag => SPECIAL[tag]).find(Boolean);
  const magic = magicIn(cell.text);
  if (special === 'skip' || (special && !magic)) {
    return { ...NONE, kind: special };
  }
  if (magic) {
    return { kind: 'step', name: magic.name, by: 'magic', after: [...magic.after, ...prev(cell.tags)] };
  }
  const name = cell.tags.map(tag => STEP_TAG.exec(tag)?.[1]).find(Boolean);
  return name ? { kind: 'step', name, by: 'tag', after: prev(cell.tags) } : NONE;
}

export function magicIn(text: string): { name: string; after: string[] } | null {
  const found = MAGIC.exec(text);
  if (found === null) {
    return null;
  }
  const after = /\s--after[ =]+(\S+)/.exec(found[4])?.[1].split(',') ?? [];
  return { name: found[3], after: after.filter(Boolean) };
}

/** Whether a step may be called that. */
export function isStepName(name: string, by: Role['by']): boolean {
  return (by === 'magic' ? MAGIC_NAME : STEP_NAME).test(name);
}

/** The nearest name that a step may have; empty when nothing of it can be one. */
export function asStepName(wanted: string): string {
  const name = wanted
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 40);
  return /^[0-9]/.test(name) ? `step_${name}` : name;
}

/** A name for a new step: after the heading above it, else the next number. */
export function suggestedName(cells: readonly CellText[], index: number): string {
  const taken = new Set(rolesOf(cells).map(role => role.name));
  const above = cells[index - 1];
  const heading = above?.type === 'markdown' ? /^#+[ \t]+(.+)$/m.exec(above.text)?.[1] ?? '' : '';
  const base = asStepName(heading) || 'step';
  if (base !== 'step' && !taken.has(base)) {
    return base;
  }
  let number = 1;
  while (taken.has(`${base}_${number}`)) {
    number += 1;
  }
  return `${base}_${number}`;
}

/** The cell's tags and text with another role. What a role can not go with is removed; foreign tags stay. */
export function withRole(cell: CellText, kind: Kind, name: string): { text: string; tags: string[] } {
  const magic = magicIn(cell.text);
  const foreign = cell.tags.filter(tag => SPECIAL[tag] === undefined && !STEP_TAG.test(tag));
  if (magic && kind === 'step') {
    return { text: cell.text.replace(MAGIC, (_, head, gap, __, rest) => head + gap + name + rest), tags: foreign };
  }
  if (kind === 'step') {
    return { text: cell.text, tags: [`step:${name}`, ...foreign] };
  }
  const text = magic && kind !== 'skip' ? cell.text.replace(/^(?:[ \t]*\n)*[^\n]*\n?/, '') : cell.text;
  const tag = TAG_OF[kind];
  const kept = kind === 'skip' ? foreign : foreign.filter(one => !CONFIGURING.test(one));
  return { text, tags: tag ? [tag, ...kept] : kept };
}

/** The cell after step `old` was renamed: its own tags, and where it waits for that step. */
export function withRenamed(cell: CellText, old: string, name: string): { text: string; tags: string[] } {
  const tags = cell.tags.map(tag =>
    [`step:${old}`, `block:${old}`, `prev:${old}`].includes(tag) ? `${tag.slice(0, tag.indexOf(':') + 1)}${name}` : tag
  );
  const magic = magicIn(cell.text);
  if (!magic) {
    return { text: cell.text, tags };
  }
  const text = cell.text.replace(MAGIC, (_, head, gap, own, rest) => {
    const after = (rest as string).replace(
      /(\s--after[ =]+)(\S+)/,
      (__: string, option: string, names: string) =>
        option + names.split(',').map(one => (one === old ? name : one)).join(',')
    );
    return head + gap + (own === old ? name : own) + after;
  });
  return { text, tags };
}

function prev(tags: readonly string[]): string[] {
  return tags.filter(tag => tag.startsWith('prev:')).map(tag => tag.slice('prev:'.length));
}
