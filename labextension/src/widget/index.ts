/** The panel as a widget of any front end (anywidget): in place of its own picture, or where widgets are shown. */
import React from 'react';
import { createRoot } from 'react-dom/client';

import { Kernel, WidgetModel } from './kernel';
import { PanelView } from './panel_view';
import { cover, showIn, View } from './places';

function viewOf(kernel: Kernel): View {
  const element = document.createElement('div');
  element.className = 'mlstack-panel mlstack-widget';
  const root = createRoot(element);
  const draw = (): void => root.render(React.createElement(PanelView, { kernel, shown: kernel.shown }));
  const leave = kernel.listen(draw);
  draw();
  return {
    element,
    dispose: () => {
      leave();
      root.unmount();
    }
  };
}

export default {
  /** Once for a panel, however often it is shown. Gives what to do when it is closed. */
  initialize({ model }: { model: WidgetModel }): () => void {
    const kernel = new Kernel(model);
    const leave = showIn(kernel.place, () => viewOf(kernel));
    return () => {
      leave();
      kernel.dispose();
    };
  },

  render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
    const kernel = new Kernel(model);
    const view = viewOf(kernel);
    const host = document.createElement('div');
    el.append(host);
    cover(host, view.element);
    return () => {
      view.dispose();
      kernel.dispose();
    };
  }
};
