/** One run: its steps with state and time, parameters, what failed; and what differs between two runs. */
import React from 'react';

import type { Difference, RunDifferences, RunRecord, StepRecord } from '../api/records';
import { duration, json, moment } from './formatters';
import { Action, Facts, StateMark } from './parts';
import { isFinal, stateOf } from './states';

export interface RunActions {
  onLog: (run: string, step: string) => void;
  onDebug: (run: string, step: string) => void;
  onNotebook: (run: string, step: string) => void;
  onCancel: (run: string) => void;
  onResume: (run: string) => void;
}

export function canResume(state: string): boolean {
  return ['failed', 'cancelled'].includes(state);
}

export function RunView(props: { run: RunRecord; actions: RunActions }): JSX.Element {
  const { run, actions } = props;
  return (
    <section className="mlstack-run" aria-label={`Run ${run.id}`}>
      <div className="mlstack-line">
        <StateMark state={run.state} />
        <span className="mlstack-quiet">{duration(run.duration_s)}</span>
        <span className="mlstack-stretch" />
        {!isFinal(stateOf(run.state)) && <Action label="Cancel" look="danger" onAct={() => actions.onCancel(run.id)} />}
        {canResume(run.state) && <Action label="Resume" look="main" onAct={() => actions.onResume(run.id)} />}
      </div>
      <FailureView failure={run.failure} />
      <ol className="mlstack-rows">
        {(run.steps ?? []).map(step => (
          <StepRow key={step.step} run={run.id} step={step} actions={actions} />
        ))}
      </ol>
      <Facts
        facts={{
          Stack: run.stack,
          Mode: run.mode,
          Started: moment(run.started_at),
          Ended: moment(run.ended_at),
          Run: <code>{run.id}</code>
        }}
      />
      {Object.keys(run.parameters ?? {}).length > 0 && (
        <details className="mlstack-more">
          <summary>Parameters</summary>
          <Facts
            facts={Object.fromEntries(
              Object.entries(run.parameters).map(([name, value]) => [name, <code>{json(value, 500)}</code>])
            )}
          />
        </details>
      )}
    </section>
  );
}

function StepRow(props: { run: string; step: StepRecord; actions: RunActions }): JSX.Element {
  const { run, step, actions } = props;
  const time = step.state === 'cached' && step.saved_s ? `saved ${duration(step.saved_s)}` : duration(step.duration_s);
  return (
    <li className="mlstack-row mlstack-step">
      <div className="mlstack-line">
        <strong title={step.step}>{step.step}</strong>
        <StateMark state={step.state} />
        <span className="mlstack-row-end">{time}</span>
      </div>
      <FailureView failure={step.failure} />
      <div className="mlstack-line mlstack-tools">
        <Action label="Log" look="link" onAct={() => actions.onLog(run, step.step)} />
        {step.state === 'failed' && <Action label="Debug" look="link" onAct={() => actions.onDebug(run, step.step)} />}
        {['completed', 'failed'].includes(step.state) && (
          <Action
            label="Notebook"
            look="link"
            title="The executed notebook of this step"
            onAct={() => actions.onNotebook(run, step.step)}
          />
        )}
      </div>
    </li>
  );
}

export function FailureView(props: { failure: RunRecord['failure'] }): JSX.Element | null {
  const { failure } = props;
  if (!failure) {
    return null;
  }
  const what = 'what' in failure ? failure.what : `${failure.type}: ${failure.message}`;
  const traceback = 'traceback' in failure ? failure.traceback : undefined;
  return (
    <div className="mlstack-problem">
      <strong>{what}</strong>
      {'hint' in failure && <span>{failure.hint}</span>}
      {traceback && (
        <details className="mlstack-more">
          <summary>Traceback</summary>
          <pre className="mlstack-log">{traceback}</pre>
        </details>
      )}
    </div>
  );
}

export function DifferencesView(props: { differences: RunDifferences }): JSX.Element {
  const { general, steps } = props.differences;
  const changed = Object.entries(steps).filter(([, found]) => found.length > 0);
  const same = Object.keys(steps).filter(name => steps[name].length === 0);
  return (
    <section className="mlstack-differences" aria-label="Differences">
      {general.length + changed.length === 0 && <p className="mlstack-empty">Nothing differs.</p>}
      <Differences found={general} />
      {changed.map(([name, found]) => (
        <div key={name}>
          <h4>{name}</h4>
          <Differences found={found} />
        </div>
      ))}
      {same.length > 0 && <p className="mlstack-empty">{`The same: ${same.join(', ')}`}</p>}
    </section>
  );
}

function Differences(props: { found: readonly Difference[] }): JSX.Element {
  return (
    <ul className="mlstack-rows">
      {props.found.map((one, index) => (
        <li key={index} className="mlstack-row">
          <span>{one.text}</span>
          {one.diff && (
            <pre className="mlstack-log">
              {one.diff.split('\n').map((line, number) => (
                <span
                  key={number}
                  data-side={line.startsWith('+') ? 'after' : line.startsWith('-') ? 'before' : undefined}
                >
                  {`${line}\n`}
                </span>
              ))}
            </pre>
          )}
        </li>
      ))}
    </ul>
  );
}
