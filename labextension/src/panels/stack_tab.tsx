/** The components of the active stack, each with whether it works. */
import React from 'react';

import { useLoaded } from '../components/loading';
import { Action, Heading, Problem, Waiting } from '../components/parts';
import { overall, StackTable } from '../components/stack_table';
import type { TabProps } from './panel';

export function StackTab(props: TabProps): JSX.Element {
  const { model, actions } = props;
  const { active } = model.stacks;
  const stack = useLoaded(`stack ${active}`, () => model.api.stacks.show(active));
  const health = useLoaded(`health ${active}`, () => model.api.stacks.health());
  return (
    <div className="mlstack-page">
      <Heading title={active || 'No stack'}>
        <Action label="Look again" look="link" onAct={health.again} />
      </Heading>
      {stack.trouble && <Problem trouble={stack.trouble} onAgain={stack.again} />}
      {health.trouble && <Problem trouble={health.trouble} onAgain={health.again} />}
      {!health.trouble && (
        <p className="mlstack-quiet" role="status">
          {overall(health.value).words}
        </p>
      )}
      {stack.value ? (
        <StackTable components={stack.value.components} health={health.value} />
      ) : (
        stack.isLoading && <Waiting />
      )}
      <div className="mlstack-line">
        <Action label="New component…" onAct={() => actions.newComponent(stack.again)} />
      </div>
    </div>
  );
}
