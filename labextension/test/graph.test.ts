import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { GraphHandle, renderGraph } from '../src/components/graph';
import type { GraphData } from '../src/components/graph_data';

const GRAPH: GraphData = {
  nodes: [
    {
      name: 'load',
      state: 'completed',
      duration_s: 2,
      outputs: [{ name: 'table', type: 'pandas.DataFrame', size_bytes: 155194 }]
    },
    { name: 'train', state: 'cached', saved_s: 16.7, stale: true, outputs: [{ name: 'model' }] },
    { name: 'report', state: 'pending', outputs: [] }
  ],
  edges: [
    { source: 'load', target: 'train', outputs: ['table'] },
    { source: 'train', target: 'report', outputs: ['model'] }
  ]
};

let host: HTMLElement;
let handle: GraphHandle | null = null;

beforeEach(() => {
  host = document.body.appendChild(document.createElement('div'));
});

afterEach(() => {
  handle?.dispose();
  host.remove();
});

function node(name: string): SVGGElement {
  return [...host.querySelectorAll<SVGGElement>('.mlstack-node')].find(one => one.dataset.name === name)!;
}

function press(target: Element, key: string): void {
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
}

function names(): string[] {
  return [...host.querySelectorAll<SVGGElement>('.mlstack-node')].map(one => one.dataset.name!);
}

describe('a graph', () => {
  it('shows each step with its name and its state in words', async () => {
    handle = await renderGraph(host, GRAPH);
    expect(node('load').querySelector('.mlstack-node-words')!.textContent).toBe('completed · 2.0 s');
    expect(node('train').querySelector('.mlstack-node-words')!.textContent).toBe('cached · stale');
    expect(node('report').querySelector('.mlstack-node-name')!.textContent).toBe('report');
  });

  it('tells a screen reader the step, its state and what it makes', async () => {
    handle = await renderGraph(host, GRAPH);
    expect(node('train').getAttribute('aria-label')).toBe('step train, cached, stale, makes model');
  });

  it('draws an edge between what is there, and none to what is not', async () => {
    const edges = [...GRAPH.edges, { source: 'gone', target: 'report' }];
    handle = await renderGraph(host, { ...GRAPH, edges });
    expect(host.querySelectorAll('.mlstack-edge')).toHaveLength(2);
  });

  it('shows other states without another layout', async () => {
    handle = await renderGraph(host, GRAPH);
    const before = node('report');
    handle.update({ report: { state: 'failed', duration_s: 1 } });
    expect(node('report')).toBe(before);
    expect(before.dataset.state).toBe('failed');
    expect(before.getAttribute('aria-label')).toContain('failed');
  });

  it('shows a state it does not know as not run', async () => {
    handle = await renderGraph(host, { nodes: [{ name: 'a', state: 'exploded' }], edges: [] });
    expect(node('a').dataset.state).toBe('pending');
  });

  it('says which step was clicked, and which output', async () => {
    const [onSelect, onOutput] = [vi.fn(), vi.fn()];
    handle = await renderGraph(host, GRAPH, { onSelect, onOutput });
    node('train').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    node('load')
      .querySelector('.mlstack-output')!
      .dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(onSelect.mock.calls).toEqual([['train']]);
    expect(onOutput.mock.calls).toEqual([['load', 'table']]);
  });

  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '\u202eevil',
    '🦊'.repeat(300),
    'x'.repeat(500)
  ])('takes %j as text', async name => {
    handle = await renderGraph(host, { nodes: [{ name, state: 'failed', outputs: [{ name }] }], edges: [] });
    expect(host.querySelector('script, img')).toBeNull();
    expect([...node(name).querySelector('.mlstack-node-name')!.textContent!].length).toBeLessThanOrEqual(30);
    expect(host.textContent).not.toContain('\u202e');
  });
});

describe('keys', () => {
  it('go in with Enter and along the edges with arrows', async () => {
    handle = await renderGraph(host, GRAPH);
    const canvas = host.querySelector('.mlstack-graph-canvas')!;
    press(canvas, 'Enter');
    expect(document.activeElement).toBe(node('load'));
    press(node('load'), 'ArrowDown');
    expect(document.activeElement).toBe(node('train'));
    press(node('train'), 'ArrowUp');
    expect(document.activeElement).toBe(node('load'));
  });

  it('select the step that has the focus', async () => {
    const onSelect = vi.fn();
    handle = await renderGraph(host, GRAPH, { onSelect });
    press(node('report'), 'Enter');
    expect(onSelect).toHaveBeenCalledWith('report');
  });

  it('leave keys of others alone', async () => {
    handle = await renderGraph(host, GRAPH);
    const event = new KeyboardEvent('keydown', { key: 'x', bubbles: true, cancelable: true });
    host.querySelector('.mlstack-graph-canvas')!.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });
});

describe('search', () => {
  function search(text: string): void {
    const field = host.querySelector('input')!;
    field.value = text;
    field.dispatchEvent(new Event('input'));
  }

  it('finds steps by name and by output, and counts them', async () => {
    handle = await renderGraph(host, GRAPH);
    search('MODEL');
    expect(node('train').classList.contains('mlstack-mod-match')).toBe(true);
    expect(host.querySelector('.mlstack-graph-found')!.textContent).toBe('1 of 1');
  });

  it('says when there is none', async () => {
    handle = await renderGraph(host, GRAPH);
    search('nowhere');
    expect(host.querySelector('.mlstack-graph-found')!.textContent).toBe('none');
  });

  it('goes to the next with Enter', async () => {
    handle = await renderGraph(host, GRAPH);
    search('r');
    press(host.querySelector('input')!, 'Enter');
    expect(host.querySelector('.mlstack-graph-found')!.textContent).toBe('2 of 2');
  });
});

describe('folding', () => {
  it('hides what only leads to a step, and shows it again', async () => {
    handle = await renderGraph(host, GRAPH);
    press(node('train'), 'f');
    await vi.waitFor(() => expect(names()).toEqual(['train', 'report']));
    expect(node('train').querySelector('.mlstack-node-words')!.textContent).toBe('cached · with 1 step before it');
    press(node('train'), 'f');
    await vi.waitFor(() => expect(names()).toEqual(['load', 'train', 'report']));
  });

  it('hides finished steps by the button', async () => {
    const nodes = GRAPH.nodes.map(one => ({ ...one, stale: false }));
    handle = await renderGraph(host, { ...GRAPH, nodes });
    const button = host.querySelector<HTMLButtonElement>('button[aria-pressed]')!;
    button.click();
    await vi.waitFor(() => expect(names()).toEqual(['train', 'report']));
    expect(button.getAttribute('aria-pressed')).toBe('true');
  });
});

describe('dispose', () => {
  it('leaves what another graph has drawn into the same place', async () => {
    const first = await renderGraph(host, GRAPH);
    handle = await renderGraph(host, GRAPH);
    first.dispose();
    expect(names()).toHaveLength(3);
  });
});
