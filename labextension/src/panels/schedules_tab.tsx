/** The schedules of the workspace. */
import React from 'react';

import type { ScheduleRecord, Schedules } from '../api/records';
import { inZone } from '../components/schedule_form';
import { useLoaded } from '../components/loading';
import { Action, Empty, Problem, StateMark, Waiting } from '../components/parts';
import type { TabProps } from './panel';

export function SchedulesTab(props: TabProps): JSX.Element {
  const { model, actions } = props;
  const loaded = useLoaded(`schedules ${model.age}`, async () => {
    const answer: unknown = await model.api.schedules.list();
    return answer as Schedules;
  });
  const found = loaded.value?.schedules ?? [];
  return (
    <div className="mlstack-page">
      <div className="mlstack-line">
        <Action
          label="New schedule…"
          look="main"
          missing={!model.graph?.nodes.length && 'Open a notebook with a pipeline first'}
          onAct={() => actions.schedule(loaded.again)}
        />
      </div>
      {loaded.trouble && <Problem trouble={loaded.trouble} onAgain={loaded.again} />}
      {loaded.value === null && loaded.isLoading && <Waiting />}
      {loaded.value && found.length === 0 && <Empty>No schedules. A schedule runs a notebook by itself.</Empty>}
      {loaded.value && found.length > 0 && loaded.value.scheduler === null && (
        <p className="mlstack-notices" role="status">
          Nobody starts them now. Type in a terminal: mlstack scheduler
        </p>
      )}
      <ul className="mlstack-rows">
        {found.map(schedule => (
          <ScheduleRow key={schedule.name} schedule={schedule} actions={actions} onDone={loaded.again} />
        ))}
      </ul>
    </div>
  );
}

function ScheduleRow(props: {
  schedule: ScheduleRecord;
  actions: TabProps['actions'];
  onDone: () => void;
}): JSX.Element {
  const { schedule, actions, onDone } = props;
  const does = (deed: 'pause' | 'resume' | 'trigger' | 'remove') => () =>
    actions.changeSchedule(schedule.name, deed, onDone);
  return (
    <li className="mlstack-row mlstack-step">
      <div className="mlstack-line">
        <strong title={schedule.name}>{schedule.name}</strong>
        {schedule.last && <StateMark state={schedule.last.state} />}
      </div>
      <span>{schedule.words}</span>
      <span className="mlstack-quiet">{`${schedule.target} · ${schedule.stack ?? 'active stack'} · ${schedule.zone}`}</span>
      <span className="mlstack-quiet">
        {schedule.paused_at ? 'paused' : schedule.next.length > 0 ? `next ${inZone(schedule.next[0])}` : 'never again'}
      </span>
      <div className="mlstack-line mlstack-tools">
        <Action label="Run now" look="link" onAct={does('trigger')} />
        {schedule.paused_at ? (
          <Action label="Go on" look="link" onAct={does('resume')} />
        ) : (
          <Action label="Pause" look="link" onAct={does('pause')} />
        )}
        <Action label="Remove" look="link" onAct={does('remove')} />
      </div>
    </li>
  );
}
