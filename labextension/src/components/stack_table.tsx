/** The components of a stack, each with whether it works. */
import React from 'react';

import type { ComponentInStack, Health } from '../api/types';
import { duration, json } from './formatters';

export interface StackTableProps {
  components: Record<string, ComponentInStack>;
  /** Null while it is looked at. */
  health: Health | null;
}

const VERDICTS = { good: '✓ works', bad: '✗ does not work', open: '… looking' } as const;
type Verdict = keyof typeof VERDICTS;

export function kindLabel(kind: string): string {
  return kind.replace(/_/g, ' ');
}

/** Whether all works, as one verdict with words. */
export function overall(health: Health | null): { verdict: Verdict; words: string } {
  if (health === null) {
    return { verdict: 'open', words: 'Looking at the components' };
  }
  const broken = health.components.filter(one => !one.ok);
  return broken.length === 0
    ? { verdict: 'good', words: 'All components work' }
    : { verdict: 'bad', words: `${broken.map(one => kindLabel(one.kind)).join(', ')}: does not work` };
}

export function StackTable(props: StackTableProps): JSX.Element {
  return (
    <table className="mlstack-components">
      <thead className="mlstack-unseen">
        <tr>
          <th scope="col">Kind</th>
          <th scope="col">Component</th>
          <th scope="col">Health</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(props.components).map(([kind, component]) => (
          <ComponentRow key={kind} kind={kind} component={component} health={props.health} />
        ))}
      </tbody>
    </table>
  );
}

function ComponentRow(props: { kind: string; component: ComponentInStack; health: Health | null }): JSX.Element {
  const { kind, component, health } = props;
  const found = health?.components.find(one => one.kind === kind && one.name === component.name);
  const verdict: Verdict = found === undefined ? 'open' : found.ok ? 'good' : 'bad';
  const settings = Object.entries(component.configuration ?? {}).filter(([, value]) => value !== null);
  return (
    <tr>
      <th scope="row">{kindLabel(kind)}</th>
      <td>
        <strong>{component.name}</strong>
        {component.flavor !== component.name && <span className="mlstack-quiet"> {component.flavor}</span>}
        {settings.map(([name, value]) => (
          <div key={name} className="mlstack-quiet mlstack-setting">
            {`${name}: ${typeof value === 'string' ? value : json(value, 300)}`}
          </div>
        ))}
        {verdict === 'bad' && (
          <div className="mlstack-mistake">
            {found?.what} {found?.hint}
          </div>
        )}
      </td>
      <td
        className="mlstack-verdict"
        data-verdict={verdict}
        title={found ? `${found.what} (${duration(found.seconds)})` : undefined}
      >
        <span aria-hidden="true">{VERDICTS[verdict].slice(0, 1)}</span>
        <span className="mlstack-unseen">{VERDICTS[verdict].slice(2)}</span>
      </td>
    </tr>
  );
}
