/** The row above a graph: search, fold, zoom, fit. Plain elements, so that it works outside of JupyterLab too. */

export interface ToolbarActions {
  /** Gives the number of nodes found and which of them is shown. */
  search(text: string, step: -1 | 0 | 1): { found: number; at: number };
  fold(isFolded: boolean): void;
  zoom(factor: number): void;
  fit(): void;
  leave(): void;
}

export interface Toolbar {
  element: HTMLElement;
  focus(): void;
}

export function toolbar(actions: ToolbarActions): Toolbar {
  const element = document.createElement('div');
  element.className = 'mlstack-graph-toolbar';
  element.setAttribute('role', 'toolbar');
  element.setAttribute('aria-label', 'Graph');
  const found = document.createElement('span');
  found.className = 'mlstack-graph-found';
  found.setAttribute('role', 'status');
  const field = searchField(actions, found);
  const fold = button('⊟', 'Fold finished steps', () => {
    const isFolded = fold.getAttribute('aria-pressed') !== 'true';
    fold.setAttribute('aria-pressed', String(isFolded));
    actions.fold(isFolded);
  });
  fold.setAttribute('aria-pressed', 'false');
  element.append(
    field,
    found,
    fold,
    button('−', 'Zoom out', () => actions.zoom(1 / 1.25)),
    button('+', 'Zoom in', () => actions.zoom(1.25)),
    button('⤢', 'Show all of the graph', () => actions.fit())
  );
  return { element, focus: () => field.focus() };
}

function searchField(actions: ToolbarActions, found: HTMLElement): HTMLInputElement {
  const field = document.createElement('input');
  field.type = 'search';
  field.placeholder = 'Find a step or output';
  field.setAttribute('aria-label', field.placeholder);
  const search = (step: -1 | 0 | 1): void => {
    const result = actions.search(field.value, step);
    found.textContent =
      field.value.trim() === '' ? '' : result.found === 0 ? 'none' : `${result.at + 1} of ${result.found}`;
  };
  field.addEventListener('input', () => search(0));
  field.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      search(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      field.value = '';
      search(0);
      actions.leave();
    } else if (event.key !== 'Tab') {
      event.stopPropagation();
      return;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  return field;
}

function button(text: string, label: string, act: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.title = label;
  element.setAttribute('aria-label', label);
  element.addEventListener('click', act);
  return element;
}
