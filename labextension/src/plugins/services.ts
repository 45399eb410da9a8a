/** What the other plugins share: the calls, the stacks, the runs, the open notebooks. Nothing of it is visible. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { Api } from '../api/client';
import { follow } from '../api/events';
import { Notebooks } from '../models/notebooks';
import { RunsModel } from '../models/runs';
import { StackModel } from '../models/stack';
import { IApi, INotebooks, IRunsModel, IStackModel, NAME } from '../tokens';

/** Of runs that go on at once. */
const MOST = 100;

const api: JupyterFrontEndPlugin<Api> = {
  id: `${NAME}:api`,
  description: 'Typed calls to the server part of mlstack-nb.',
  autoStart: true,
  provides: IApi,
  activate: (app: JupyterFrontEnd) => new Api(app.serviceManager.serverSettings)
};

const stacks: JupyterFrontEndPlugin<StackModel> = {
  id: `${NAME}:stacks`,
  description: 'The stacks, and which of them is active.',
  autoStart: true,
  requires: [IApi],
  provides: IStackModel,
  activate: (app: JupyterFrontEnd, calls: Api) => {
    const model = new StackModel(calls.stacks);
    follow(app.serviceManager.events, change => model.heard(change));
    app.serviceManager.connectionFailure.connect(() => model.isConnected && void model.refresh());
    void app.restored.then(() => model.refresh());
    return model;
  }
};

const runs: JupyterFrontEndPlugin<RunsModel> = {
  id: `${NAME}:runs`,
  description: 'The runs that go on.',
  autoStart: true,
  requires: [IApi, IStackModel],
  provides: IRunsModel,
  activate: (app: JupyterFrontEnd, calls: Api, stack: StackModel) => {
    const model = new RunsModel({
      ongoing: async () => {
        const found = await Promise.all(['pending', 'running'].map(state => calls.runs.list({ state, limit: MOST })));
        return found.flat().map(run => String(run.id));
      },
      isHere: workspace => !stack.state?.workspace || workspace === stack.state.workspace
    });
    follow(app.serviceManager.events, change => model.heard(change));
    stack.answered.connect(() => void model.refresh());
    return model;
  }
};

const notebooks: JupyterFrontEndPlugin<Notebooks> = {
  id: `${NAME}:notebooks`,
  description: 'The steps of every open notebook.',
  autoStart: true,
  requires: [INotebookTracker, IApi, IStackModel, IRunsModel],
  provides: INotebooks,
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker, calls: Api, stack: StackModel, going: RunsModel) => {
    const model = new Notebooks(tracker, async path => {
      if (stack.error?.isMissing) {
        throw stack.error;
      }
      return calls.notebooks.pipeline(path);
    });
    calls.notebook = () => model.current?.path ?? '';
    model.currentChanged.connect(() => void stack.refresh());
    going.changed.connect(() => model.refresh());
    stack.changed.connect(() => model.refresh());
    return model;
  }
};

export default [api, stacks, runs, notebooks];
