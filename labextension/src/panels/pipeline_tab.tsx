/** The graph of the notebook, and below it what is selected. */
import React from 'react';

import type { GraphNode } from '../api/types';
import { json, shortened } from '../components/formatters';
import { GraphView } from '../components/graph_view';
import { Empty, Problem, Waiting } from '../components/parts';
import { DetailView } from './details';
import type { TabProps } from './panel';

export function PipelineTab(props: TabProps): JSX.Element {
  const { model, actions } = props;
  const { graph, current, detail } = model;
  if (graph === null) {
    return current?.error ? <Problem trouble={current.error} onAgain={() => current.refresh()} /> : <Waiting />;
  }
  if (graph.error !== null) {
    return <Problem trouble={graph.error} />;
  }
  if (graph.nodes.length === 0) {
    return <Empty>No steps yet: put %%step NAME on top of a cell, or give it a role in its toolbar, and save.</Empty>;
  }
  const notices = [...graph.notices, ...otherParameters(model.nodes)];
  return (
    <div className="mlstack-split">
      {notices.length > 0 && (
        <ul className="mlstack-notices" role="status">
          {notices.map(notice => (
            <li key={notice}>{notice}</li>
          ))}
        </ul>
      )}
      <GraphView
        key={graph.path}
        graph={{ nodes: model.nodes, edges: graph.edges }}
        label={graph.pipeline}
        selected={model.selected}
        onSelect={name => actions.select(name)}
        onOutput={(node, output) => actions.openOutput(node, output)}
      />
      {detail && (
        <div className="mlstack-below">
          <DetailView {...props} detail={detail} />
        </div>
      )}
    </div>
  );
}

/** Why steps are stale whose code is what it was: they ran with other parameters than the notebook has. */
export function otherParameters(nodes: readonly GraphNode[]): string[] {
  const found = new Map<string, string>();
  for (const { stale, ran_with, parameters } of nodes) {
    for (const [name, text] of Object.entries(stale ? (ran_with ?? {}) : {})) {
      found.set(name, `${shortened(name, 40)}=${shortened(text, 40)}, here ${shortened(json(parameters[name]), 40)}`);
    }
  }
  return found.size === 0
    ? []
    : [`Last run with other parameters than the notebook has, so steps that read them would run again: ${[...found.values()].join('; ')}.`];
}
