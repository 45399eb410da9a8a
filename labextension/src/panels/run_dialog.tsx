/** The dialog that runs a notebook: stack, steps, parameters, options. */
import React from 'react';

import type { Api } from '../api/client';
import type { Graph, Json, RunRequest, Stacks } from '../api/types';
import { Choice } from '../components/choice';
import { Field, initialTexts, readFields, Texts } from '../components/fields';
import { parameterFields, ParameterForm } from '../components/parameter_form';
import { mistaken, showForm } from './form_dialog';
import type { RunPart } from './panel_actions';

type Part = 'all' | 'first' | 'only' | 'until';

interface RunTexts {
  parameters: Texts;
  stack: string;
  part: Part;
  step: string;
  usesCache: boolean;
  isWhole: boolean;
  failsFast: boolean;
}

const PARTS: Record<Part, string> = {
  all: 'All steps',
  first: 'From a step on',
  only: 'One step only',
  until: 'Up to a step'
};

export interface RunDialog {
  api: Api;
  path: string;
  graph: Graph;
  stacks: Stacks | null;
  part: RunPart;
  /** Called with the id of the run once it has begun. */
  begun: (run: string) => void;
}

export async function showRunDialog(given: RunDialog): Promise<void> {
  const { api, path, graph, stacks, part } = given;
  const fields = parameterFields(graph.parameters);
  const preset = (['first', 'only', 'until'] as const).find(one => part[one]);
  const initial: RunTexts = {
    parameters: initialTexts(fields),
    stack: stacks?.active ?? '',
    part: preset ?? 'all',
    step: (preset && part[preset]) ?? graph.nodes[0]?.name ?? '',
    usesCache: true,
    isWhole: false,
    failsFast: false
  };
  await showForm<RunTexts>({
    title: `Run ${graph.pipeline}`,
    accept: 'Run',
    initial,
    draw: (texts, change) => <RunForm fields={fields} graph={graph} stacks={stacks} texts={texts} onChange={change} />,
    submit: async texts => {
      const { id } = await api.runs.start(runRequest(path, fields, texts));
      given.begun(id);
    }
  });
}

/** Throws an ApiError for fields with mistakes. */
export function runRequest(target: string, fields: readonly Field[], texts: RunTexts): RunRequest {
  const { values, mistakes } = readFields(fields, texts.parameters);
  if (Object.keys(mistakes).length > 0) {
    throw mistaken(mistakes);
  }
  return {
    target,
    parameters: values as Record<string, Json>,
    ...(texts.stack ? { stack: texts.stack } : {}),
    ...(texts.part === 'all' ? {} : { [texts.part]: texts.step }),
    use_cache: texts.usesCache,
    whole: texts.isWhole,
    fail_fast: texts.failsFast
  };
}

interface RunFormProps {
  fields: readonly Field[];
  graph: Graph;
  stacks: Stacks | null;
  texts: RunTexts;
  onChange: (texts: RunTexts) => void;
}

function RunForm(props: RunFormProps): JSX.Element {
  const { fields, graph, stacks, texts, onChange } = props;
  const mistakes = readFields(fields, texts.parameters).mistakes;
  const names = (stacks?.stacks ?? []).map(stack => stack.name);
  const check = (name: 'usesCache' | 'isWhole' | 'failsFast', label: string): JSX.Element => (
    <label key={name}>
      <input
        type="checkbox"
        checked={texts[name]}
        onChange={event => onChange({ ...texts, [name]: event.target.checked })}
      />
      {label}
    </label>
  );
  return (
    <div className="mlstack-form">
      <Choice
        label="Stack"
        options={Object.fromEntries(names.map(name => [name, name]))}
        value={texts.stack}
        onChange={stack => onChange({ ...texts, stack })}
      />
      <Choice
        label="Steps"
        options={PARTS}
        value={texts.part}
        onChange={part => onChange({ ...texts, part: part as Part })}
      />
      {texts.part !== 'all' && (
        <Choice
          label="Step"
          options={Object.fromEntries(graph.nodes.map(node => [node.name, node.name]))}
          value={texts.step}
          onChange={step => onChange({ ...texts, step })}
        />
      )}
      <h4>Parameters</h4>
      <ParameterForm
        fields={fields}
        texts={texts.parameters}
        mistakes={mistakes}
        onChange={parameters => onChange({ ...texts, parameters })}
      />
      <fieldset className="mlstack-choices">
        <legend>Options</legend>
        {check('usesCache', 'Take from the cache what has not changed')}
        {check('isWhole', 'Run the notebook as a whole, as one step')}
        {check('failsFast', 'Stop at the first failure')}
      </fieldset>
    </div>
  );
}
