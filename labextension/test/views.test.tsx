import React, { act } from 'react';
import { createRoot, Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ArtifactRecord, RunSummary } from '../src/api/records';
import { ArtifactView, pretty } from '../src/components/artifact_view';
import { readable } from '../src/components/log_view';
import { tableIn } from '../src/components/preview_table';
import { countsOf, RunList } from '../src/components/run_list';
import { DifferencesView } from '../src/components/run_view';
import { overall } from '../src/components/stack_table';
import { pipelineNotebook } from '../src/plugins/template';

let host: HTMLElement;
let root: Root;

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  host = document.body.appendChild(document.createElement('div'));
  root = createRoot(host);
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

const nothing = () => undefined;
const USE = { run: 'r1', pipeline: 'p', step: 'load' };

function artifact(changes: Partial<ArtifactRecord>): ArtifactRecord {
  return {
    name: 'p::load::table',
    version: 2,
    type: 'pandas.DataFrame',
    kind: 'DataArtifact',
    size_bytes: 1000,
    digest: 'c4cd5835f692967f',
    created_at: '2026-11-21T08:00:00Z',
    inline: null,
    metadata: {},
    preview: null,
    made_by: USE,
    read_by: [],
    versions: [
      { version: 2, created_at: '2026-11-21T08:00:00Z' },
      { version: 1, created_at: '2026-11-20T08:00:00Z' }
    ],
    ...changes
  };
}

function draw(changes: Partial<ArtifactRecord>, onVersion: (version: number) => void = nothing): void {
  act(() =>
    root.render(<ArtifactView artifact={artifact(changes)} onVersion={onVersion} onRun={nothing} onStep={nothing} />)
  );
}

describe('ArtifactView', () => {
  it('shows the head of a table', () => {
    draw({ preview: { 'text/html': '<table><caption>c</caption><tr><th>a</th></tr><tr><td>1</td></tr></table>' } });
    expect(host.querySelector('.mlstack-data th')!.textContent).toBe('a');
    expect(host.querySelector('.mlstack-data td')!.textContent).toBe('1');
  });

  it('takes nothing but text from HTML', () => {
    draw({
      preview: {
        'text/html': '<table><tr><td><img src=x onerror=alert(1)><script>alert(1)</script>v</td></tr></table>'
      }
    });
    expect(host.querySelector('.mlstack-artifact img, .mlstack-artifact script')).toBeNull();
  });

  it('shows no picture that is not one', () => {
    draw({ preview: { 'image/png': '" onload="alert(1)', 'text/plain': 'Figure' } });
    expect(host.querySelector('img')).toBeNull();
    expect(host.querySelector('.mlstack-preview')!.textContent).toBe('Figure');
  });

  it('shows small values as indented JSON', () => {
    draw({ inline: '{"auc":0.99}' });
    expect(host.querySelector('.mlstack-preview')!.textContent).toBe('{\n  "auc": 0.99\n}');
  });

  it('opens another version', () => {
    const onVersion = vi.fn();
    draw({}, onVersion);
    const select = host.querySelector('select')!;
    act(() => {
      select.value = '1';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    });
    expect(onVersion).toHaveBeenCalledWith(1);
  });

  it('names each step that reads it once', () => {
    draw({
      read_by: [
        { ...USE, step: 'train', run: 'r2' },
        { ...USE, step: 'train', run: 'r1' }
      ]
    });
    expect(host.querySelectorAll('.mlstack-readers li')).toHaveLength(1);
  });
});

describe('pretty', () => {
  it('leaves what is no JSON as it is', () => {
    expect(pretty('plain')).toBe('plain');
  });
});

describe('tableIn', () => {
  it('finds none in other HTML', () => {
    expect(tableIn('<p>text</p>')).toBeNull();
  });

  it('is cut where it gets too long', () => {
    const found = tableIn(`<table>${'<tr><td>1</td></tr>'.repeat(500)}</table>`)!;
    expect(found.rows.length).toBe(50);
  });
});

describe('readable', () => {
  it('has no colour codes and only the last of lines that were written over', () => {
    expect(readable('\u001b[31mred\u001b[0m\n10%\r50%\r100%\r\nend').text).toBe('red\n100%\nend');
  });

  it('is the end of a huge log', () => {
    const { text, hidden } = readable(`${'x'.repeat(300_000)}end`);
    expect([text.length, hidden, text.endsWith('end')]).toEqual([200_000, 100_003, true]);
  });
});

describe('RunList', () => {
  const run = (id: string): RunSummary => ({
    id,
    pipeline: 'p',
    stack: 'local',
    mode: 'pipeline',
    state: 'completed',
    started_at: '2026-11-21T08:00:00Z',
    ended_at: null,
    duration_s: 1,
    step_counts: { completed: 2, failed: 1 }
  });

  it('compares the two that are marked, the older one first', () => {
    const onCompare = vi.fn();
    act(() =>
      root.render(<RunList runs={[run('new'), run('mid'), run('old')]} onOpen={nothing} onCompare={onCompare} />)
    );
    const [first, , last] = host.querySelectorAll<HTMLInputElement>('input[type=checkbox]');
    act(() => first.click());
    act(() => last.click());
    act(() => host.querySelector<HTMLButtonElement>('.mlstack-action')!.click());
    expect(onCompare.mock.calls).toEqual([['old', 'new']]);
  });

  it('does not compare one', () => {
    const onCompare = vi.fn();
    act(() => root.render(<RunList runs={[run('only')]} onOpen={nothing} onCompare={onCompare} />));
    act(() => host.querySelector<HTMLButtonElement>('.mlstack-action')!.click());
    expect(onCompare).not.toHaveBeenCalled();
  });

  it('counts steps by their ends', () => {
    expect(countsOf(run('a'))).toBe('2 completed, 1 failed');
    expect(countsOf({ step_counts: {} })).toBe('no steps');
  });
});

describe('DifferencesView', () => {
  it('shows what differs by step, and names what does not', () => {
    const one = { kind: 'code', name: 'body', text: 'the body changed', diff: '-a\n+b' };
    act(() =>
      root.render(
        <DifferencesView differences={{ before: 'a', after: 'b', general: [], steps: { train: [one], load: [] } }} />
      )
    );
    expect(host.textContent).toContain('the body changed');
    expect(host.querySelector('[data-side=after]')!.textContent).toBe('+b\n');
    expect(host.textContent).toContain('The same: load');
  });
});

describe('overall', () => {
  it('names what does not work', () => {
    const part = { kind: 'artifact_store', name: 's', flavor: 'local', what: '', hint: '', seconds: 0 };
    expect(overall({ stack: 'x', components: [{ ...part, ok: false }] })).toEqual({
      verdict: 'bad',
      words: 'artifact store: does not work'
    });
    expect(overall(null).verdict).toBe('open');
  });
});

describe('pipelineNotebook', () => {
  it('has a pipeline name of plain letters', () => {
    const text = (name: string) => JSON.stringify(pipelineNotebook(name));
    expect(text('Untitled 1')).toContain('%pipeline name untitled-1');
    expect(text('日本')).toContain('%pipeline name pipeline');
  });
});
