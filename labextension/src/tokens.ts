/** What the plugins give each other. */
import { Token } from '@lumino/coreutils';

import type { Api } from './api/client';
import type { Notebooks } from './models/notebooks';
import type { RunsModel } from './models/runs';
import type { StackModel } from './models/stack';

export const NAME = 'mlstack-nb';

export const IApi = new Token<Api>(`${NAME}:IApi`, 'Typed calls to the server part.');

export const IStackModel = new Token<StackModel>(`${NAME}:IStackModel`, 'The stacks, and which of them is active.');

export const IRunsModel = new Token<RunsModel>(`${NAME}:IRunsModel`, 'The runs that go on, and news of runs.');

export const INotebooks = new Token<Notebooks>(`${NAME}:INotebooks`, 'The steps of every open notebook.');
