/** A labelled choice of one among several. */
import React, { useId } from 'react';

export interface ChoiceProps {
  label: string;
  /** What each value is called. */
  options: Record<string, string>;
  value: string;
  onChange: (value: string) => void;
}

export function Choice(props: ChoiceProps): JSX.Element {
  const id = useId();
  return (
    <div className="mlstack-field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="mlstack-input"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        {Object.entries(props.options).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
