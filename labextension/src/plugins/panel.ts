/** The panel on the right side, with its commands. */
import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { LabIcon } from '@jupyterlab/ui-components';

import type { Api } from '../api/client';
import type { Notebooks } from '../models/notebooks';
import type { RunsModel } from '../models/runs';
import type { StackModel } from '../models/stack';
import { LabActions } from '../panels/lab_actions';
import { Panel } from '../panels/panel';
import { PanelModel } from '../panels/panel_model';
import { IApi, INotebooks, IRunsModel, IStackModel, NAME } from '../tokens';

const SHOW = 'mlstack:show-panel';
const RUN = 'mlstack:run-pipeline';
const SCHEDULE = 'mlstack:schedule-pipeline';
const COMPONENT = 'mlstack:new-component';
const CATEGORY = 'mlstack';
const NO_ARGUMENTS = { args: { type: 'object', properties: {} } };

export const pipelineIcon = new LabIcon({
  name: `${NAME}:pipeline`,
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16">
    <g class="jp-icon3" fill="#616161"><rect x="1" y="1.5" width="6" height="4" rx="1.2"/>
    <rect x="9" y="6" width="6" height="4" rx="1.2"/><rect x="1" y="10.5" width="6" height="4" rx="1.2"/>
    <path d="M7 3h2.5a1.5 1.5 0 0 1 1.5 1.5V6H10V4.5a.5.5 0 0 0-.5-.5H7zM7 12h2.5a.5.5 0 0 0 .5-.5V10h1v1.5A1.5 1.5 0 0 1 9.5 13H7z"/></g></svg>`
});

const plugin: JupyterFrontEndPlugin<void> = {
  id: `${NAME}:panel`,
  description: 'A side panel with the pipeline of the current notebook, its runs, schedules and the stack.',
  autoStart: true,
  requires: [IApi, IStackModel, IRunsModel, INotebooks],
  optional: [ILayoutRestorer, ICommandPalette, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    api: Api,
    stacks: StackModel,
    runs: RunsModel,
    notebooks: Notebooks,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    shell: ILabShell | null
  ) => {
    const model = new PanelModel(api, stacks, runs, notebooks);
    const actions = new LabActions(app, model);
    const panel = new Panel(model, actions);
    panel.title.icon = pipelineIcon;
    panel.title.caption = 'Pipeline, runs and stack (mlstack)';
    app.shell.add(panel, 'right', { rank: 850, type: 'mlstack' });
    restorer?.add(panel, panel.id);
    addCommands(app, panel, actions, notebooks, shell);
    [SHOW, RUN, SCHEDULE, COMPONENT].forEach(command => palette?.addItem({ command, category: CATEGORY }));
  }
};

function addCommands(
  app: JupyterFrontEnd,
  panel: Panel,
  actions: LabActions,
  notebooks: Notebooks,
  shell: ILabShell | null
): void {
  const hasNotebook = (): boolean => notebooks.current !== null;
  notebooks.currentChanged.connect(() => [RUN, SCHEDULE].forEach(id => app.commands.notifyCommandChanged(id)));
  app.commands.addCommand(SHOW, {
    label: 'Show Pipeline',
    caption: 'Show the pipeline of this notebook at the side',
    icon: pipelineIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => {
      const side: { collapseRight?: () => void } = app.shell as JupyterFrontEnd.IShell & ILabShell; // Notebook has it, too
      if (panel.isVisible && !shell?.rightCollapsed && side.collapseRight) {
        side.collapseRight();
      } else {
        app.shell.activateById(panel.id);
      }
    }
  });
  app.commands.addCommand(RUN, {
    label: 'Run Pipeline…',
    caption: 'Run the pipeline of this notebook, with parameters, on a stack',
    describedBy: { args: { type: 'object', properties: { first: { type: 'string' }, only: { type: 'string' } } } },
    isEnabled: hasNotebook,
    execute: args => {
      const part = (name: 'first' | 'only'): string | undefined =>
        typeof args[name] === 'string' ? (args[name] as string) : undefined;
      actions.run({ first: part('first'), only: part('only') });
    }
  });
  app.commands.addCommand(SCHEDULE, {
    label: 'Schedule Pipeline…',
    describedBy: NO_ARGUMENTS,
    isEnabled: hasNotebook,
    execute: () => actions.schedule(() => undefined)
  });
  app.commands.addCommand(COMPONENT, {
    label: 'New Stack Component…',
    describedBy: NO_ARGUMENTS,
    execute: () => actions.newComponent(() => undefined)
  });
}

export default plugin;
