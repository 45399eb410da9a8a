/** A notebook to begin a pipeline with in the launcher; run and export from the file browser. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';

import type { Api } from '../api/client';
import { ApiError } from '../api/errors';
import type { StackModel } from '../models/stack';
import { attempt } from '../panels/lab_actions';
import { showRunDialog } from '../panels/run_dialog';
import { IApi, IStackModel, NAME } from '../tokens';
import { pipelineIcon } from './panel';
import { pipelineNotebook } from './template';

const NEW = 'mlstack:new-notebook';
const RUN_FILE = 'mlstack:run-file';
const EXPORT_MODULE = 'mlstack:export-module';
const EXPORT_WORKFLOW = 'mlstack:export-workflow';
const PATH_ARGUMENT = {
  args: {
    type: 'object',
    properties: { path: { type: 'string', description: 'The notebook; else the one selected.' } }
  }
};

const plugin: JupyterFrontEndPlugin<void> = {
  id: `${NAME}:files`,
  description: 'Pipelines in the launcher and the file browser.',
  autoStart: true,
  requires: [IApi, IStackModel],
  optional: [ILauncher, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    api: Api,
    stacks: StackModel,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null
  ) => {
    addTemplate(app, browser);
    addFileCommands(app, api, stacks, browser);
    const kernelIconUrl = `data:image/svg+xml,${encodeURIComponent(pipelineIcon.svgstr)}`;
    launcher?.add({ command: NEW, category: 'Notebook', rank: 9, kernelIconUrl });
    palette?.addItem({ command: NEW, category: 'mlstack' });
  }
};

function addTemplate(app: JupyterFrontEnd, browser: IDefaultFileBrowser | null): void {
  app.commands.addCommand(NEW, {
    label: args => (args.isPalette ? 'New Pipeline Notebook' : 'Pipeline Notebook'),
    caption: 'A notebook with a parameter and three steps',
    icon: pipelineIcon,
    describedBy: { args: { type: 'object', properties: { cwd: { type: 'string' } } } },
    execute: args =>
      attempt(async () => {
        const { contents } = app.serviceManager;
        const folder = typeof args.cwd === 'string' ? args.cwd : (browser?.model.path ?? '');
        const made = await contents.newUntitled({ path: folder, type: 'notebook' });
        const name = made.name.replace(/\.ipynb$/, '');
        await contents.save(made.path, { type: 'notebook', format: 'json', content: pipelineNotebook(name) });
        await app.commands.execute('docmanager:open', { path: made.path });
      })
  });
}

function addFileCommands(
  app: JupyterFrontEnd,
  api: Api,
  stacks: StackModel,
  browser: IDefaultFileBrowser | null
): void {
  const pathOf = (args: { path?: unknown }): string | null => {
    if (typeof args.path === 'string') {
      return args.path;
    }
    const items = [...(browser?.selectedItems() ?? [])];
    return items.length === 1 && items[0].type === 'notebook' ? items[0].path : null;
  };
  const add = (id: string, label: string, use: (path: string) => Promise<void>): void => {
    app.commands.addCommand(id, {
      label,
      icon: pipelineIcon,
      describedBy: PATH_ARGUMENT,
      isEnabled: args => pathOf(args) !== null,
      isVisible: args => pathOf(args) !== null,
      execute: args => attempt(async () => use(pathOf(args) ?? ''))
    });
  };
  add(RUN_FILE, 'Run on Stack…', path => runFile(api, stacks, path));
  add(EXPORT_MODULE, 'Export Pipeline as Python Module', path => exportFile(app, api, path, 'module'));
  add(EXPORT_WORKFLOW, 'Export Pipeline as GitHub Workflow', path => exportFile(app, api, path, 'github'));
}

async function runFile(api: Api, stacks: StackModel, path: string): Promise<void> {
  const graph = await api.notebooks.pipeline(path);
  if (graph.error !== null) {
    throw new ApiError(graph.error.what, graph.error.hint, 0);
  }
  const begun = (run: string): void =>
    void Notification.info(`Run ${run} of ${graph.pipeline} has begun.`, { autoClose: 5000 });
  await showRunDialog({ api, path, graph, stacks: stacks.state, part: {}, begun });
}

async function exportFile(app: JupyterFrontEnd, api: Api, path: string, to: 'module' | 'github'): Promise<void> {
  const made = await api.notebooks.export(path, to);
  Notification.success(`Written: ${made.path}`, {
    autoClose: 8000,
    actions: [{ label: 'Open', callback: () => void app.commands.execute('docmanager:open', { path: made.path }) }]
  });
}

export default plugin;
