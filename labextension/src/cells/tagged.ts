/**
 * Cells that are steps by their tags run as steps, though no magic is in their text.
 *
 * The kernel gets the notebook's cells with each request to execute one of them, in the metadata, for what such a step
 * gives depends on the cells below it. JupyterLab itself sends the cell's id and tags there.
 */
import { Notification } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { NotebookModel } from '../models/notebook';

const LOAD = 'get_ipython().extension_manager.load_extension("mlstack_nb")';
const KALE = 'kubeflow_notebook';

/** What the kernel reads; mlstack_nb/notebook/tagged.py says the same. */
interface CellsSent {
  cells: { id: string; index: number; source: string; tags: string[] }[];
  metadata: Record<string, unknown>;
}

type Execute = Kernel.IKernelConnection['requestExecute'];

export function runTagged(model: NotebookModel): void {
  const { sessionContext } = model.panel;
  const known = new WeakSet<Kernel.IKernelConnection>();
  const follow = (): void => {
    const kernel = sessionContext.session?.kernel;
    if (kernel && !known.has(kernel)) {
      known.add(kernel);
      extend(kernel, model);
    }
  };
  sessionContext.kernelChanged.connect(follow);
  follow();
}

/** No signal lets one add to a request before it is sent, so the connection's own method is wrapped. */
function extend(kernel: Kernel.IKernelConnection, model: NotebookModel): void {
  const original: Execute = kernel.requestExecute.bind(kernel);
  let isLoaded = false;
  kernel.statusChanged.connect((_, status) => {
    if (['restarting', 'autorestarting', 'dead', 'starting'].includes(status)) {
      isLoaded = false;
    }
  });
  kernel.requestExecute = (content, disposeOnDone, metadata) => {
    const sent = taggedCells(model, metadata?.cellId);
    if (sent === null) {
      return original(content, disposeOnDone, metadata);
    }
    if (!isLoaded) {
      isLoaded = true;
      void load(original).then(isThere => (isLoaded = isThere));
    }
    return original(content, disposeOnDone, { ...metadata, mlstack: sent as unknown as JSONObject });
  };
}

/** All code cells, when the one to execute is a step by its tag or part of one. */
export function taggedCells(model: NotebookModel, cellId: unknown): CellsSent | null {
  const cells = model.panel.content.widgets;
  const cell = typeof cellId === 'string' ? cells.find(one => one.model.sharedModel.getId() === cellId) : undefined;
  if (!cell || model.roleOf(cell)?.by !== 'tag') {
    return null;
  }
  const texts = model.cells;
  const kale = model.panel.content.model?.getMetadata(KALE);
  return {
    cells: cells.flatMap((one, index) =>
      texts[index].type === 'code'
        ? [{ id: one.model.sharedModel.getId(), index, source: texts[index].text, tags: [...texts[index].tags] }]
        : []
    ),
    metadata: kale === undefined ? {} : { [KALE]: kale }
  };
}

/** Requests are served in order, so the cell that follows finds the extension there. */
async function load(execute: Execute): Promise<boolean> {
  const future = execute({ code: LOAD, silent: true, store_history: false, stop_on_error: false });
  let reply: KernelMessage.IExecuteReplyMsg;
  try {
    reply = await future.done;
  } catch {
    return false; // the kernel went away, and has said so
  }
  if (reply.content.status === 'error') {
    Notification.error('The kernel has no mlstack_nb, so this cell ran as an ordinary one. Type: %pip install mlstack-nb', {
      autoClose: 10_000
    });
  }
  return reply.content.status === 'ok';
}
