/** The graph of the notebook, and below it what is selected. */
import React from 'react';

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
  return (
    <div className="mlstack-split">
      {graph.notices.length > 0 && (
        <ul className="mlstack-notices" role="status">
          {graph.notices.map(notice => (
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
