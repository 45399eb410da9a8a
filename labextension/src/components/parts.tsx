/** Small pieces that the views are made of. */
import React from 'react';

import type { Trouble } from './loading';
import { lookOf, stateOf } from './states';

/** A state as symbol and, unless it stands beside it, word. */
export function StateMark(props: { state: string; isBare?: boolean }): JSX.Element {
  const state = stateOf(props.state);
  const look = lookOf(state);
  return (
    <span className="mlstack-state" data-state={state} title={look.word}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d={look.stroke} />
      </svg>
      <span className={props.isBare ? 'mlstack-unseen' : undefined}>{look.word}</span>
    </span>
  );
}

export function Problem(props: { trouble: Trouble; onAgain?: () => void }): JSX.Element {
  const { trouble, onAgain } = props;
  return (
    <div className="mlstack-problem" role="alert">
      <strong>{trouble.what}</strong>
      {trouble.hint && <span>{trouble.hint}</span>}
      {onAgain && <Action label="Try again" onAct={onAgain} />}
    </div>
  );
}

export function Empty(props: { children: React.ReactNode }): JSX.Element {
  return <p className="mlstack-empty">{props.children}</p>;
}

export function Waiting(): JSX.Element {
  return (
    <p className="mlstack-empty" role="status">
      Loading…
    </p>
  );
}

/** Facts as terms and values; those without a value are left out. */
export function Facts(props: { facts: Record<string, React.ReactNode> }): JSX.Element {
  const shown = Object.entries(props.facts).filter(
    ([, value]) => value !== '' && value !== null && value !== undefined
  );
  return (
    <dl className="mlstack-facts">
      {shown.map(([term, value]) => (
        <React.Fragment key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

export interface ActionProps {
  label: string;
  onAct: () => void;
  /** Why it can not be done now; then it is not. */
  missing?: string | false;
  look?: 'main' | 'plain' | 'link' | 'danger';
  title?: string;
}

/** A button. One that can not be used now stays reachable, and says why. */
export function Action(props: ActionProps): JSX.Element {
  const { label, onAct, missing, look = 'plain', title } = props;
  return (
    <button
      type="button"
      className={`mlstack-action mlstack-mod-${look}`}
      aria-disabled={missing ? true : undefined}
      title={missing || title || undefined}
      onClick={() => !missing && onAct()}
    >
      {label}
    </button>
  );
}

export function Heading(props: {
  title: string;
  onBack?: () => void;
  backTo?: string;
  children?: React.ReactNode;
}): JSX.Element {
  const { title, onBack, backTo, children } = props;
  return (
    <header className="mlstack-heading">
      {onBack && (
        <button
          type="button"
          className="mlstack-back"
          aria-label={backTo ?? 'Back'}
          title={backTo ?? 'Back'}
          onClick={onBack}
        >
          ‹
        </button>
      )}
      <h3 title={title}>{title}</h3>
      {children}
    </header>
  );
}
