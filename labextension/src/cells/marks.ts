/** Keeps the marks on the cells of one notebook as its model says. */
import type { Cell } from '@jupyterlab/cells';

import type { NotebookModel } from '../models/notebook';
import { UNKNOWN } from '../models/standing';
import { highlight, paint } from './chip';

export class CellMarks {
  private isShown = true;
  private hovered = '';
  private readonly followed = new WeakSet<HTMLElement>();

  constructor(
    private readonly model: NotebookModel,
    private readonly edit: (cell: Cell, anchor: HTMLElement) => void
  ) {
    model.changed.connect(this.update, this);
  }

  show(isShown: boolean): void {
    this.isShown = isShown;
    this.update();
  }

  private get cells(): readonly Cell[] {
    return this.model.panel.content.widgets;
  }

  private update(): void {
    if (this.model.panel.isDisposed) {
      return;
    }
    for (const cell of this.cells) {
      const role = this.isShown && cell.model.type === 'code' ? this.model.roleOf(cell) : null;
      paint(cell.node, role, role ? this.model.standingOf(cell) : UNKNOWN, chip => this.edit(cell, chip));
      this.follow(cell);
    }
    this.highlight(this.hovered);
  }

  private follow(cell: Cell): void {
    if (this.followed.has(cell.node)) {
      return;
    }
    this.followed.add(cell.node);
    for (const [begin, end] of [
      ['mouseenter', 'mouseleave'],
      ['focusin', 'focusout']
    ]) {
      cell.node.addEventListener(begin, event => {
        if (begin === 'mouseenter' || isChip(event.target)) {
          this.highlight(cell.node.dataset.mlstackStep ?? '');
        }
      });
      cell.node.addEventListener(end, () => this.highlight(''));
    }
  }

  private highlight(name: string): void {
    if (name || this.hovered) {
      this.hovered = name;
      highlight(
        this.cells.map(cell => cell.node),
        name ? this.model.around(name) : null
      );
    }
  }
}

function isChip(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.classList.contains('jp-mlstack-Chip');
}
