/** Marks on the cells that are steps, controls to make them so, and running tagged cells as steps. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry, Notification } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Widget } from '@lumino/widgets';

import { change, KINDS, nameFor, objection } from '../cells/change';
import { RoleEditor } from '../cells/editor';
import { CellMarks } from '../cells/marks';
import { RoleSelect } from '../cells/select';
import { runTagged } from '../cells/tagged';
import type { NotebookModel } from '../models/notebook';
import type { Notebooks } from '../models/notebooks';
import type { Kind } from '../models/roles';
import { INotebooks, NAME } from '../tokens';

const ID = `${NAME}:cells`;
const SET = 'mlstack:set-cell';
const CATEGORY = 'mlstack';

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows and changes what the cells of a notebook are in its pipeline.',
  autoStart: true,
  requires: [INotebookTracker, INotebooks],
  optional: [IToolbarWidgetRegistry, ICommandPalette, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    notebooks: Notebooks,
    toolbars: IToolbarWidgetRegistry | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null
  ) => {
    const editor = new RoleEditor();
    const edit = (model: NotebookModel, cell: Cell, anchor: HTMLElement): void => {
      if (isWritable(model)) {
        activate(model, cell);
        editor.show(model, cell, anchor);
      }
    };
    const marks: CellMarks[] = [];
    let isMarked = true;
    notebooks.forEach(model => {
      const made = new CellMarks(model, (cell, anchor) => edit(model, cell, anchor));
      made.show(isMarked);
      marks.push(made);
      model.panel.disposed.connect(() => marks.splice(marks.indexOf(made), 1));
      runTagged(model);
    });
    toolbars?.addFactory('Cell', 'mlstack-role', (widget: Widget) => {
      const cell = widget as Cell;
      const model = modelOf(cell, tracker, notebooks);
      return model && cell.model.type === 'code'
        ? new RoleSelect(cell, model, named => edit(model, named, chipOf(named)))
        : new Widget();
    });
    addCommands(app, tracker, notebooks, edit);
    KINDS.forEach(({ kind }) => palette?.addItem({ command: SET, category: CATEGORY, args: { kind, isPalette: true } }));
    palette?.addItem({ command: SET, category: CATEGORY });
    void settings?.load(ID).then(loaded => {
      const apply = (): void => {
        isMarked = loaded.get('marks').composite !== false;
        marks.forEach(one => one.show(isMarked));
      };
      loaded.changed.connect(apply);
      apply();
    });
  }
};

type Edit = (model: NotebookModel, cell: Cell, anchor: HTMLElement) => void;

function addCommands(app: JupyterFrontEnd, tracker: INotebookTracker, notebooks: Notebooks, edit: Edit): void {
  app.commands.addCommand(SET, {
    label: args => {
      const known = KINDS.find(one => one.kind === args.kind);
      return known ? (known.kind ? `Cell Is: ${known.label}` : 'Cell Has No Role') : 'Role of Cell…';
    },
    caption: args => KINDS.find(one => one.kind === args.kind)?.caption ?? 'Make the cell a step, parameters, or skip it',
    isEnabled: () => tracker.activeCell?.model.type === 'code',
    describedBy: {
      args: {
        type: 'object',
        properties: {
          kind: { type: 'string', enum: KINDS.map(one => one.kind) },
          name: { type: 'string', description: 'The name of the step' }
        }
      }
    },
    execute: args => {
      const model = notebooks.current;
      const active = tracker.activeCell;
      if (!model || !active || !isWritable(model)) {
        return;
      }
      const isKnown = KINDS.some(one => one.kind === args.kind);
      if (!isKnown || (args.kind === 'step' && args.isPalette)) {
        edit(model, active, chipOf(active));
        return;
      }
      const cells = model.panel.content.widgets.filter(
        cell => cell.model.type === 'code' && (cell === active || model.panel.content.isSelected(cell))
      );
      set(model, cells, args.kind as Kind, typeof args.name === 'string' ? args.name : nameFor(model, cells[0]));
    }
  });
}

function set(model: NotebookModel, cells: Cell[], kind: Kind, name: string): void {
  const wrong = kind === 'step' ? objection(model, cells, name) : '';
  if (wrong) {
    Notification.error(wrong, { autoClose: 8000 });
  } else {
    change(model, cells, kind, name);
  }
}

function isWritable(model: NotebookModel): boolean {
  if (model.isReadOnly) {
    Notification.warning('This notebook can not be changed: it is read-only.', { autoClose: 5000 });
    return false;
  }
  return true;
}

function activate(model: NotebookModel, cell: Cell): void {
  const { content } = model.panel;
  content.activeCellIndex = content.widgets.indexOf(cell);
}

/** Where the editor is to open: at the chip, or at the top of a cell that has none. */
function chipOf(cell: Cell): HTMLElement {
  const { node } = cell;
  return node.querySelector<HTMLElement>('.jp-mlstack-Chip') ?? node.querySelector<HTMLElement>('.jp-InputArea') ?? node;
}

function modelOf(cell: Cell, tracker: INotebookTracker, notebooks: Notebooks): NotebookModel | null {
  const panel = tracker.find((one: NotebookPanel) => one.content.widgets.includes(cell) || one.content.node.contains(cell.node));
  return panel ? notebooks.of(panel) : null;
}

export default plugin;
