import { afterEach, describe, expect, it } from 'vitest';

import { ApiError, problemIn } from '../src/api/errors';
import { changeIn, SCHEMA } from '../src/api/events';
import type { Stacks } from '../src/api/types';
import { RunsModel } from '../src/models/runs';
import { StackModel } from '../src/models/stack';

const stacks = (active: string): Stacks => ({
  active,
  active_by: 'the workspace',
  workspace: '/here/.mlstack',
  stacks: ['local', 'team'].map(name => ({ name, active: name === active, components: {} }))
});

/** Answers as a server would, and counts. */
class Server {
  active = 'local';
  asked = 0;
  broken: ApiError | null = null;

  list = async (): Promise<Stacks> => {
    this.asked += 1;
    if (this.broken) {
      throw this.broken;
    }
    return stacks(this.active);
  };

  activate = async (name: string): Promise<Stacks> => {
    if (name === 'unknown') {
      throw new ApiError("There is no stack 'unknown'.", 'Choose another.', 404);
    }
    this.active = name;
    return stacks(name);
  };
}

let model: StackModel;

function started(server: Server): { model: StackModel; changes: string[] } {
  model = new StackModel(server);
  const changes: string[] = [];
  model.changed.connect(() => changes.push(model.error?.what ?? model.active));
  return { model, changes };
}

afterEach(() => model?.dispose());

describe('the stacks', () => {
  it('are read once asked for, and told when they differ', async () => {
    const { model, changes } = started(new Server());
    await model.refresh();
    await model.refresh();
    expect(changes).toEqual(['local']);
  });

  it('follow an event without asking, when the stack is known', async () => {
    const server = new Server();
    const { model, changes } = started(server);
    await model.refresh();
    model.heard({ what: 'active_stack', active: 'team' });
    expect([model.active, model.state?.stacks[1].active, server.asked]).toEqual(['team', true, 1]);
    model.heard({ what: 'active_stack', active: 'team' });
    expect(changes).toEqual(['local', 'team']);
  });

  it('do not follow what happens in another workspace', async () => {
    const { model } = started(new Server());
    await model.refresh();
    model.heard({ what: 'active_stack', active: 'team', workspace: '/elsewhere/.mlstack' });
    expect(model.active).toBe('local');
    model.heard({ what: 'active_stack', active: 'team', workspace: '/here/.mlstack' });
    expect(model.active).toBe('team');
  });

  it('are known to be out of date while the server does not answer', async () => {
    const server = new Server();
    const { model } = started(server);
    const answers: boolean[] = [];
    model.answered.connect((_, wasLost) => answers.push(wasLost));
    await model.refresh();
    server.broken = ApiError.unreachable();
    await model.refresh();
    expect([model.isConnected, model.active]).toEqual([false, 'local']);
    server.broken = null;
    await model.refresh();
    expect(model.isConnected).toBe(true);
    expect(answers).toEqual([false, true]);
  });

  it('are asked for again when an event names one that is new', async () => {
    const server = new Server();
    const { model } = started(server);
    await model.refresh();
    server.active = 'newest';
    model.heard({ what: 'active_stack', active: 'newest' });
    await model.refresh();
    expect(model.active).toBe('newest');
  });

  it('stay as they were when a switch fails', async () => {
    const { model } = started(new Server());
    await model.refresh();
    await expect(model.activate('unknown')).rejects.toThrow("There is no stack 'unknown'.");
    expect([model.active, model.error]).toEqual(['local', null]);
  });

  it('keep the last answer when the server goes away, and say so once', async () => {
    const server = new Server();
    const { model, changes } = started(server);
    await model.refresh();
    server.broken = ApiError.unreachable();
    await model.refresh();
    await model.refresh();
    expect(model.active).toBe('local');
    expect(changes).toEqual(['local', 'The Jupyter server does not answer.']);
    server.broken = null;
    await model.refresh();
    expect([changes.at(-1), model.error]).toEqual(['local', null]);
  });
});

describe('an error of the server', () => {
  it('has what and hint', () => {
    const error = problemIn(400, '{"what": "No cron.", "hint": "Write one."}');
    expect([error.what, error.hint, error.status, error.isMissing]).toEqual(['No cron.', 'Write one.', 400, false]);
  });

  it('tells a missing server part from a missing thing', () => {
    expect(problemIn(404, '<html>404</html>').isMissing).toBe(true);
    expect(problemIn(404, '{"what": "No such run.", "hint": ""}').isMissing).toBe(false);
    expect(problemIn(500, '{"message": "boom"}').message).toContain('500: boom');
    expect(problemIn(403, '').what).toContain('does not let you');
  });
});

describe('events', () => {
  it('are read when they are ours and whole', () => {
    expect(changeIn({ schema_id: SCHEMA, what: 'active_stack', active: 'team' })).toEqual({
      what: 'active_stack', active: 'team'
    });
    expect(changeIn({ schema_id: SCHEMA, what: 'runs', run: 'r1', state: 'weird' })).toEqual({
      what: 'runs', run: 'r1', state: 'pending'
    });
    expect(changeIn({ schema_id: 'https://other', what: 'active_stack', active: 'x' })).toBeNull();
    expect(changeIn({ schema_id: SCHEMA, what: 'active_stack', active: 7 })).toBeNull();
  });
});

/** Runs of the workspace `/here`. */
class RunServer {
  going: string[] = [];
  ongoing = async (): Promise<string[]> => this.going;
  isHere = (workspace: string): boolean => workspace === '/here';
}

describe('the runs that go on', () => {
  const followed = (server = new RunServer()): { runs: RunsModel; seen: string[] } => {
    const runs = new RunsModel(server);
    const seen: string[] = [];
    runs.changed.connect((_, news) => seen.push(`${news.run} ${news.isOver ? 'is over' : 'goes on'}`));
    return { runs, seen };
  };

  it('begin and end by events', () => {
    const { runs, seen } = followed();
    runs.heard({ what: 'runs', run: 'a', state: 'running' });
    runs.heard({ what: 'runs', run: 'b', state: 'running' });
    runs.heard({ what: 'runs', run: 'a', state: 'failed' });
    runs.heard({ what: 'active_stack', active: 'x' });
    expect([...runs.ongoing]).toEqual(['b']);
    expect(seen).toEqual(['a goes on', 'b goes on', 'a is over']);
  });

  it('are asked for, and those are over that no event told the end of', async () => {
    const server = new RunServer();
    const { runs, seen } = followed(server);
    server.going = ['a', 'b'];
    await runs.refresh();
    server.going = ['b', 'c'];
    await runs.refresh();
    expect([...runs.ongoing]).toEqual(['b', 'c']);
    expect(seen).toEqual(['a goes on', 'b goes on', 'c goes on', 'a is over']);
  });

  it('stay what an event says that came before an older answer', async () => {
    const server = new RunServer();
    const { runs } = followed(server);
    server.going = ['a'];
    const asked = runs.refresh();
    server.going = [];
    runs.heard({ what: 'runs', run: 'a', state: 'completed' });
    await asked;
    expect([...runs.ongoing]).toEqual([]);
  });

  it('stay what they were when the server does not answer', async () => {
    const server = new RunServer();
    const { runs } = followed(server);
    runs.heard({ what: 'runs', run: 'a', state: 'running' });
    server.ongoing = () => Promise.reject(ApiError.unreachable());
    await runs.refresh();
    expect([...runs.ongoing]).toEqual(['a']);
  });

  it('are those of this workspace', () => {
    const { runs, seen } = followed();
    runs.heard({ what: 'runs', run: 'a', state: 'running', workspace: '/elsewhere' });
    runs.heard({ what: 'runs', run: 'b', state: 'running', workspace: '/here' });
    expect([...runs.ongoing]).toEqual(['b']);
    expect(seen).toHaveLength(2);
  });
});
