/** Draws the pipeline that `%pipeline` shows in a notebook. Without this there is a picture in the output. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import type { GraphData } from '../components/graph_data';
import type { GraphHandle } from '../components/graph';
import { PIPELINE } from '../models/edges';
import { graphOf, heightOf } from '../models/shown_graph';
import { NAME } from '../tokens';

class LineageRenderer extends Widget implements IRenderMime.IRenderer {
  private handle: GraphHandle | null = null;

  constructor(private readonly goTo: (output: HTMLElement, step: string) => void) {
    super();
    this.addClass('jp-mlstack-Lineage');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const graph = graphOf(model.data[PIPELINE]);
    this.handle?.dispose();
    this.handle = null;
    if (graph.nodes.length === 0) {
      this.node.textContent = 'no steps yet: run a cell that starts with %%step NAME';
      return;
    }
    await this.draw(graph, graph.pipeline);
  }

  override dispose(): void {
    this.handle?.dispose();
    super.dispose();
  }

  private async draw(graph: GraphData, name: string): Promise<void> {
    const { renderGraph } = await import('../components/graph');
    if (this.isDisposed) {
      return;
    }
    const host = document.createElement('div');
    host.style.height = `${heightOf(graph)}px`;
    this.node.replaceChildren(host);
    this.handle = await renderGraph(host, graph, {
      label: `Pipeline ${name}`,
      onSelect: step => this.goTo(this.node, step)
    });
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: `${NAME}:lineage`,
  description: 'Draws the pipelines that cells show.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (_: JupyterFrontEnd, rendermime: IRenderMimeRegistry, tracker: INotebookTracker | null) => {
    const goTo = (output: HTMLElement, step: string): void => {
      const content = tracker?.find(panel => panel.node.contains(output))?.content;
      const index = content?.widgets.findIndex(cell => cell.node.dataset.mlstackStep === step) ?? -1;
      if (content && index >= 0) {
        content.activeCellIndex = index;
        void content.scrollToItem(index, 'smart');
      }
    };
    // safe: all is made from data by text nodes, so also what comes from untrusted notebooks may be drawn
    const factory: IRenderMime.IRendererFactory = {
      safe: true,
      mimeTypes: [PIPELINE],
      createRenderer: () => new LineageRenderer(goTo)
    };
    rendermime.addFactory(factory, 10);
  }
};

export default plugin;
