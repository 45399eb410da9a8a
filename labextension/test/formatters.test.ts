import { describe, expect, it } from 'vitest';

import {
  ago,
  artifactLabel,
  bytes,
  counted,
  duration,
  json,
  moment,
  shortened,
  typeName
} from '../src/components/formatters';

describe('duration', () => {
  it.each([
    [0, '0.0 ms'],
    [0.0042, '4.2 ms'],
    [0.0182, '18 ms'],
    [6.345, '6.3 s'],
    [59.97, '1 min 0 s'],
    [80, '1 min 20 s'],
    [7500, '2 h 5 min'],
    [null, ''],
    [NaN, '']
  ])('of %s is %j', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1.0 kB'],
    [8340, '8.3 kB'],
    [155194, '155 kB'],
    [3.2e9, '3.2 GB'],
    [null, '']
  ])('of %s is %j', (size, text) => {
    expect(bytes(size)).toBe(text);
  });
});

describe('shortened', () => {
  it('keeps what is short', () => {
    expect(shortened('train', 10)).toBe('train');
  });

  it('cuts between letters, not inside of them', () => {
    expect(shortened('🦊🦊🦊🦊', 3)).toBe('🦊🦊…');
  });

  it('makes one line without characters that hide or reorder text', () => {
    expect(shortened('a\n\u202eb\u200b\tc', 10)).toBe('a b c');
  });
});

describe('names', () => {
  it('of types and artifacts are their last parts', () => {
    expect(typeName('pandas.DataFrame')).toBe('DataFrame');
    expect(typeName(null)).toBe('');
    expect(artifactLabel('fraud-detection::load::table')).toBe('table');
    expect(artifactLabel('evaluation_metrics')).toBe('evaluation_metrics');
  });
});

describe('ago', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  it.each([
    ['2026-11-21T11:59:50Z', 'just now'],
    ['2026-11-21T11:55:00Z', '5 min ago'],
    ['2026-11-21T14:00:00Z', 'in 2 h'],
    ['2026-11-18T12:00:00Z', '3 d ago'],
    [null, ''],
    ['soon', '']
  ])('%s is %j', (iso, text) => {
    expect(ago(iso, now)).toBe(text);
  });
});

describe('moment', () => {
  it('has date and minute', () => {
    expect(moment('2026-11-21T08:22:28.381476')).toBe('2026-11-21 08:22');
    expect(moment('never')).toBe('');
  });
});

describe('counted', () => {
  it('knows one from many', () => {
    expect([counted(1, 'step'), counted(2, 'step'), counted(0, 'step')]).toEqual(['1 step', '2 steps', '0 steps']);
  });
});

describe('json', () => {
  it('is cut where it gets too long to read', () => {
    expect(json('x'.repeat(50), 10)).toBe('"xxxxxxxxx\n… 42 more characters');
  });
});
