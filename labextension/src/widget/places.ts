/**
 * Shows a view in every element of a class, whenever one is there.
 *
 * The elements are outputs of a notebook, which come late, are drawn anew when the output changes, and leave the page
 * while they are scrolled away. What is in them stays there; the view is in their shadow, out of reach of the page's
 * style, and covers it.
 */

export interface View {
  element: HTMLElement;
  dispose(): void;
}

export function showIn(place: string, make: () => View): () => void {
  const found = document.getElementsByClassName(place);
  const shown = new Map<Element, View>();
  const look = (): void => {
    for (const host of found) {
      if (!shown.has(host)) {
        const [left, view] = [...shown].find(([other]) => !other.isConnected) ?? [null, make()];
        left && shown.delete(left);
        shown.set(host, view);
        cover(host, view.element);
      }
    }
  };
  let frame = 0;
  const observer = new MutationObserver(() => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      look();
    });
  });
  observer.observe(document.documentElement, { childList: true, subtree: true });
  look();
  return () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
    shown.forEach((view, host) => {
      view.dispose();
      host.shadowRoot?.replaceChildren(document.createElement('slot'));
    });
    shown.clear();
  };
}

declare const MLSTACK_STYLE: string;
let sheet: CSSStyleSheet | null = null;

/** Shows `element` in the place of what the host has, which it keeps. */
export function cover(host: Element, element: HTMLElement): void {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(MLSTACK_STYLE);
  }
  shadow.adoptedStyleSheets = [sheet];
  shadow.replaceChildren(element);
  // JupyterLab takes keys for its own that it can not see a field for
  host.setAttribute('data-lm-suppress-shortcuts', 'true');
  element.classList.toggle('mlstack-mod-bare', getComputedStyle(host).getPropertyValue('--jp-layout-color1') === '');
  element.style.colorScheme = scheme();
}

/** As VS Code and Colab mark their pages; nothing where neither is, for the system to choose. */
function scheme(): string {
  const is = (theme: string): boolean =>
    document.querySelector(`body.vscode-${theme}, html[theme=${theme}]`) !== null;
  return is('dark') ? 'dark' : is('light') ? 'light' : '';
}
