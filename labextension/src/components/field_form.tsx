/** Draws fields one below the other, each with its label, help and what is wrong with it. */
import React, { useId } from 'react';

import type { Field, Texts } from './fields';

const NOT_SET = 'not set';

export interface FieldFormProps {
  fields: readonly Field[];
  texts: Texts;
  mistakes?: Record<string, string>;
  onChange: (texts: Texts) => void;
}

export function FieldForm(props: FieldFormProps): JSX.Element {
  const { fields, texts, mistakes = {}, onChange } = props;
  return (
    <div className="mlstack-form">
      {fields.map(one => (
        <FieldRow
          key={one.name}
          field={one}
          text={texts[one.name] ?? one.initial}
          mistake={mistakes[one.name]}
          onChange={text => onChange({ ...texts, [one.name]: text })}
        />
      ))}
    </div>
  );
}

interface FieldRowProps {
  field: Field;
  text: string;
  mistake?: string;
  onChange: (text: string) => void;
}

export function FieldRow(props: FieldRowProps): JSX.Element {
  const { field, mistake } = props;
  const id = useId();
  const note = mistake ?? field.help;
  return (
    <div className="mlstack-field" data-kind={field.kind}>
      <label htmlFor={id}>
        {field.label}
        {field.isRequired && <span className="mlstack-required"> (required)</span>}
      </label>
      <Control {...props} id={id} noteId={note ? `${id}-note` : undefined} />
      {note && (
        <small
          id={`${id}-note`}
          className={mistake ? 'mlstack-mistake' : undefined}
          role={mistake ? 'alert' : undefined}
        >
          {note}
        </small>
      )}
    </div>
  );
}

function Control(props: FieldRowProps & { id: string; noteId?: string }): JSX.Element {
  const { field, text, mistake, onChange, id, noteId } = props;
  const common = {
    id,
    name: field.name,
    'aria-describedby': noteId,
    'aria-invalid': mistake ? true : undefined
  };
  if (field.kind === 'boolean') {
    return (
      <input
        {...common}
        type="checkbox"
        checked={text === 'true'}
        onChange={event => onChange(String(event.target.checked))}
      />
    );
  }
  if (field.kind === 'choice') {
    return (
      <select {...common} className="mlstack-input" value={text} onChange={event => onChange(event.target.value)}>
        {!field.choices.includes(text) && <option value={text}>{text || NOT_SET}</option>}
        {field.choices.map(choice => (
          <option key={choice} value={choice}>
            {choice || field.placeholder || NOT_SET}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      {...common}
      className="mlstack-input"
      type={field.kind === 'secret' ? 'password' : 'text'}
      inputMode={field.kind === 'integer' ? 'numeric' : field.kind === 'number' ? 'decimal' : undefined}
      autoComplete={field.kind === 'secret' ? 'new-password' : 'off'}
      spellCheck={false}
      required={field.isRequired}
      placeholder={field.placeholder}
      value={text}
      onChange={event => onChange(event.target.value)}
    />
  );
}
