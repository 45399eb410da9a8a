import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Kernel, Request, WidgetModel } from '../src/widget/kernel';
import { showIn } from '../src/widget/places';

class Model implements WidgetModel {
  sent: unknown[] = [];
  private readonly acts = new Map<string, Set<(content?: unknown) => void>>();

  constructor(readonly traits: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  on(event: string, act: (content?: unknown) => void): void {
    this.acts.set(event, (this.acts.get(event) ?? new Set()).add(act));
  }

  off(event: string, act?: (content?: unknown) => void): void {
    act && this.acts.get(event)?.delete(act);
  }

  tell(event: string, content?: unknown): void {
    this.acts.get(event)?.forEach(act => act(content));
  }

  get listeners(): number {
    return [...this.acts.values()].reduce((sum, acts) => sum + acts.size, 0);
  }
}

const SWITCH: Request = { do: 'activate', name: 'team' };

describe('Kernel', () => {
  it('waits until the answer to its request comes', () => {
    const model = new Model();
    const kernel = new Kernel(model);
    kernel.ask(SWITCH);
    expect(model.sent).toEqual([{ ...SWITCH, id: 1 }]);
    expect(kernel.waiting).toEqual(SWITCH);
    model.tell('change:stacks');
    expect(kernel.waiting).toEqual(SWITCH);
    model.tell('msg:custom', { id: 1 });
    expect([kernel.waiting, kernel.refused]).toEqual([null, null]);
  });

  it('keeps why something was refused until the next request', () => {
    const model = new Model();
    const kernel = new Kernel(model);
    kernel.ask(SWITCH);
    model.tell('msg:custom', { id: 1, problem: { what: 'No.', hint: 'Ask again.' } });
    expect(kernel.refused).toEqual({ what: 'No.', hint: 'Ask again.' });
    kernel.ask(SWITCH);
    expect(kernel.refused).toBeNull();
  });

  it('takes no answer for that to a later request', () => {
    const model = new Model();
    const kernel = new Kernel(model);
    kernel.ask(SWITCH);
    kernel.ask({ do: 'run' });
    model.tell('msg:custom', { id: 1, problem: { what: 'No.', hint: '' } });
    expect(kernel.waiting).toEqual({ do: 'run' });
    expect(kernel.refused).toBeNull();
  });

  it('waits for nothing any more when its kernel is gone, and is back with the first news', () => {
    const model = new Model();
    const kernel = new Kernel(model);
    kernel.ask(SWITCH);
    model.tell('comm_live_update');
    expect([kernel.isGone, kernel.waiting]).toEqual([true, null]);
    model.tell('change:states');
    expect(kernel.isGone).toBe(false);
  });

  it('tells who listens, and leaves the model alone afterwards', () => {
    const model = new Model();
    const kernel = new Kernel(model);
    const act = vi.fn();
    const leave = kernel.listen(act);
    model.tell('change:graph');
    expect(act).toHaveBeenCalledTimes(1);
    leave();
    model.tell('change:graph');
    expect(act).toHaveBeenCalledTimes(1);
    kernel.dispose();
    expect(model.listeners).toBe(0);
  });
});

describe('showIn', () => {
  const made: HTMLElement[] = [];
  const make = () => {
    const element = document.createElement('div');
    element.textContent = `view ${made.push(element)}`;
    return { element, dispose: vi.fn() };
  };
  const place = (): HTMLElement => {
    const host = document.createElement('div');
    host.className = 'here';
    host.textContent = 'picture';
    return host;
  };
  const settled = (): Promise<void> => new Promise(done => setTimeout(done, 60));

  beforeEach(() => {
    made.length = 0;
    vi.stubGlobal('MLSTACK_STYLE', '');
    vi.stubGlobal('CSSStyleSheet', class {
      replaceSync(): void {}
    });
  });

  afterEach(() => {
    document.body.replaceChildren();
    vi.unstubAllGlobals();
  });

  it('covers a place that comes later, and leaves what is in it', async () => {
    const leave = showIn('here', make);
    const host = place();
    document.body.append(host);
    await settled();
    expect(host.shadowRoot?.textContent).toBe('view 1');
    expect(host.textContent).toBe('picture');
    leave();
  });

  it('moves the view to the place that replaces another', async () => {
    const [first, second] = [place(), place()];
    document.body.append(first);
    const leave = showIn('here', make);
    first.replaceWith(second);
    await settled();
    expect(second.shadowRoot?.textContent).toBe('view 1');
    leave();
  });

  it('shows a view in each of two places', () => {
    const [first, second] = [place(), place()];
    document.body.append(first, second);
    const leave = showIn('here', make);
    expect([first, second].map(host => host.shadowRoot?.textContent)).toEqual(['view 1', 'view 2']);
    leave();
  });

  it('gives the places back', () => {
    const host = place();
    document.body.append(host);
    showIn('here', make)();
    expect(host.shadowRoot?.querySelector('slot')).not.toBeNull();
  });
});
