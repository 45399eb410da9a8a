/** A form made from a JSON schema: the configuration of a component. Secrets are typed masked. */
import React, { useMemo } from 'react';

import type { Texts } from './fields';
import { FieldForm } from './field_form';
import { fieldsOf } from './schema_fields';

export interface SchemaFormProps {
  schema: unknown;
  texts: Texts;
  mistakes?: Record<string, string>;
  onChange: (texts: Texts) => void;
}

export function SchemaForm(props: SchemaFormProps): JSX.Element {
  const fields = useMemo(() => fieldsOf(props.schema), [props.schema]);
  return fields.length === 0 ? (
    <p className="mlstack-empty">Nothing to configure.</p>
  ) : (
    <FieldForm fields={fields} texts={props.texts} mistakes={props.mistakes} onChange={props.onChange} />
  );
}
