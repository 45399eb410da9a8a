/** The control in a cell's toolbar. */
import type { Cell } from '@jupyterlab/cells';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { NotebookModel } from '../models/notebook';
import type { Kind } from '../models/roles';
import { change, KINDS } from './change';

export class RoleSelect extends ReactWidget {
  constructor(
    private readonly cell: Cell,
    private readonly model: NotebookModel,
    private readonly named: (cell: Cell) => void
  ) {
    super();
    this.addClass('jp-mlstack-RoleSelect');
    model.changed.connect(this.onChanged, this);
  }

  override render(): JSX.Element {
    const kind = this.model.roleOf(this.cell)?.kind ?? '';
    return (
      <select
        aria-label="Role of this cell in the pipeline"
        value={kind === 'part' ? '' : kind}
        disabled={this.model.isReadOnly}
        onKeyDown={event => event.stopPropagation()}
        onChange={event => this.choose(event.target.value as Kind)}
      >
        {KINDS.map(one => (
          <option key={one.kind} value={one.kind} title={one.caption}>
            {one.label}
          </option>
        ))}
      </select>
    );
  }

  override dispose(): void {
    this.model.changed.disconnect(this.onChanged, this);
    super.dispose();
  }

  private choose(kind: Kind): void {
    change(this.model, [this.cell], kind);
    if (kind === 'step') {
      this.named(this.cell);
    }
  }

  private onChanged(): void {
    const kind = this.model.roleOf(this.cell)?.kind ?? '';
    if (kind !== this.shown) {
      this.shown = kind;
      this.update();
    }
  }

  private shown = '';
}
