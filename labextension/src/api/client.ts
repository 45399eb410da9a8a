/** Typed calls to the server part. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, problemIn } from './errors';
import type * as wire from './types';

const BASE = 'mlstack-nb';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Query = Record<string, string | number | boolean | undefined>;

/** Every call rejects with an ApiError. */
export class Api {
  /** The notebook whose workspace is meant, from the server's root; empty for the workspace of the root. */
  notebook: () => string = () => '';

  constructor(private readonly settings = ServerConnection.makeSettings()) {}

  readonly stacks = {
    list: () => this.get<wire.Stacks>('stacks'),
    show: (name: string) => this.get<wire.Stack>(`stacks/${part(name)}`),
    create: (name: string, components: Record<string, string>) =>
      this.send<wire.Stack>('POST', 'stacks', { name, components }),
    update: (name: string, components: Record<string, string>, remove: string[] = []) =>
      this.send<wire.Stack>('PATCH', `stacks/${part(name)}`, { components, remove }),
    remove: (name: string) => this.send<unknown>('DELETE', `stacks/${part(name)}`),
    activate: (name: string) => this.send<wire.Stacks>('PUT', 'active-stack', { name }),
    health: () => this.get<wire.Health>('health')
  };

  readonly components = {
    flavors: () => this.get<wire.Flavor[]>('flavors'),
    list: () => this.get<wire.Component[]>('components'),
    create: (component: wire.Component) =>
      this.send<wire.Component>('POST', 'components', component as unknown as wire.Json),
    update: (kind: string, name: string, configuration: Record<string, wire.Json>, remove: string[] = []) =>
      this.send<wire.Component>('PATCH', `components/${part(kind)}/${part(name)}`, { configuration, remove }),
    remove: (kind: string, name: string) => this.send<unknown>('DELETE', `components/${part(kind)}/${part(name)}`)
  };

  readonly notebooks = {
    pipeline: (path: string) => this.get<wire.Graph>(`notebooks/${parts(path)}/pipeline`),
    lint: (path: string) => this.get<wire.Finding[]>(`notebooks/${parts(path)}/lint`),
    export: (path: string, to: 'module' | 'github') =>
      this.send<{ path: string }>('POST', `notebooks/${parts(path)}/export`, { to })
  };

  readonly runs = {
    list: (filter: { pipeline?: string; stack?: string; state?: string; limit?: number } = {}) =>
      this.get<wire.Row[]>('runs', filter),
    start: (request: wire.RunRequest) =>
      this.send<{ id: string }>('POST', 'runs', request as unknown as wire.Json),
    show: (id: string) => this.get<wire.Row>(`runs/${part(id)}`),
    cancel: (id: string) => this.send<wire.Row>('POST', `runs/${part(id)}/cancel`),
    resume: (id: string) => this.send<{ id: string }>('POST', `runs/${part(id)}/resume`),
    log: (id: string, step: string) => this.get<{ text: string }>(`runs/${part(id)}/steps/${part(step)}/log`),
    debug: (id: string, step: string) =>
      this.send<{ path: string }>('POST', `runs/${part(id)}/steps/${part(step)}/debug`),
    notebook: (id: string, step: string) => this.get<wire.Row>(`runs/${part(id)}/steps/${part(step)}/notebook`),
    diff: (one: string, other: string) => this.get<wire.Row>(`runs/${part(one)}/diff/${part(other)}`)
  };

  readonly artifacts = {
    list: (pipeline?: string) => this.get<wire.Row[]>('artifacts', { pipeline }),
    show: (name: string, version?: string) => this.get<wire.Row>(`artifacts/${part(name)}`, { version })
  };

  readonly schedules = {
    list: () => this.get<wire.Row[]>('schedules'),
    create: (request: wire.ScheduleRequest) =>
      this.send<wire.Row>('POST', 'schedules', request as unknown as wire.Json),
    preview: (when: { cron?: string; every?: string; tz?: string }) =>
      this.get<wire.SchedulePreview>('schedules/preview', when),
    remove: (name: string) => this.send<unknown>('DELETE', `schedules/${part(name)}`),
    pause: (name: string) => this.send<wire.Row>('POST', `schedules/${part(name)}/pause`),
    resume: (name: string) => this.send<wire.Row>('POST', `schedules/${part(name)}/resume`),
    trigger: (name: string) => this.send<wire.Row>('POST', `schedules/${part(name)}/trigger`)
  };

  private get<T>(path: string, query: Query = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
    return this.send<T>('GET', text ? `${path}?${text}` : path);
  }

  private async send<T>(method: Method, path: string, body?: wire.Json): Promise<T> {
    const notebook = path.startsWith('notebooks/') ? '' : this.notebook(); // their address says it
    const query = notebook ? `${path.includes('?') ? '&' : '?'}notebook=${part(notebook)}` : '';
    const url = URLExt.join(this.settings.baseUrl, BASE, path) + query;
    // Not JupyterLab's `no-store`, which puts a number into the query.
    const init: RequestInit = { method, cache: 'no-cache', ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }) };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw ApiError.unreachable();
    }
    const text = await response.text();
    if (!response.ok) {
      throw problemIn(response.status, text);
    }
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

function part(name: string): string {
  return encodeURIComponent(name);
}

function parts(path: string): string {
  return path.split('/').map(part).join('/');
}
