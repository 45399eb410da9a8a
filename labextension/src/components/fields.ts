/** The fields of a form: what is typed into them, and the values that stand for it. No React here. */

export type FieldKind = 'text' | 'secret' | 'integer' | 'number' | 'boolean' | 'choice' | 'json';

export interface Field {
  name: string;
  label: string;
  kind: FieldKind;
  /** Below the field. */
  help: string;
  isRequired: boolean;
  /** What the field says at first, as text; of a `boolean` it is `true` or `false`. */
  initial: string;
  choices: string[];
  /** Shown in an empty field. */
  placeholder: string;
}

export type Texts = Record<string, string>;
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export interface Read {
  values: Record<string, Value>;
  /** Per field, what is wrong with what was typed. */
  mistakes: Record<string, string>;
}

export function field(given: Pick<Field, 'name' | 'kind'> & Partial<Field>): Field {
  return { label: given.name, help: '', isRequired: false, initial: '', choices: [], placeholder: '', ...given };
}

export function initialTexts(fields: readonly Field[]): Texts {
  return Object.fromEntries(fields.map(one => [one.name, one.initial]));
}

/** The values of all fields that say something else than at first, and those that are required. */
export function readFields(fields: readonly Field[], texts: Texts): Read {
  const read: Read = { values: {}, mistakes: {} };
  for (const one of fields) {
    const text = texts[one.name] ?? one.initial;
    if (text.trim() === '' && one.kind !== 'boolean') {
      if (one.isRequired) {
        read.mistakes[one.name] = `${one.label} is missing.`;
      } else if (text !== one.initial && one.initial !== '') {
        read.mistakes[one.name] = `Give a value, or ${one.initial} as before.`;
      }
    } else if (text !== one.initial || one.isRequired) {
      const found = readText(one.kind, text);
      if ('mistake' in found) {
        read.mistakes[one.name] = found.mistake;
      } else {
        read.values[one.name] = found.value;
      }
    }
  }
  return read;
}

/** What a typed text means in a field of a kind. */
export function readText(kind: FieldKind, text: string): { value: Value } | { mistake: string } {
  const plain = text.trim();
  if (kind === 'integer') {
    const digits = plain.replace(/_/g, '');
    return /^[+-]?\d+$/.test(digits) && Number.isSafeInteger(Number(digits))
      ? { value: Number(digits) }
      : { mistake: 'A whole number is wanted, like 10.' };
  }
  if (kind === 'number') {
    const number = Number(plain.replace(/_/g, ''));
    return plain !== '' && Number.isFinite(number)
      ? { value: number }
      : { mistake: 'A number is wanted, like 0.1 or 1e-3.' };
  }
  if (kind === 'boolean') {
    return { value: plain === 'true' };
  }
  if (kind === 'json') {
    try {
      return { value: JSON.parse(plain) as Value };
    } catch {
      return { mistake: 'JSON is wanted, like ["a", "b"] or {"a": 1}.' };
    }
  }
  return { value: text };
}
