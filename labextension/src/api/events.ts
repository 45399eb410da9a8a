/** News from the server part, on the connection for events that JupyterLab holds anyway. */
import type { Event } from '@jupyterlab/services';

import { State, stateOf } from '../components/states';

export const SCHEMA = 'https://mlstack-nb.readthedocs.io/schemas/changed/v1';

/** `workspace` is the folder of the one that it is about. */
export type Change = ({ what: 'active_stack'; active: string } | { what: 'runs'; run: string; state: State }) & {
  workspace?: string;
};

/** What an event says, null for one of others. */
export function changeIn(event: { schema_id?: unknown; [key: string]: unknown }): Change | null {
  if (event.schema_id !== SCHEMA) {
    return null;
  }
  const where = typeof event.workspace === 'string' ? { workspace: event.workspace } : {};
  if (event.what === 'active_stack' && typeof event.active === 'string') {
    return { what: 'active_stack', active: event.active, ...where };
  }
  if (event.what === 'runs' && typeof event.run === 'string') {
    return { what: 'runs', run: event.run, state: stateOf(event.state), ...where };
  }
  return null;
}

/** Calls `tell` for every change; the function given back ends that. */
export function follow(events: Event.IManager, tell: (change: Change) => void): () => void {
  const heard = (_: Event.IManager, event: Event.Emission): void => {
    const change = changeIn(event);
    if (change !== null) {
      tell(change);
    }
  };
  events.stream.connect(heard);
  return () => void events.stream.disconnect(heard);
}
