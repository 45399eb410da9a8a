/** The mark of a cell: a button with its role, name and state, and what styles go by. */
import { shortened } from '../components/formatters';
import { lookOf } from '../components/states';
import type { Role } from '../models/roles';
import { inWords, Standing } from '../models/standing';

const LONGEST = 48;
const CLASS = 'jp-mlstack-Chip';

export const KIND_WORDS: Record<Exclude<Role['kind'], ''>, string> = {
  step: 'step',
  part: 'part of step',
  parameters: 'parameters',
  imports: 'imports',
  functions: 'functions',
  metrics: 'metrics',
  skip: 'skipped by the pipeline'
};

/** Show `role` on a cell's node; without a role, remove every trace. `edit` opens the editor at the chip. */
export function paint(node: HTMLElement, role: Role | null, standing: Standing, edit: (chip: HTMLElement) => void): void {
  const old = node.querySelector<HTMLButtonElement>(`:scope > .${CLASS}`);
  if (role === null || role.kind === '') {
    old?.remove();
    delete node.dataset.mlstackRole;
    delete node.dataset.mlstackState;
    delete node.dataset.mlstackStep;
    return;
  }
  const isStep = role.kind === 'step';
  const chip = old ?? added(node, edit);
  set(node.dataset, 'mlstackRole', role.kind);
  set(node.dataset, 'mlstackStep', role.name);
  set(node.dataset, 'mlstackState', !role.name ? '' : standing.stale ? 'stale' : standing.state);
  const name = shortened(role.name, LONGEST);
  const parts = isStep
    ? [lookOf(standing.state).symbol, name, inWords(standing)]
    : ['', KIND_WORDS[role.kind], name];
  const label = `${KIND_WORDS[role.kind]} ${name}${isStep ? `, ${inWords(standing)}` : ''}. Change its role`;
  if (chip.ariaLabel !== label) {
    chip.ariaLabel = label;
    chip.title = isStep && role.name !== name ? `${role.name}\n${label}` : label;
    [...chip.children].forEach((child, index) => (child.textContent = parts[index]));
  }
}

/** Mark the cells around a step that data comes from and goes to; null ends that. */
export function highlight(
  nodes: Iterable<HTMLElement>,
  around: { producers: ReadonlySet<string>; consumers: ReadonlySet<string> } | null
): void {
  for (const node of nodes) {
    const name = node.dataset.mlstackStep ?? '';
    const near = !name || !around ? '' : around.producers.has(name) ? 'producer' : around.consumers.has(name) ? 'consumer' : '';
    if (near) {
      node.dataset.mlstackNear = near;
    } else {
      delete node.dataset.mlstackNear;
    }
  }
}

function added(node: HTMLElement, edit: (chip: HTMLElement) => void): HTMLButtonElement {
  const chip = document.createElement('button');
  chip.type = 'button';
  chip.className = CLASS;
  chip.ariaHasPopup = 'dialog';
  for (const part of ['symbol', 'name', 'words']) {
    chip.appendChild(document.createElement('span')).className = `${CLASS}-${part}`;
  }
  chip.addEventListener('mousedown', event => event.stopPropagation());
  chip.addEventListener('keydown', event => (event.key === 'Enter' || event.key === ' ') && event.stopPropagation());
  chip.addEventListener('click', event => {
    event.stopPropagation();
    edit(chip);
  });
  node.appendChild(chip);
  return chip;
}

function set(data: DOMStringMap, key: string, value: string): void {
  if (data[key] !== value) {
    data[key] = value;
  }
}
