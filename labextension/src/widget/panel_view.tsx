/** Stack, run and graph of a notebook in one view, with what its kernel tells. */
import React, { useEffect, useRef, useState } from 'react';

import { bytes, counted, duration, shortened, typeName } from '../components/formatters';
import type { GraphData, GraphNode } from '../components/graph_data';
import { status } from '../components/graph_data';
import { GraphView } from '../components/graph_view';
import { Action, Empty, Facts, Problem, StateMark } from '../components/parts';
import { smallLayout } from '../components/small_layout';
import { overall, StackTable } from '../components/stack_table';
import { isFinal, stateOf } from '../components/states';
import { heightOf } from '../models/shown_graph';
import type { Kernel, Shown, ShownRun } from './kernel';

export interface PanelProps {
  kernel: Kernel;
  shown: Shown;
}

const MOST_NOTICES = 5;

export function PanelView(props: PanelProps): JSX.Element {
  const { kernel, shown } = props;
  const [selected, select] = useState<string | null>(null);
  const graph = drawn(shown);
  const chosen = graph.nodes.find(node => node.name === selected);
  return (
    <section aria-label={`Pipeline ${shown.graph.pipeline}`}>
      <header className="mlstack-widget-head">
        <StackPicker {...props} />
        <RunButtons {...props} />
      </header>
      <Waits {...props} />
      {kernel.refused && <Refused {...props} />}
      {shown.problem && <Problem trouble={shown.problem} />}
      {shown.run && <RunLine key={shown.run.id} run={shown.run} />}
      <div className="mlstack-widget-body">
        <Lineage shown={shown} graph={graph} selected={chosen ? selected : null} onSelect={select} />
        <aside className="mlstack-widget-side">
          {chosen && <StepFacts node={chosen} />}
          <Components shown={shown} />
        </aside>
      </div>
    </section>
  );
}

function StackPicker(props: PanelProps): JSX.Element {
  const { kernel, shown } = props;
  const { active, names } = shown.stacks;
  const wanted = kernel.waiting?.do === 'activate' ? kernel.waiting.name : active;
  const options = names.includes(wanted) ? names : [wanted, ...names];
  return (
    <label className="mlstack-widget-stack">
      <span className="mlstack-quiet">Stack</span>
      <select
        className="mlstack-input"
        value={wanted}
        disabled={kernel.isGone || kernel.waiting !== null || names.length === 0}
        aria-busy={wanted !== active}
        onChange={event => kernel.ask({ do: 'activate', name: event.target.value })}
      >
        {options.map(name => (
          <option key={name} value={name}>
            {name || 'not known'}
          </option>
        ))}
      </select>
    </label>
  );
}

function RunButtons(props: PanelProps): JSX.Element {
  const { kernel, shown } = props;
  const { run, graph } = shown;
  const cannot = kernel.isGone ? 'The kernel is gone' : kernel.waiting !== null && 'The kernel has yet to answer';
  if (run !== null && run.mode !== 'interactive' && !isFinal(stateOf(run.state))) {
    return (
      <Action
        label="Cancel"
        look="danger"
        missing={cannot}
        onAct={() => kernel.ask({ do: 'cancel', run: run.id })}
      />
    );
  }
  const nothing =
    cannot ||
    (!shown.can_run && 'The file of this notebook is not known here. Run it in this kernel: %pipeline run') ||
    (graph.error !== null && 'The pipeline has a mistake') ||
    (graph.nodes.length === 0 && 'There are no steps yet');
  return (
    <Action
      label="Run"
      look="main"
      missing={nothing}
      title="Run the notebook as it is saved, apart from this kernel"
      onAct={() => kernel.ask({ do: 'run' })}
    />
  );
}

/** What is asked for, but not done yet: the kernel listens only between cells. */
function Waits(props: PanelProps): JSX.Element {
  const { kernel, shown } = props;
  const { waiting, isGone } = kernel;
  const isLong = useAfter(400, waiting);
  const what = {
    activate: `Still on stack ${shown.stacks.active}: the kernel switches when its cells are done.`,
    run: 'Not begun yet: the kernel starts the run when its cells are done.',
    cancel: 'Not stopped yet: the kernel stops the run when its cells are done, and the run may take its time.'
  };
  return (
    <p className="mlstack-widget-waits" role="status">
      {isGone
        ? 'The kernel of this panel is gone: this is what it showed last. Run the cell again.'
        : waiting !== null && isLong
          ? what[waiting.do]
          : ''}
    </p>
  );
}

function Refused(props: PanelProps): JSX.Element {
  const { kernel } = props;
  return (
    <div className="mlstack-widget-refused">
      <Problem trouble={kernel.refused!} />
      <Action label="Dismiss" look="link" onAct={() => kernel.dismiss()} />
    </div>
  );
}

function RunLine(props: { run: ShownRun }): JSX.Element {
  const { run } = props;
  const isOpen = !isFinal(stateOf(run.state));
  const now = useClock(isOpen);
  const began = new Date(run.started_at).getTime();
  const took = run.duration_s ?? (isOpen && began > 0 ? Math.max(now - began, 0) / 1000 : null);
  const isWhole = run.mode !== 'interactive';
  const counts = Object.entries(run.counts).map(([state, count]) => `${count} ${state}`);
  const facts = [
    isWhole ? `${run.ended} of ${counted(run.total, 'step')}` : counts.join(', '),
    isWhole && !isOpen ? counts.join(', ') : '',
    `on ${run.stack}`,
    duration(took)
  ].filter(Boolean);
  return (
    <div className="mlstack-widget-run" data-state={stateOf(run.state)}>
      <div className="mlstack-line">
        <StateMark state={run.state} />
        <span className="mlstack-quiet">{isWhole ? `run ${run.id}` : 'cells of this notebook'}</span>
        <span className="mlstack-row-end">{facts.join(' · ')}</span>
      </div>
      {isWhole && isOpen && (
        <progress aria-label="Steps that have ended" max={run.total || 1} value={run.ended} />
      )}
      {run.failure && <Problem trouble={run.failure} />}
    </div>
  );
}

function Lineage(props: {
  shown: Shown;
  graph: GraphData;
  selected: string | null;
  onSelect: (name: string | null) => void;
}): JSX.Element {
  const { graph, selected, onSelect } = props;
  const { pipeline, notices, error } = props.shown.graph;
  const host = useRef<HTMLDivElement>(null);
  useOwnWheel(host);
  return (
    <div className="mlstack-widget-graph" ref={host} style={{ '--height': `${heightOf(graph)}px` } as React.CSSProperties}>
      {error && <Problem trouble={error} />}
      {notices.slice(0, MOST_NOTICES).map(notice => (
        <p key={notice} className="mlstack-quiet">
          {shortened(notice, 300)}
        </p>
      ))}
      {graph.nodes.length > 0 ? (
        <GraphView
          graph={graph}
          label={`Pipeline ${pipeline}`}
          selected={selected}
          layout={smallLayout}
          onSelect={name => onSelect(name === selected ? null : name)}
        />
      ) : (
        !error && <Empty>No steps yet: put %%step NAME on top of a cell, and run it or save.</Empty>
      )}
    </div>
  );
}

function StepFacts(props: { node: GraphNode }): JSX.Element {
  const { node } = props;
  const outputs = (node.outputs ?? []).map(output =>
    [output.name, typeName(output.type), bytes(output.size_bytes)].filter(Boolean).join(' ')
  );
  return (
    <div className="mlstack-widget-step">
      <h4>
        Step <bdi>{node.name}</bdi>
      </h4>
      <Facts
        facts={{
          cell: node.label,
          state: (
            <>
              <StateMark state={node.state} isBare /> {status(node)}
            </>
          ),
          makes: outputs.join(', ')
        }}
      />
    </div>
  );
}

function Components(props: { shown: Shown }): JSX.Element {
  const { stacks, health } = props.shown;
  const known = health !== null && health.stack === stacks.active && health.components.length > 0 ? health : null;
  const { verdict, words } = overall(known);
  return (
    <div className="mlstack-widget-components">
      <h4>
        Stack <bdi>{stacks.active}</bdi>
      </h4>
      {stacks.error && <Problem trouble={stacks.error} />}
      {!stacks.error && (
        <p className="mlstack-quiet" data-verdict={verdict === 'bad' ? verdict : undefined} role="status">
          {words}
        </p>
      )}
      <StackTable components={stacks.components} health={known} />
    </div>
  );
}

function drawn(shown: Shown): GraphData {
  const { nodes, edges } = shown.graph;
  return { nodes: nodes.map(node => ({ ...node, ...(shown.states[node.name] ?? { state: 'pending' }) })), edges };
}

/** Whether `value` has been the same, and something, for so many milliseconds. */
function useAfter(delay: number, value: unknown): boolean {
  const [since, setSince] = useState<unknown>(null);
  useEffect(() => {
    const timer = window.setTimeout(() => setSince(value), delay);
    return () => window.clearTimeout(timer);
  }, [value]);
  return value !== null && since === value;
}

/** The time, each second as long as that matters. */
function useClock(isOn: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = isOn ? window.setInterval(() => setNow(Date.now()), 1000) : 0;
    return () => window.clearInterval(timer);
  }, [isOn]);
  return now;
}

/** The wheel scrolls the notebook; it zooms the graph with Ctrl, or while the graph has the focus. */
function useOwnWheel(host: React.RefObject<HTMLElement>): void {
  useEffect(() => {
    const element = host.current;
    const onWheel = (event: WheelEvent): void => {
      const root = element?.getRootNode() as Document | ShadowRoot;
      if (!event.ctrlKey && !event.metaKey && !element?.contains(root.activeElement)) {
        event.stopPropagation();
      }
    };
    element?.addEventListener('wheel', onWheel, { capture: true, passive: true });
    return () => element?.removeEventListener('wheel', onWheel, { capture: true });
  });
}

