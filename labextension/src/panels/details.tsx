/** What is opened from a graph or a list: a step, an artifact, a run, a log, a comparison; each fetches what it shows. */
import React, { useEffect } from 'react';

import type { ArtifactRecord, RunDifferences } from '../api/records';
import type { GraphNode } from '../api/types';
import { ArtifactView } from '../components/artifact_view';
import { artifactLabel, bytes, typeName } from '../components/formatters';
import { status } from '../components/graph_data';
import { Loaded, useLoaded } from '../components/loading';
import { LogView } from '../components/log_view';
import { Action, Facts, Heading, Problem, StateMark, Waiting } from '../components/parts';
import { DifferencesView, FailureView, RunActions, RunView } from '../components/run_view';
import { isFinal, stateOf } from '../components/states';
import type { TabProps } from './panel';
import { asRun, Detail } from './panel_model';

const LOOK_MS = 1000;

export function DetailView(props: TabProps & { detail: Detail }): JSX.Element {
  const { detail, model } = props;
  const back = { onBack: () => model.back() };
  switch (detail.what) {
    case 'step':
      return (
        <>
          <Heading title={detail.step} {...back} backTo="Close" />
          <StepDetail {...props} step={detail.step} />
        </>
      );
    case 'artifact':
      return (
        <>
          <Heading title={artifactLabel(detail.name)} {...back} />
          <ArtifactDetail key={detail.name} {...props} name={detail.name} version={detail.version} />
        </>
      );
    case 'run':
      return (
        <>
          <Heading title={detail.run} {...back} backTo="All runs" />
          <RunDetail key={detail.run} {...props} run={detail.run} />
        </>
      );
    case 'log':
      return (
        <>
          <Heading title={`Log of ${detail.step}`} {...back} />
          <LogDetail {...props} run={detail.run} step={detail.step} />
        </>
      );
    case 'diff':
      return (
        <>
          <Heading title="What differs" {...back} backTo="All runs" />
          <DiffDetail {...props} before={detail.before} after={detail.after} />
        </>
      );
  }
}

function Answer<T>(props: { loaded: Loaded<T>; children: (value: T) => JSX.Element }): JSX.Element {
  const { loaded, children } = props;
  return (
    <>
      {loaded.trouble && <Problem trouble={loaded.trouble} onAgain={loaded.again} />}
      {loaded.value !== null ? children(loaded.value) : loaded.isLoading ? <Waiting /> : null}
    </>
  );
}

function StepDetail(props: TabProps & { step: string }): JSX.Element {
  const { model, actions, step } = props;
  const node = model.nodes.find(one => one.name === step);
  if (node === undefined) {
    return <p className="mlstack-empty">This step is no longer in the notebook.</p>;
  }
  const record = model.last?.steps.find(one => one.step === step);
  const run = model.isRunning ? model.last?.id : (node.run_id ?? model.last?.id);
  const edges = model.graph?.edges ?? [];
  const steps = (names: string[]): JSX.Element[] | null =>
    names.length === 0
      ? null
      : [...new Set(names)].map(name => (
          <button key={name} type="button" className="mlstack-link" onClick={() => actions.select(name)}>
            {name}
          </button>
        ));
  return (
    <div className="mlstack-detail">
      <div className="mlstack-line">
        <StateMark state={node.state} isBare />
        <span className="mlstack-quiet">{status(node)}</span>
      </div>
      <div className="mlstack-line mlstack-tools">
        <Action label="Go to cell" look="link" onAct={() => actions.openCell(node)} />
        <Action
          label="Run only this"
          look="link"
          missing={model.isRunning && 'A run goes on'}
          onAct={() => actions.run({ only: step })}
        />
        {run && <Action label="Log" look="link" onAct={() => model.open({ what: 'log', run, step })} />}
        {node.state === 'failed' && run && <Action label="Debug" look="link" onAct={() => actions.debug(run, step)} />}
      </div>
      <FailureView failure={record?.failure} />
      <Outputs node={node} onOpen={name => model.open({ what: 'artifact', name })} />
      <Facts
        facts={{
          Reads: steps(edges.filter(edge => edge.target === step).map(edge => edge.source)),
          'Read by': steps(edges.filter(edge => edge.source === step).map(edge => edge.target)),
          ...Object.fromEntries(
            Object.entries(node.parameters ?? {}).map(([name, value]) => [name, <code>{String(value)}</code>])
          )
        }}
      />
    </div>
  );
}

function Outputs(props: { node: GraphNode; onOpen: (artifact: string) => void }): JSX.Element {
  const { node, onOpen } = props;
  return (
    <ul className="mlstack-outputs" aria-label="Outputs">
      {node.outputs.map(output => (
        <li key={output.name}>
          <button
            type="button"
            disabled={!output.artifact}
            title={output.artifact ?? 'Not made yet'}
            onClick={() => output.artifact && onOpen(output.artifact)}
          >
            <span>{output.name}</span>
            <span className="mlstack-quiet">
              {output.artifact
                ? [typeName(output.type), bytes(output.size_bytes)].filter(Boolean).join(' · ')
                : 'not made'}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function ArtifactDetail(props: TabProps & { name: string; version?: number }): JSX.Element {
  const { model, actions, name, version } = props;
  const [shown, setShown] = React.useState(version);
  const asked = shown === undefined ? undefined : String(shown);
  const loaded = useLoaded(`${name} ${asked ?? ''} ${model.age}`, async () => {
    const row: unknown = await model.api.artifacts.show(name, asked);
    return row as ArtifactRecord;
  });
  return (
    <Answer loaded={loaded}>
      {artifact => (
        <ArtifactView
          artifact={artifact}
          onVersion={setShown}
          onRun={run => model.open({ what: 'run', run })}
          onStep={step => actions.select(step)}
        />
      )}
    </Answer>
  );
}

function RunDetail(props: TabProps & { run: string }): JSX.Element {
  const { model, actions, run } = props;
  const loaded = useLoaded(run, async () => asRun(await model.api.runs.show(run)));
  useRepeated(loaded.value !== null && !isFinal(stateOf(loaded.value.state)), loaded.again);
  const does: RunActions = {
    onLog: (id, step) => model.open({ what: 'log', run: id, step }),
    onDebug: actions.debug,
    onNotebook: actions.openNotebook,
    onCancel: actions.cancel,
    onResume: actions.resume
  };
  return <Answer loaded={loaded}>{found => <RunView run={found} actions={does} />}</Answer>;
}

function LogDetail(props: TabProps & { run: string; step: string }): JSX.Element {
  const { model, run, step } = props;
  const loaded = useLoaded(`${run} ${step}`, () => model.api.runs.log(run, step));
  useRepeated(model.isRunning && model.last?.id === run, loaded.again);
  return <Answer loaded={loaded}>{({ text }) => <LogView text={text} label={`Log of ${step}`} />}</Answer>;
}

function DiffDetail(props: TabProps & { before: string; after: string }): JSX.Element {
  const { model, before, after } = props;
  const loaded = useLoaded(`${before} ${after}`, async () => {
    const row: unknown = await model.api.runs.diff(before, after);
    return row as RunDifferences;
  });
  return (
    <>
      <p className="mlstack-quiet">{`${before} → ${after}`}</p>
      <Answer loaded={loaded}>{differences => <DifferencesView differences={differences} />}</Answer>
    </>
  );
}

/** Calls `act` again and again while `isOn` and the page is in sight. */
function useRepeated(isOn: boolean, act: () => void): void {
  useEffect(() => {
    const timer = isOn ? window.setInterval(() => document.hidden || act(), LOOK_MS) : 0;
    return () => window.clearInterval(timer);
  }, [isOn, act]);
}
