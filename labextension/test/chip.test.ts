import { beforeEach, describe, expect, it } from 'vitest';

import { highlight, paint } from '../src/cells/chip';
import type { Role } from '../src/models/roles';
import { UNKNOWN } from '../src/models/standing';

const step = (name: string): Role => ({ kind: 'step', name, by: 'tag', after: [] });
let node: HTMLElement;
let edited: HTMLElement[];

beforeEach(() => {
  node = document.createElement('div');
  edited = [];
});

const chip = (): HTMLButtonElement => node.querySelector('button')!;
const show = (role: Role | null, standing = UNKNOWN): void => paint(node, role, standing, at => edited.push(at));

describe('the mark of a cell', () => {
  it('names step, state and time, for the eye and for screen readers', () => {
    show(step('load'), { ...UNKNOWN, state: 'completed', duration_s: 2 });
    expect([...chip().children].map(child => child.textContent)).toEqual(['✓', 'load', 'ran in 2.0 s']);
    expect(chip().ariaLabel).toBe('step load, ran in 2.0 s. Change its role');
    expect(node.dataset).toMatchObject({ mlstackRole: 'step', mlstackStep: 'load', mlstackState: 'completed' });
  });

  it('is one, however often it is painted, and opens the editor by a click', () => {
    show(step('load'));
    show(step('train'));
    expect(node.querySelectorAll('button')).toHaveLength(1);
    chip().click();
    expect(edited).toEqual([chip()]);
  });

  it('goes without a trace', () => {
    show(step('load'));
    show(null);
    expect(node.outerHTML).toBe('<div></div>');
  });

  it('takes a hostile name as text', () => {
    show(step('<img src=x onerror=alert(1)>'.repeat(20)));
    expect(node.querySelector('img')).toBeNull();
    expect(chip().children[1].textContent!.length).toBeLessThanOrEqual(48);
  });
});

describe('hovering', () => {
  it('marks who feeds a step and who reads it', () => {
    const cells = ['load', 'train', 'check', ''].map(name => {
      const cell = document.createElement('div');
      cell.dataset.mlstackStep = name;
      return cell;
    });
    const near = () => cells.map(cell => cell.dataset.mlstackNear);
    highlight(cells, { producers: new Set(['load']), consumers: new Set(['check']) });
    expect(near()).toEqual(['producer', undefined, 'consumer', undefined]);
    highlight(cells, null);
    expect(near()).toEqual([undefined, undefined, undefined, undefined]);
  });
});
