/** The parameters of a pipeline as typed fields. */
import React from 'react';

import { Field, field, FieldKind, Texts, Value } from './fields';
import { FieldForm } from './field_form';

export interface Parameter {
  name: string;
  value: Value;
  type: string;
  comment?: string;
}

const KINDS: Record<string, FieldKind> = { int: 'integer', float: 'number', bool: 'boolean', str: 'text' };

export function parameterFields(parameters: readonly Parameter[]): Field[] {
  return parameters.map(parameter => {
    const kind = KINDS[parameter.type.split('.').pop() ?? ''] ?? 'text';
    return field({
      name: parameter.name,
      kind,
      label: parameter.name,
      help: parameter.comment ?? '',
      initial: initial(parameter.value, kind),
      placeholder: parameter.type
    });
  });
}

function initial(value: Value, kind: FieldKind): string {
  if (value === null || value === undefined) {
    return kind === 'boolean' ? 'false' : '';
  }
  const isFloat = kind === 'number' && typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e15;
  return isFloat ? value.toFixed(1) : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export interface ParameterFormProps {
  fields: readonly Field[];
  texts: Texts;
  mistakes?: Record<string, string>;
  onChange: (texts: Texts) => void;
}

export function ParameterForm(props: ParameterFormProps): JSX.Element {
  return props.fields.length === 0 ? (
    <p className="mlstack-empty">This pipeline has no parameters.</p>
  ) : (
    <FieldForm {...props} />
  );
}
