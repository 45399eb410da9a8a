/** The graph as a React component: laid out when its shape changes, repainted when only states do. */
import React, { useEffect, useRef, useState } from 'react';

import { GraphHandle, renderGraph } from './graph';
import type { GraphData, NodeState } from './graph_data';
import type { LayoutOf } from './layout';
import { Trouble, troubleOf } from './loading';
import { Problem } from './parts';

export interface GraphViewProps {
  graph: GraphData;
  label: string;
  selected: string | null;
  onSelect: (name: string) => void;
  onOutput?: (node: string, output: string) => void;
  layout?: LayoutOf;
}

export function GraphView(props: GraphViewProps): JSX.Element {
  const { graph, label, selected } = props;
  const host = useRef<HTMLDivElement>(null);
  const handle = useRef<GraphHandle | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const shape = shapeOf(graph);
  useEffect(() => {
    let isGone = false;
    setTrouble(null);
    renderGraph(host.current!, graph, {
      label,
      layout: latest.current.layout,
      onSelect: name => latest.current.onSelect(name),
      onOutput: (node, output) => latest.current.onOutput?.(node, output)
    }).then(
      drawn => {
        if (isGone) {
          drawn.dispose();
          return;
        }
        handle.current = drawn;
        drawn.update(statesOf(latest.current.graph));
        drawn.select(latest.current.selected);
      },
      error => isGone || setTrouble(troubleOf(error))
    );
    return () => {
      isGone = true;
      handle.current?.dispose();
      handle.current = null;
    };
  }, [shape]);
  useEffect(() => handle.current?.update(statesOf(graph)), [graph]);
  useEffect(() => handle.current?.select(selected), [selected]);
  return (
    <>
      {trouble && <Problem trouble={trouble} />}
      <div ref={host} className="mlstack-graph" data-testid="mlstack-graph" />
    </>
  );
}

/** What the layout depends on. */
export function shapeOf(graph: GraphData): string {
  const nodes = graph.nodes.map(node => [node.name, node.label, (node.outputs ?? []).map(output => output.name)]);
  return JSON.stringify([nodes, graph.edges.map(edge => [edge.source, edge.target])]);
}

function statesOf(graph: GraphData): Record<string, NodeState> {
  return Object.fromEntries(
    graph.nodes.map(({ name, state, stale, ran_with, duration_s, saved_s }) => [
      name,
      { state, stale, ran_with, duration_s, saved_s }
    ])
  );
}
