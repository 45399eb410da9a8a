/** The status bar: the active stack, a click to switch, and a dot while a run goes on. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, Notification } from '@jupyterlab/apputils';
import { IStatusBar, Popup, showPopup } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { asApiError } from '../api/errors';
import { counted, shortened } from '../components/formatters';
import type { RunsModel } from '../models/runs';
import type { StackModel } from '../models/stack';
import { IRunsModel, IStackModel, NAME } from '../tokens';

const SWITCH = 'mlstack:switch-stack';

class StackStatus extends ReactWidget {
  private popup: Popup | null = null;

  constructor(
    private readonly stacks: StackModel,
    private readonly runs: RunsModel,
    private readonly switchTo: (name: string) => void
  ) {
    super();
    this.addClass('jp-mlstack-Status');
    stacks.changed.connect(this.onChanged, this);
    runs.changed.connect(this.onChanged, this);
  }

  override render(): JSX.Element {
    const { state, error, active, isConnected } = this.stacks;
    const going = isConnected ? this.runs.ongoing.size : 0;
    const known = state ? shortened(active, 32) || 'no stack' : error ? 'no stacks' : '…';
    const text = isConnected ? known : 'no connection';
    const title = error
      ? error.message
      : `Active stack: ${active || 'none'}${going ? `, ${counted(going, 'run')} going on` : ''}. Click to switch`;
    return (
      <button type="button" title={title} aria-haspopup="menu" className="jp-mlstack-Status-button" onClick={() => this.open()}>
        <span
          className="jp-mlstack-Status-dot"
          data-going={going > 0 || undefined}
          data-broken={!isConnected || (state === null && error !== null) || undefined}
          role={going ? 'img' : undefined}
          aria-label={going ? `${counted(going, 'run')} going on` : undefined}
        />
        <span className="jp-mlstack-Status-word">stack</span>
        <span>{text}</span>
      </button>
    );
  }

  override dispose(): void {
    this.stacks.changed.disconnect(this.onChanged, this);
    this.runs.changed.disconnect(this.onChanged, this);
    super.dispose();
  }

  private open(): void {
    this.popup?.dispose();
    const body = ReactWidget.create(<StackMenu model={this.stacks} choose={name => this.choose(name)} />);
    body.addClass('jp-mlstack-StackMenu');
    this.popup = showPopup({ body, anchor: this, align: 'left', hasDynamicSize: true });
    body.node.addEventListener('keydown', event => event.key === 'Escape' && this.leave());
    if (this.stacks.error) {
      void this.stacks.refresh().then(() => body.update());
    }
  }

  private choose(name: string): void {
    this.leave();
    this.switchTo(name);
  }

  private leave(): void {
    this.popup?.dispose();
    this.popup = null;
    this.node.querySelector('button')?.focus();
  }

  private onChanged(): void {
    this.update();
  }
}

function StackMenu({ model, choose }: { model: StackModel; choose: (name: string) => void }): JSX.Element {
  const { state, error } = model;
  if (state === null || !model.isConnected) {
    return (
      <div role="alert" className="jp-mlstack-StackMenu-problem">
        <p>{error?.what ?? 'The stacks are being read.'}</p>
        <p>{error?.hint}</p>
      </div>
    );
  }
  return (
    <div role="menu" aria-label="Stacks" onKeyDown={moveFocus}>
      {state.stacks.map((stack, index) => (
        <button
          key={stack.name}
          type="button"
          role="menuitemradio"
          aria-checked={stack.name === state.active}
          autoFocus={state.active ? stack.name === state.active : index === 0}
          onClick={() => choose(stack.name)}
        >
          <span aria-hidden="true">{stack.name === state.active ? '✓' : ''}</span>
          <span>{shortened(stack.name, 60)}</span>
          <small>{shortened(Object.values(stack.components).join(' · '), 80)}</small>
        </button>
      ))}
      {state.active_by && <p className="jp-mlstack-StackMenu-note">Chosen by {shortened(state.active_by, 80)}</p>}
    </div>
  );
}

function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitemradio]')];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step !== undefined && items.length > 0) {
    event.preventDefault();
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[(at + step + items.length) % items.length].focus();
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: `${NAME}:status`,
  description: 'Shows the active stack in the status bar, and switches it.',
  autoStart: true,
  requires: [IStackModel, IRunsModel],
  optional: [IStatusBar, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    stacks: StackModel,
    runs: RunsModel,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null
  ) => {
    const activate = async (name: string): Promise<void> => {
      try {
        await stacks.activate(name);
      } catch (error) {
        Notification.error(asApiError(error).message, { autoClose: 8000 });
      }
    };
    app.commands.addCommand(SWITCH, {
      label: args => (typeof args.name === 'string' ? `Switch to Stack ${args.name}` : 'Switch Stack…'),
      caption: 'Make another stack the active one',
      describedBy: { args: { type: 'object', properties: { name: { type: 'string' } } } },
      execute: async args => {
        const name = typeof args.name === 'string' ? args.name : await chosen(stacks);
        if (name) {
          await activate(name);
        }
      }
    });
    palette?.addItem({ command: SWITCH, category: 'mlstack' });
    statusBar?.registerStatusItem(`${NAME}:stack`, {
      item: new StackStatus(stacks, runs, name => void activate(name)),
      align: 'left',
      rank: 100
    });
  }
};

async function chosen(stacks: StackModel): Promise<string | null> {
  await stacks.refresh();
  if (stacks.state === null) {
    Notification.error(stacks.error?.message ?? 'The stacks are not known.', { autoClose: 8000 });
    return null;
  }
  const items = stacks.state.stacks.map(stack => stack.name);
  const current = Math.max(0, items.indexOf(stacks.active));
  return (await InputDialog.getItem({ title: 'Switch Stack', label: 'Stack', items, current, okLabel: 'Switch' })).value;
}

export default plugin;
