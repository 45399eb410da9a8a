/** The dialog that schedules a notebook. */
import React from 'react';

import type { Api } from '../api/client';
import type { Graph, Json, Stacks } from '../api/types';
import { initialTexts, readFields, Texts } from '../components/fields';
import { parameterFields, ParameterForm } from '../components/parameter_form';
import { ScheduleForm, scheduleTexts, ScheduleTexts } from '../components/schedule_form';
import { mistaken, showForm } from './form_dialog';

export interface ScheduleDialog {
  api: Api;
  path: string;
  graph: Graph;
  stacks: Stacks | null;
  added: () => void;
}

export async function showScheduleDialog(given: ScheduleDialog): Promise<void> {
  const { api, path, graph, stacks } = given;
  const fields = parameterFields(graph.parameters);
  const names = (stacks?.stacks ?? []).map(stack => stack.name);
  await showForm<{ when: ScheduleTexts; parameters: Texts }>({
    title: `Schedule ${graph.pipeline}`,
    accept: 'Schedule',
    initial: { when: scheduleTexts(graph.pipeline, ''), parameters: initialTexts(fields) },
    draw: (value, change) => (
      <>
        <ScheduleForm
          texts={value.when}
          stacks={names}
          onChange={when => change({ ...value, when })}
          preview={when => api.schedules.preview({ ...timeOf(when), tz: when.zone })}
        />
        <details className="mlstack-more">
          <summary>Parameters</summary>
          <ParameterForm
            fields={fields}
            texts={value.parameters}
            onChange={parameters => change({ ...value, parameters })}
          />
        </details>
      </>
    ),
    submit: async ({ when, parameters }) => {
      const { values, mistakes } = readFields(fields, parameters);
      if (Object.keys(mistakes).length > 0) {
        throw mistaken(mistakes);
      }
      await api.schedules.create({
        target: path,
        ...timeOf(when),
        tz: when.zone,
        parameters: values as Record<string, Json>,
        name: when.name.trim(),
        ...(when.stack ? { stack: when.stack } : {}),
        overlap: when.overlap,
        catch_up: when.catchUp,
        grace: when.grace
      });
      given.added();
    }
  });
}

function timeOf(when: ScheduleTexts): { cron?: string; every?: string } {
  return when.by === 'cron' ? { cron: when.cron } : { every: when.every };
}
