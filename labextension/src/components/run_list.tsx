/** The history of runs; two of them can be marked to be compared. */
import React, { useState } from 'react';

import type { RunSummary } from '../api/records';
import { ago, duration, moment } from './formatters';
import { Action, Empty, StateMark } from './parts';
import { lookOf, STATES } from './states';

export interface RunListProps {
  runs: readonly RunSummary[];
  onOpen: (id: string) => void;
  /** The older one comes first. */
  onCompare: (before: string, after: string) => void;
}

export function RunList(props: RunListProps): JSX.Element {
  const { runs, onOpen, onCompare } = props;
  const [marked, setMarked] = useState<string[]>([]);
  if (runs.length === 0) {
    return <Empty>No runs yet. Press Run to make the first one.</Empty>;
  }
  const known = runs.map(run => run.id).filter(id => marked.includes(id));
  const toggle = (id: string): void =>
    setMarked(last => (last.includes(id) ? last.filter(one => one !== id) : [...last, id].slice(-2)));
  return (
    <div className="mlstack-runs">
      <div className="mlstack-line">
        <Action
          label="Compare"
          missing={known.length < 2 && 'Mark two runs to compare them'}
          onAct={() => onCompare(known[1], known[0])}
        />
        <span className="mlstack-quiet">{known.length < 2 ? 'Mark two runs' : 'Two runs are marked'}</span>
      </div>
      <ul className="mlstack-rows">
        {runs.map(run => (
          <li key={run.id} className="mlstack-row">
            <input
              type="checkbox"
              aria-label={`Mark run ${run.id} to compare`}
              checked={marked.includes(run.id)}
              onChange={() => toggle(run.id)}
            />
            <button type="button" className="mlstack-row-main" onClick={() => onOpen(run.id)} title={run.id}>
              <StateMark state={run.state} />
              <span className="mlstack-quiet" title={moment(run.started_at)}>
                {ago(run.started_at)}
              </span>
              <span className="mlstack-row-end">{duration(run.duration_s)}</span>
              <span className="mlstack-row-under">{`${run.stack} · ${countsOf(run)}`}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How many steps came to which end: `4 cached, 1 failed`. */
export function countsOf(run: Pick<RunSummary, 'step_counts'>): string {
  const counts = run.step_counts ?? {};
  const told = STATES.filter(state => counts[state]).map(state => `${counts[state]} ${lookOf(state).word}`);
  return told.join(', ') || 'no steps';
}
