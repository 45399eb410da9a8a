/** The side panel: stack, buttons, and one tab each for pipeline, runs, schedules and the stack's components. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { SplitPanel, Widget } from '@lumino/widgets';
import React from 'react';

import { loadEngine } from '../components/layout';
import { useLoaded } from '../components/loading';
import { Action, Empty, Problem } from '../components/parts';
import { canResume } from '../components/run_view';
import { overall } from '../components/stack_table';
import type { PanelActions } from './panel_actions';
import type { PanelModel, Tab } from './panel_model';
import { PipelineTab } from './pipeline_tab';
import { RunsTab } from './runs_tab';
import { SchedulesTab } from './schedules_tab';
import { StackTab } from './stack_tab';

export interface TabProps {
  model: PanelModel;
  actions: PanelActions;
}

const TABS: [Tab, string, (props: TabProps) => JSX.Element][] = [
  ['pipeline', 'Pipeline', PipelineTab],
  ['runs', 'Runs', RunsTab],
  ['schedules', 'Schedules', SchedulesTab],
  ['stack', 'Stack', StackTab]
];

/** Wide enough for a graph; JupyterLab itself gives a side panel 240 at first. */
const WIDTH = 360;
const NARROW = 270;

export class Panel extends ReactWidget {
  private wasShown = false;

  constructor(
    private readonly model: PanelModel,
    private readonly actions: PanelActions
  ) {
    super();
    this.id = 'mlstack-panel';
    this.addClass('mlstack-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'mlstack');
    model.changed.connect(this.onChanged, this);
  }

  override render(): JSX.Element {
    return <PanelView model={this.model} actions={this.actions} />;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.changed.disconnect(this.onChanged, this);
      this.model.dispose();
      super.dispose();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (!this.wasShown) {
      this.wasShown = true;
      requestAnimationFrame(() => widen(this));
      void loadEngine().catch(() => undefined);
    }
    this.model.setShown(true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.setShown(false);
  }

  private onChanged(): void {
    if (this.isVisible) {
      this.update();
    }
  }
}

/** Makes room in the split of the window, unless somebody has made room already. */
function widen(widget: Widget): void {
  let [inside, split]: (Widget | null)[] = [widget, widget.parent];
  while (split !== null && !(split instanceof SplitPanel)) {
    [inside, split] = [split, split.parent];
  }
  const width = widget.node.clientWidth;
  if (split === null || width === 0 || width > NARROW) {
    return;
  }
  const sizes = split.relativeSizes();
  const at = split.widgets.indexOf(inside as Widget);
  const more = (WIDTH - width) / split.node.clientWidth;
  const largest = sizes.indexOf(Math.max(...sizes));
  if (at !== largest && sizes[largest] > 3 * more) {
    sizes[at] += more;
    sizes[largest] -= more;
    split.setRelativeSizes(sizes);
  }
}

export function PanelView(props: TabProps): JSX.Element {
  const { model } = props;
  if (model.stacks.error?.isMissing) {
    return <Problem trouble={model.stacks.error} onAgain={() => void model.stacks.refresh()} />;
  }
  const Shown = TABS.find(([tab]) => tab === model.tab)![2];
  return (
    <>
      {!model.stacks.isConnected && <NoConnection {...props} />}
      <StackBar {...props} />
      {model.current && <RunBar {...props} />}
      <TabBar {...props} />
      <div
        className="mlstack-tab"
        role="tabpanel"
        id="mlstack-tabpanel"
        aria-labelledby={`mlstack-tab-${model.tab}`}
        data-tab={model.tab}
      >
        {model.current || model.tab === 'stack' || model.tab === 'schedules' ? (
          <Shown {...props} />
        ) : (
          <Empty>Open a notebook to see its pipeline.</Empty>
        )}
      </div>
    </>
  );
}

function NoConnection({ model }: TabProps): JSX.Element {
  const trouble = { what: 'No connection to the Jupyter server.', hint: 'What is shown here may be out of date.' };
  return <Problem trouble={trouble} onAgain={() => void model.stacks.refresh()} />;
}

function StackBar(props: TabProps): JSX.Element {
  const { model, actions } = props;
  const { state, error, active } = model.stacks;
  const health = useLoaded(`health ${active}`, () => model.api.stacks.health());
  const { verdict, words } = health.trouble ? { verdict: 'bad', words: health.trouble.what } : overall(health.value);
  const stacks = state?.stacks ?? [];
  return (
    <div className="mlstack-stackbar">
      <label>
        <span className="mlstack-quiet">Stack</span>
        <select
          className="mlstack-input"
          value={active}
          disabled={stacks.length === 0}
          onChange={event => actions.activate(event.target.value)}
        >
          {stacks.length === 0 && <option value={active}>{error ? 'not known' : '…'}</option>}
          {stacks.map(stack => (
            <option key={stack.name}>{stack.name}</option>
          ))}
        </select>
      </label>
      <button
        type="button"
        className="mlstack-health"
        data-verdict={verdict}
        title={words}
        aria-label={`${words}. Show the components`}
        onClick={() => model.show('stack')}
      >
        {verdict === 'good' ? '✓' : verdict === 'bad' ? '✗' : '…'}
      </button>
    </div>
  );
}

function RunBar(props: TabProps): JSX.Element {
  const { model, actions } = props;
  const { last, selected, graph } = model;
  const nothing =
    graph === null
      ? 'The pipeline is being read'
      : graph.error !== null
        ? 'The pipeline has a mistake'
        : graph.nodes.length === 0 && 'There are no steps yet';
  const failed = last?.steps.find(step => step.state === 'failed');
  return (
    <div className="mlstack-runbar" role="toolbar" aria-label="Run the pipeline">
      {model.isRunning && last ? (
        <Action label="Cancel" look="danger" onAct={() => actions.cancel(last.id)} />
      ) : (
        <Action label="Run…" look="main" missing={nothing} onAct={() => actions.run({})} />
      )}
      <Action
        label="From here"
        title={selected ? `Run ${selected} and what comes after it` : undefined}
        missing={
          nothing || (model.isRunning && 'A run goes on') || (selected === null && 'Select a step in the graph first')
        }
        onAct={() => actions.run({ first: selected ?? undefined })}
      />
      <Action
        label="Resume"
        title="Run what the last run did not finish"
        missing={!(last && canResume(last.state)) && 'The last run has nothing left to do'}
        onAct={() => last && actions.resume(last.id)}
      />
      <Action
        label="Debug"
        title={failed && `Open a notebook where ${failed.step} failed`}
        missing={!failed && 'No step of the last run failed'}
        onAct={() => last && failed && actions.debug(last.id, failed.step)}
      />
    </div>
  );
}

function TabBar(props: TabProps): JSX.Element {
  const { model } = props;
  const onKey = (event: React.KeyboardEvent<HTMLElement>): void => {
    const move = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (move !== 0) {
      event.preventDefault();
      const at = TABS.findIndex(([tab]) => tab === model.tab);
      const next = TABS[(at + move + TABS.length) % TABS.length][0];
      model.show(next);
      event.currentTarget.querySelector<HTMLElement>(`#mlstack-tab-${next}`)?.focus();
    }
  };
  return (
    <div className="mlstack-tabs" role="tablist" aria-label="mlstack" onKeyDown={onKey}>
      {TABS.map(([tab, label]) => (
        <button
          key={tab}
          id={`mlstack-tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={tab === model.tab}
          aria-controls="mlstack-tabpanel"
          tabIndex={tab === model.tab ? 0 : -1}
          onClick={() => model.show(tab)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
