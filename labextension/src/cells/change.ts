/** Giving cells another role: tags are written, and where a `%%step` line makes the step, that line. */
import type { Cell } from '@jupyterlab/cells';

import type { NotebookModel } from '../models/notebook';
import { textOf } from '../models/notebook';
import { asStepName, isStepName, Kind, magicIn, rolesOf, suggestedName, withRenamed, withRole } from '../models/roles';

/** What can be chosen for a cell; `part` comes by itself. */
export const KINDS: { kind: Exclude<Kind, 'part'>; label: string; caption: string }[] = [
  { kind: '', label: 'No role', caption: 'Below a tagged step: a part of it. Elsewhere: an ordinary cell.' },
  { kind: 'step', label: 'Step', caption: 'Runs by itself and is cached.' },
  { kind: 'parameters', label: 'Parameters', caption: 'What it binds can have another value in each run.' },
  { kind: 'imports', label: 'Imports', caption: 'Goes first with every step.' },
  { kind: 'functions', label: 'Functions', caption: 'Goes with every step, below the imports.' },
  { kind: 'metrics', label: 'Metrics', caption: 'What it reads are the metrics of a run.' },
  { kind: 'skip', label: 'Skip', caption: 'Not there for the pipeline.' }
];

/** Why a name can not be taken; empty when it can. */
export function objection(model: NotebookModel, cells: readonly Cell[], name: string): string {
  const by = cells.some(cell => magicIn(textOf(cell.model).text)) ? 'magic' : 'tag';
  if (!isStepName(name, by)) {
    const better = asStepName(name);
    const rule = by === 'magic' ? 'letters, digits, _ and -' : 'a-z, 0-9 and _';
    return `A name has ${rule}, and begins with a letter.${better ? ` Try ${better}.` : ''}`;
  }
  const all = model.panel.content.widgets;
  const roles = rolesOf(model.cells);
  const isTaken = roles.some(
    (role, index) => role.kind === 'step' && role.name === name && !cells.includes(all[index]) && role.by !== 'tag'
  );
  const joins = by === 'magic' && roles.some((role, index) => role.name === name && !cells.includes(all[index]));
  return isTaken || joins ? `Another cell is the step ${name}.` : '';
}

/** The name that a cell has, or would get as a step. */
export function nameFor(model: NotebookModel, cell: Cell): string {
  const role = model.roleOf(cell);
  return role?.name || suggestedName(model.cells, model.panel.content.widgets.indexOf(cell));
}

/** Change the role of cells, as one change to undo. The first one's new name goes to all that refer to the old. */
export function change(model: NotebookModel, cells: readonly Cell[], kind: Kind, name = ''): void {
  const shared = model.panel.content.model?.sharedModel;
  const first = cells[0];
  if (!shared || !first) {
    return;
  }
  const chosen = name || nameFor(model, first);
  const role = model.roleOf(first);
  const old = role?.kind === 'step' ? role.name : '';
  shared.transact(() => {
    cells.forEach(cell => write(cell, withRole(textOf(cell.model), kind, chosen)));
    if (kind === 'step' && old && old !== chosen) {
      const others = model.panel.content.widgets.filter(cell => !cells.includes(cell));
      others.forEach(cell => write(cell, withRenamed(textOf(cell.model), old, chosen)));
    }
  });
}

function write(cell: Cell, { text, tags }: { text: string; tags: string[] }): void {
  const now = textOf(cell.model);
  if (text !== now.text) {
    cell.model.sharedModel.setSource(text);
  }
  if (JSON.stringify(tags) === JSON.stringify(now.tags)) {
    return;
  }
  if (tags.length > 0) {
    cell.model.setMetadata('tags', tags);
  } else {
    cell.model.deleteMetadata('tags');
  }
}
