import React, { act, useState } from 'react';
import { createRoot, Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { field, initialTexts, readFields, readText, Texts } from '../src/components/fields';
import { parameterFields } from '../src/components/parameter_form';
import { inZone, ScheduleForm, scheduleTexts } from '../src/components/schedule_form';
import { fieldsOf } from '../src/components/schema_fields';
import { SchemaForm } from '../src/components/schema_form';

let host: HTMLElement;
let root: Root;

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  host = document.body.appendChild(document.createElement('div'));
  root = createRoot(host);
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

const SCHEMA = {
  properties: {
    url: { type: 'string', title: 'Tracking Uri', description: 'The server.' },
    password: { anyOf: [{ type: 'string', format: 'password', writeOnly: true }, { type: 'null' }], default: null },
    retries: { type: 'integer', default: 3 },
    strict: { type: 'boolean', default: false },
    mode: { $ref: '#/$defs/Mode', default: 'fast' },
    tags: { type: 'array', default: [] }
  },
  required: ['url'],
  $defs: { Mode: { enum: ['fast', 'safe'], type: 'string' } }
};

describe('fieldsOf', () => {
  it('gives each property its kind', () => {
    expect(fieldsOf(SCHEMA).map(one => [one.name, one.kind])).toEqual([
      ['url', 'text'],
      ['password', 'secret'],
      ['retries', 'integer'],
      ['strict', 'boolean'],
      ['mode', 'choice'],
      ['tags', 'json']
    ]);
  });

  it('takes choices from a reference, and defaults as what is there at first', () => {
    const [url, , retries, , mode] = fieldsOf(SCHEMA);
    expect([url.isRequired, url.help, retries.initial, mode.choices, mode.initial]).toEqual([
      true,
      'The server.',
      '3',
      ['fast', 'safe'],
      'fast'
    ]);
  });

  it('never shows a secret that is a default', () => {
    const schema = { properties: { key: { type: 'string', format: 'password', default: 'hunter2' } } };
    expect(fieldsOf(schema)[0].initial).toBe('');
  });

  it.each([null, 'text', 5, {}, { properties: 7 }, { properties: { a: null } }])('makes do with %j', schema => {
    expect(fieldsOf(schema).every(one => one.kind === 'text')).toBe(true);
  });
});

describe('readFields', () => {
  const fields = fieldsOf(SCHEMA);

  it('gives what was changed, with its type', () => {
    const texts = { ...initialTexts(fields), url: 'http://here', retries: '5', strict: 'true', tags: '["a"]' };
    expect(readFields(fields, texts)).toEqual({
      values: { url: 'http://here', retries: 5, strict: true, tags: ['a'] },
      mistakes: {}
    });
  });

  it('tells of each mistake at its field', () => {
    const { mistakes } = readFields(fields, { ...initialTexts(fields), retries: 'many', tags: '[' });
    expect(Object.keys(mistakes)).toEqual(['url', 'retries', 'tags']);
  });
});

describe('readText', () => {
  it.each([
    ['integer', '1_000', { value: 1000 }],
    ['integer', '-4', { value: -4 }],
    ['number', '1e-3', { value: 0.001 }],
    ['number', '.5', { value: 0.5 }],
    ['boolean', 'false', { value: false }],
    ['text', ' a ', { value: ' a ' }],
    ['secret', 'p w', { value: 'p w' }]
  ] as const)('of %s %j is %j', (kind, text, wanted) => {
    expect(readText(kind, text)).toEqual(wanted);
  });

  it.each([
    ['integer', '1.5'],
    ['integer', '99999999999999999999'],
    ['number', 'NaN'],
    ['number', '1,5'],
    ['json', '{a: 1}']
  ] as const)('refuses %s %j', (kind, text) => {
    expect(readText(kind, text)).toHaveProperty('mistake');
  });
});

describe('parameterFields', () => {
  it('keeps a float a float', () => {
    const [rate] = parameterFields([{ name: 'rate', value: 1, type: 'float' }]);
    expect([rate.kind, rate.initial]).toEqual(['number', '1.0']);
  });

  it('takes a type it does not know as text', () => {
    const [data] = parameterFields([{ name: 'data', value: 'x.csv', type: 'pathlib.Path', comment: 'where' }]);
    expect([data.kind, data.initial, data.help]).toEqual(['text', 'x.csv', 'where']);
  });

  it('sends nothing for what was left alone', () => {
    const fields = parameterFields([{ name: 'depth', value: 3, type: 'int' }]);
    expect(readFields(fields, initialTexts(fields)).values).toEqual({});
  });

  it('refuses to send nothing in place of a value', () => {
    const fields = parameterFields([{ name: 'depth', value: 3, type: 'int' }]);
    expect(readFields(fields, { depth: ' ' }).mistakes).toHaveProperty('depth');
  });
});

describe('SchemaForm', () => {
  function Shown(): JSX.Element {
    const [texts, setTexts] = useState<Texts>({});
    return <SchemaForm schema={SCHEMA} texts={texts} mistakes={{ retries: 'No.' }} onChange={setTexts} />;
  }

  it('masks secrets, and names each control', () => {
    act(() => root.render(<Shown />));
    const controls = [...host.querySelectorAll<HTMLInputElement>('input, select')];
    expect(controls.find(one => one.name === 'password')!.type).toBe('password');
    expect(controls.map(one => host.querySelector(`label[for="${one.id}"]`)?.textContent)).toEqual([
      'Tracking uri (required)',
      'password',
      'retries',
      'strict',
      'mode',
      'tags'
    ]);
  });

  it('shows a mistake at its field', () => {
    act(() => root.render(<Shown />));
    const control = host.querySelector<HTMLInputElement>('input[name=retries]')!;
    expect(control.getAttribute('aria-invalid')).toBe('true');
    expect(document.getElementById(control.getAttribute('aria-describedby')!)!.textContent).toBe('No.');
  });

  it('keeps what is ticked', () => {
    act(() => root.render(<Shown />));
    act(() => host.querySelector<HTMLInputElement>('input[name=strict]')!.click());
    expect(host.querySelector<HTMLInputElement>('input[name=strict]')!.checked).toBe(true);
  });
});

describe('ScheduleForm', () => {
  const texts = scheduleTexts('nightly', '');

  async function draw(preview: () => Promise<{ words: string; next: string[] }>): Promise<void> {
    await act(async () =>
      root.render(<ScheduleForm texts={texts} stacks={['local']} onChange={() => undefined} preview={preview} />)
    );
    await act(async () => new Promise(resolve => setTimeout(resolve, 320)));
  }

  it('tells what a cron means and when it is next', async () => {
    await draw(async () => ({ words: 'At 06:00 every day', next: ['2026-11-22T06:00:00+01:00'] }));
    expect(host.querySelector('output')!.textContent).toBe('At 06:00 every daySun 2026-11-22 06:00');
  });

  it('tells why a cron is none', async () => {
    await draw(async () => Promise.reject({ what: "'x' is no cron.", hint: 'Give five fields.' }));
    expect(host.querySelector('output')!.textContent).toBe("'x' is no cron. Give five fields.");
  });

  it('fills in an example', () => {
    const onChange = vi.fn();
    const preview = async () => ({ words: '', next: [] });
    act(() => root.render(<ScheduleForm texts={texts} stacks={[]} onChange={onChange} preview={preview} />));
    act(() => host.querySelector<HTMLButtonElement>('.mlstack-examples button:nth-child(2)')!.click());
    expect(onChange.mock.calls[0][0].cron).toBe('0 6 * * 1-5');
  });
});

describe('inZone', () => {
  it('shows the clock of the zone it is given in', () => {
    expect(inZone('2026-11-22T23:30:00-08:00')).toBe('Sun 2026-11-22 23:30');
    expect(inZone('whenever')).toBe('whenever');
  });
});

describe('field', () => {
  it('is called by its name unless it has a label', () => {
    expect(field({ name: 'depth', kind: 'integer' }).label).toBe('depth');
  });
});
