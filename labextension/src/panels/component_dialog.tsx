/** The dialog that makes a component, with a form for the configuration of its flavor. */
import React from 'react';

import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { Flavor, Json } from '../api/types';
import { Choice } from '../components/choice';
import { FieldRow } from '../components/field_form';
import { field, readFields, Texts } from '../components/fields';
import { fieldsOf } from '../components/schema_fields';
import { SchemaForm } from '../components/schema_form';
import { kindLabel } from '../components/stack_table';
import { mistaken, showForm } from './form_dialog';

interface ComponentTexts {
  kind: string;
  flavor: string;
  name: string;
  configuration: Texts;
}

export async function showComponentDialog(api: Api, made: () => void): Promise<void> {
  const flavors = await api.components.flavors();
  const [first] = flavors;
  await showForm<ComponentTexts>({
    title: 'New component',
    accept: 'Make',
    initial: { kind: first?.kind ?? '', flavor: first?.flavor ?? '', name: '', configuration: {} },
    draw: (texts, change) => <ComponentForm flavors={flavors} texts={texts} onChange={change} />,
    submit: async texts => {
      const { kind, flavor, name } = texts;
      const { values, mistakes } = readFields(fieldsOf(flavorOf(flavors, texts)?.schema), texts.configuration);
      if (name.trim() === '') {
        throw new ApiError('The component has no name.', 'Give it one.', 0);
      }
      if (Object.keys(mistakes).length > 0) {
        throw mistaken(mistakes);
      }
      await api.components.create({ kind, flavor, name: name.trim(), configuration: values as Record<string, Json> });
      made();
    }
  });
}

function flavorOf(flavors: readonly Flavor[], texts: ComponentTexts): Flavor | undefined {
  return flavors.find(one => one.kind === texts.kind && one.flavor === texts.flavor);
}

const NAME = field({ name: 'name', kind: 'text', label: 'Name', isRequired: true, placeholder: 'as stacks call it' });

function ComponentForm(props: {
  flavors: readonly Flavor[];
  texts: ComponentTexts;
  onChange: (texts: ComponentTexts) => void;
}): JSX.Element {
  const { flavors, texts, onChange } = props;
  const kinds = [...new Set(flavors.map(one => one.kind))];
  const offered = flavors.filter(one => one.kind === texts.kind);
  const chosen = flavorOf(flavors, texts);
  return (
    <div className="mlstack-form">
      <Choice
        label="Kind"
        options={Object.fromEntries(kinds.map(kind => [kind, kindLabel(kind)]))}
        value={texts.kind}
        onChange={kind =>
          onChange({ ...texts, kind, flavor: flavors.find(one => one.kind === kind)?.flavor ?? '', configuration: {} })
        }
      />
      <Choice
        label="Flavor"
        options={Object.fromEntries(
          offered.map(one => [one.flavor, one.installed ? one.flavor : `${one.flavor} (not installed)`])
        )}
        value={texts.flavor}
        onChange={flavor => onChange({ ...texts, flavor, configuration: {} })}
      />
      {chosen && <p className="mlstack-quiet">{chosen.summary}</p>}
      {chosen && !chosen.installed && (
        <p className="mlstack-notices">
          {'Install it first: '}
          <code>{chosen.install}</code>
        </p>
      )}
      <FieldRow field={NAME} text={texts.name} onChange={name => onChange({ ...texts, name })} />
      {chosen && (
        <SchemaForm
          key={`${chosen.kind} ${chosen.flavor}`}
          schema={chosen.schema}
          texts={texts.configuration}
          mistakes={mistakesIn(chosen, texts.configuration)}
          onChange={configuration => onChange({ ...texts, configuration })}
        />
      )}
    </div>
  );
}

/** Of the fields that something was typed into. */
function mistakesIn(flavor: Flavor, texts: Texts): Record<string, string> {
  const typed = fieldsOf(flavor.schema).filter(one => one.name in texts);
  return readFields(typed, texts).mistakes;
}
