import { describe, expect, it } from 'vitest';

import {
  asStepName, CellText, isStepName, magicIn, ownRole, rolesOf, suggestedName, withRenamed, withRole
} from '../src/models/roles';

const code = (text: string, ...tags: string[]): CellText => ({ type: 'code', text, tags });
const words = (text: string): CellText => ({ type: 'markdown', text, tags: [] });

describe('the roles of cells', () => {
  it('come from tags and from %%step lines', () => {
    const roles = rolesOf([
      words('# Title'),
      code('a = 1', 'parameters'),
      code('import os', 'imports'),
      code('%%step load -> table --after one,two\ntable = 1', 'prev:three'),
      code('x = 1', 'step:train', 'prev:load'),
      code('print(x)', 'pipeline-metrics'),
      code('x', 'skip', 'step:other')
    ]);
    expect(roles.map(role => role.kind)).toEqual(['', 'parameters', 'imports', 'step', 'step', 'metrics', 'skip']);
    expect(roles[3]).toEqual({ kind: 'step', name: 'load', by: 'magic', after: ['one', 'two', 'three'] });
    expect(roles[4]).toEqual({ kind: 'step', name: 'train', by: 'tag', after: ['load'] });
  });

  it('pass from a tagged step to the plain cells below it, past text, empty and skipped cells', () => {
    const cells = [
      code('a = 1', 'step:one'), words('text'), code(''), code('b', 'skip'), code('c'), code('%%step two\nd = 1'), code('e')
    ];
    expect(rolesOf(cells).map(role => role.kind)).toEqual(['step', '', '', 'skip', 'part', 'step', '']);
    expect(rolesOf(cells)[4].name).toBe('one');
  });

  it('make a second cell of one tag a part', () => {
    const roles = rolesOf([code('a', 'step:one'), code('b', 'step:two'), code('c', 'step:one')]);
    expect(roles.map(role => role.kind)).toEqual(['step', 'step', 'part']);
  });

  it('know block: and leave the tags of other tools alone', () => {
    expect(ownRole(code('a', 'block:one', 'hide-input')).name).toBe('one');
    expect(ownRole(code('a', 'hide-input', 'stepping')).kind).toBe('');
  });
});

describe('a %%step line', () => {
  it('is found below blank lines only', () => {
    expect(magicIn('\n  \n%%step load -> a')?.name).toBe('load');
    expect(magicIn('# no\n%%step load')).toBeNull();
    expect(magicIn('%%stepper load')).toBeNull();
  });

  it('needs no space before the arrow', () => {
    expect(magicIn('%%step load->a')?.name).toBe('load');
  });
});

describe('changing a role', () => {
  it('writes tags and keeps foreign ones', () => {
    expect(withRole(code('a', 'mine', 'parameters'), 'step', 'load')).toEqual({ text: 'a', tags: ['step:load', 'mine'] });
  });

  it('edits the line of a %%step cell', () => {
    const cell = code('%%step load -> table --no-cache\ntable = 1');
    expect(withRole(cell, 'step', 'read').text).toBe('%%step read -> table --no-cache\ntable = 1');
    expect(withRole(cell, '', '').text).toBe('table = 1');
    expect(withRole(cell, 'parameters', '')).toEqual({ text: 'table = 1', tags: ['parameters'] });
    expect(withRole(cell, 'skip', '')).toEqual({ text: cell.text, tags: ['skip'] });
  });

  it('takes away what only a step may say', () => {
    const cell = code('a', 'step:one', 'prev:zero', 'limit:memory:4Gi', 'mine');
    expect(withRole(cell, '', '').tags).toEqual(['mine']);
    expect(withRole(cell, 'step', 'two').tags).toEqual(['step:two', 'prev:zero', 'limit:memory:4Gi', 'mine']);
  });

  it('renames a step where others refer to it', () => {
    expect(withRenamed(code('a', 'step:old', 'prev:old', 'older'), 'old', 'new').tags).toEqual([
      'step:new', 'prev:new', 'older'
    ]);
    expect(withRenamed(code('%%step x --after a,old -> y\n1'), 'old', 'new').text).toBe('%%step x --after a,new -> y\n1');
  });

  it('does not take a dollar sign in a name for a pattern', () => {
    expect(withRole(code('%%step load\n1'), 'step', '$&').text).toBe('%%step $&\n1');
  });
});

describe('names of steps', () => {
  it('are checked as Python checks them', () => {
    expect([isStepName('load_2', 'tag'), isStepName('Load', 'tag'), isStepName('Load-2', 'magic')]).toEqual([
      true, false, true
    ]);
    expect(isStepName('<script>', 'magic')).toBe(false);
  });

  it('are made of anything that has letters', () => {
    expect(asStepName('Load & clean the Daten für 2024!')).toBe('load_clean_the_daten_fur_2024');
    expect(asStepName('2nd try')).toBe('step_2nd_try');
    expect(asStepName('שלום 🎉')).toBe('');
  });

  it('are suggested by the heading above, else by number', () => {
    const cells = [words('## Load data'), code('a'), code('b'), code('c', 'step:step_1')];
    expect(suggestedName(cells, 1)).toBe('load_data');
    expect(suggestedName(cells, 2)).toBe('step_2');
    expect(suggestedName([...cells, code('d', 'step:load_data')], 1)).toBe('load_data_1');
  });
});
