/** The small dialog at a cell's chip: what the cell is, and what its step is called. */
import type { Cell } from '@jupyterlab/cells';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import React, { useEffect, useId, useRef, useState } from 'react';

import type { NotebookModel } from '../models/notebook';
import type { Kind } from '../models/roles';
import { change, KINDS, nameFor, objection } from './change';

interface Props {
  model: NotebookModel;
  cell: Cell;
  close: () => void;
}

function RoleForm({ model, cell, close }: Props): JSX.Element {
  const now = model.roleOf(cell)?.kind ?? '';
  const [kind, setKind] = useState<Kind>(now === 'part' ? '' : now || 'step');
  const [name, setName] = useState(() => nameFor(model, cell));
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const wrong = kind === 'step' ? objection(model, [cell], name) : '';

  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, [kind]);

  const apply = (event: React.FormEvent): void => {
    event.preventDefault();
    if (!wrong) {
      change(model, [cell], kind, name);
      close();
    }
  };
  return (
    <form onSubmit={apply} className="jp-mlstack-RoleForm">
      <fieldset>
        <legend>This cell is</legend>
        {KINDS.map(one => (
          <label key={one.kind} title={one.caption}>
            <input type="radio" name={id} checked={kind === one.kind} onChange={() => setKind(one.kind)} />
            {one.label}
          </label>
        ))}
      </fieldset>
      <p className="jp-mlstack-RoleForm-caption">{KINDS.find(one => one.kind === kind)?.caption}</p>
      {kind === 'step' && (
        <label className="jp-mlstack-RoleForm-name">
          Name
          <input
            ref={field}
            className="jp-mod-styled"
            value={name}
            spellCheck={false}
            aria-invalid={wrong !== ''}
            aria-describedby={`${id}-wrong`}
            onChange={event => setName(event.target.value)}
          />
        </label>
      )}
      <p id={`${id}-wrong`} role="alert" className="jp-mlstack-RoleForm-wrong">
        {wrong}
      </p>
      <div className="jp-mlstack-RoleForm-buttons">
        <button type="button" className="jp-mod-styled jp-mod-reject" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={wrong !== ''}>
          Apply
        </button>
      </div>
    </form>
  );
}

/** One at a time; it goes when the focus goes elsewhere, by Escape, and with the cell. */
export class RoleEditor {
  private open: Widget | null = null;

  show(model: NotebookModel, cell: Cell, anchor: HTMLElement): void {
    this.close();
    const editor = ReactWidget.create(<RoleForm model={model} cell={cell} close={() => this.close(cell)} />);
    editor.addClass('jp-mlstack-RoleEditor');
    editor.node.setAttribute('role', 'dialog');
    editor.node.setAttribute('aria-label', 'Role of the cell in the pipeline');
    editor.node.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Escape') {
        this.close(cell);
      }
    });
    editor.node.addEventListener('focusout', event => {
      if (event.relatedTarget instanceof Node && !editor.node.contains(event.relatedTarget)) {
        this.close();
      }
    });
    Widget.attach(editor, document.body);
    place(editor.node, anchor.getBoundingClientRect());
    this.open = editor;
    document.addEventListener('pointerdown', this.onPointer, true);
    cell.disposed.connect(() => this.close());
  }

  /** With a cell, the keyboard goes back to it. */
  close(cell?: Cell): void {
    document.removeEventListener('pointerdown', this.onPointer, true);
    const editor = this.open;
    this.open = null;
    editor?.dispose();
    if (cell && editor) {
      requestAnimationFrame(() => focusOn(cell)); // by then the chip of a new role is there
    }
  }

  private readonly onPointer = (event: Event): void => {
    if (this.open && event.target instanceof Node && !this.open.node.contains(event.target)) {
      this.close();
    }
  };
}

function focusOn(cell: Cell): void {
  if (!cell.isDisposed) {
    const chip = cell.node.querySelector<HTMLElement>('.jp-mlstack-Chip');
    (chip ?? cell.node.closest<HTMLElement>('.jp-Notebook'))?.focus();
  }
}

const WIDTH = 300;
const HEIGHT = 250;

function place(node: HTMLElement, anchor: DOMRect): void {
  const left = Math.max(8, Math.min(anchor.left, window.innerWidth - WIDTH - 8));
  const isLow = anchor.bottom + HEIGHT > window.innerHeight && anchor.top > HEIGHT;
  node.style.left = `${left}px`;
  if (isLow) {
    node.style.bottom = `${window.innerHeight - anchor.top + 4}px`;
  } else {
    node.style.top = `${Math.min(anchor.bottom + 4, window.innerHeight - HEIGHT)}px`;
  }
}
