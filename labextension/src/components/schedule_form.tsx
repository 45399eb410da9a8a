/** When a pipeline runs by itself: cron or interval, with its meaning in words and the next five times. */
import React, { useEffect, useState } from 'react';

import { field } from './fields';
import { FieldRow } from './field_form';
import { Trouble, troubleOf } from './loading';

export interface ScheduleTexts {
  name: string;
  by: 'cron' | 'every';
  cron: string;
  every: string;
  zone: string;
  stack: string;
  overlap: string;
  catchUp: string;
  grace: string;
}

export interface Preview {
  words: string;
  next: string[];
}

export interface ScheduleFormProps {
  texts: ScheduleTexts;
  stacks: readonly string[];
  onChange: (texts: ScheduleTexts) => void;
  /** What a time means; rejects for what is no time. */
  preview: (texts: ScheduleTexts) => Promise<Preview>;
}

const WAIT_MS = 250;
const EXAMPLES: [string, string][] = [
  ['0 6 * * *', 'every day at 6:00'],
  ['0 6 * * 1-5', 'workdays at 6:00'],
  ['0 * * * *', 'every hour'],
  ['0 3 * * 0', 'Sundays at 3:00'],
  ['0 4 1 * *', 'first of the month']
];

const OVERLAP = field({
  name: 'overlap',
  kind: 'choice',
  label: 'If the last one still runs',
  choices: ['skip', 'queue', 'allow']
});
const CATCH_UP = field({ name: 'catchUp', kind: 'choice', label: 'Missed times', choices: ['none', 'last', 'all'] });
const GRACE = field({ name: 'grace', kind: 'text', label: 'Late is later than', placeholder: '1m' });

export function scheduleTexts(name: string, stack: string): ScheduleTexts {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  return {
    name,
    by: 'cron',
    cron: '0 6 * * *',
    every: '1h',
    zone,
    stack,
    overlap: 'skip',
    catchUp: 'last',
    grace: '1m'
  };
}

export function ScheduleForm(props: ScheduleFormProps): JSX.Element {
  const { texts, stacks, onChange } = props;
  const set =
    (name: keyof ScheduleTexts) =>
    (text: string): void =>
      onChange({ ...texts, [name]: text });
  const row = (one: ReturnType<typeof field>): JSX.Element => {
    const name = one.name as keyof ScheduleTexts;
    return <FieldRow field={one} text={texts[name]} onChange={set(name)} />;
  };
  return (
    <div className="mlstack-form">
      {row(field({ name: 'name', kind: 'text', label: 'Name', isRequired: true }))}
      <fieldset className="mlstack-choices">
        <legend>When</legend>
        {(['cron', 'every'] as const).map(by => (
          <label key={by}>
            <input type="radio" checked={texts.by === by} onChange={() => onChange({ ...texts, by })} />
            {by === 'cron' ? 'At times (cron)' : 'At intervals'}
          </label>
        ))}
      </fieldset>
      {texts.by === 'cron' ? (
        <>
          {row(
            field({
              name: 'cron',
              kind: 'text',
              label: 'Cron',
              isRequired: true,
              help: 'minute hour day month weekday'
            })
          )}
          <div className="mlstack-examples" role="group" aria-label="Examples">
            {EXAMPLES.map(([cron, words]) => (
              <button key={cron} type="button" title={cron} onClick={() => set('cron')(cron)}>
                {words}
              </button>
            ))}
          </div>
        </>
      ) : (
        row(field({ name: 'every', kind: 'text', label: 'Every', isRequired: true, help: 'A time like 30m, 6h or 1d' }))
      )}
      <ScheduleTimes texts={texts} preview={props.preview} />
      {row(field({ name: 'zone', kind: 'choice', label: 'Time zone', choices: zones() }))}
      {row(
        field({
          name: 'stack',
          kind: 'choice',
          label: 'Stack',
          choices: ['', ...stacks],
          placeholder: 'the active one at that time'
        })
      )}
      {row(OVERLAP)}
      {row(CATCH_UP)}
      {row(GRACE)}
    </div>
  );
}

function ScheduleTimes(props: Pick<ScheduleFormProps, 'texts' | 'preview'>): JSX.Element {
  const { texts, preview } = props;
  const [shown, setShown] = useState<Preview | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  useEffect(() => {
    let isCurrent = true;
    const show = (found: Preview | null, wrong: Trouble | null): void => {
      if (isCurrent) {
        setShown(found);
        setTrouble(wrong);
      }
    };
    const timer = setTimeout(() => {
      preview(texts).then(
        found => show(found, null),
        error => show(null, troubleOf(error))
      );
    }, WAIT_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [texts.by, texts.cron, texts.every, texts.zone]);
  return (
    <output className="mlstack-times" aria-live="polite">
      {trouble && (
        <span className="mlstack-mistake">
          {trouble.what} {trouble.hint}
        </span>
      )}
      {shown && <strong>{shown.words}</strong>}
      {shown && (
        <ol>
          {shown.next.map(time => (
            <li key={time}>{inZone(time)}</li>
          ))}
        </ol>
      )}
    </output>
  );
}

/** `2026-11-22T06:00:00+01:00` as `Sun 2026-11-22 06:00`, in the zone it is given in. */
export function inZone(iso: string): string {
  const [, day, clock] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})/.exec(iso) ?? [];
  if (day === undefined) {
    return iso;
  }
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][new Date(`${day}T00:00:00Z`).getUTCDay()];
  return `${weekday} ${day} ${clock}`;
}

function zones(): string[] {
  const known = (Intl as { supportedValuesOf?: (key: 'timeZone') => string[] }).supportedValuesOf?.('timeZone') ?? [];
  return known.includes('UTC') ? known : ['UTC', ...known];
}
