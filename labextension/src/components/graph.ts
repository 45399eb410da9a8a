/**
 * Draws a graph of steps that can be panned, zoomed, searched, folded and walked through by keys.
 *
 * Needs nothing but a page: JupyterLab's panel, the widget and other pages share it. All text is set as text.
 */
import { fold, Folded, foldSizes } from './folding';
import { counted } from './formatters';
import { cleaned, GraphData, GraphEdge, GraphNode, isMatch, NodeState } from './graph_data';
import { arrowHead, EdgeView } from './graph_edge';
import { Arrow, isArrow, neighbour } from './graph_keys';
import { NodeView, sizeOf } from './graph_node';
import { toolbar } from './graph_toolbar';
import { Area, layered, Layout, LayoutOf, Point } from './layout';
import { stateOf } from './states';
import { svg } from './svg';
import { Viewport } from './viewport';

export interface GraphOptions {
  /** What the graph is of, for screen readers. */
  label?: string;
  /** A node was clicked, or Enter was pressed on it. */
  onSelect?(name: string): void;
  /** An output of a node was clicked. */
  onOutput?(node: string, output: string): void;
  hasToolbar?: boolean;
  layout?: LayoutOf; // graphviz's without
}

export interface GraphHandle {
  /** Shows other states by the name of the node, without a new layout. */
  update(states: Readonly<Record<string, NodeState>>): void;
  select(name: string | null): void;
  fit(): void;
  dispose(): void;
}

/** Larger graphs leave out what is not in sight, so that they move smoothly. */
const LARGE = 150;

/** Draws into `host`, whose children it replaces; resolves once all is drawn. */
export async function renderGraph(
  host: HTMLElement,
  graph: GraphData,
  options: GraphOptions = {}
): Promise<GraphHandle> {
  const view = new GraphView(host, cleaned(graph), options);
  await view.draw();
  return view;
}

const ARROW_PAN: Record<Arrow, readonly [number, number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0]
};
let made = 0;

class GraphView implements GraphHandle {
  private readonly canvas = svg('svg', { class: 'mlstack-graph-canvas', role: 'group', tabindex: 0 });
  private readonly content = svg('g');
  private readonly viewport = new Viewport(this.canvas, this.content);
  private readonly arrow = `mlstack-arrow-${(made += 1)}`;
  private readonly tools;
  private nodes: Map<string, GraphNode>;
  private edges: GraphEdge[];
  private views = new Map<string, NodeView>();
  private lines: EdgeView[] = [];
  private shownEdges: GraphEdge[] = [];
  private folded = new Set<string>();
  private opened = new Set<string>();
  private hidesFinished = false;
  private selected: string | null = null;
  private matches: string[] = [];
  private at = 0;
  private drawing = 0;

  constructor(
    host: HTMLElement,
    graph: GraphData,
    private readonly options: GraphOptions
  ) {
    this.nodes = new Map(graph.nodes.map(node => [node.name, node]));
    this.edges = graph.edges;
    const label = `${options.label ?? 'Graph'}: ${counted(graph.nodes.length, 'step')}.`;
    this.canvas.setAttribute('aria-label', `${label} Arrow keys move, Enter goes in.`);
    this.tools = toolbar({
      search: (text, step) => this.search(text, step),
      fold: isFolded => void this.foldFinished(isFolded),
      zoom: factor => this.viewport.zoom(factor),
      fit: () => this.fit(),
      leave: () => this.canvas.focus()
    });
    this.viewport.onShow = seen => this.cull(seen);
    host.classList.add('mlstack-graph');
    host.replaceChildren(...(options.hasToolbar === false ? [] : [this.tools.element]), this.canvas);
    this.canvas.addEventListener('click', event => this.onClick(event));
    this.canvas.addEventListener('keydown', event => this.onKey(event));
    this.canvas.addEventListener('mouseover', event => this.near(named(event.target)));
    this.canvas.addEventListener('mouseleave', () => this.near(null));
    this.canvas.addEventListener('focusin', event => this.near(named(event.target)));
  }

  /** Lays out and draws anew; of several at once, the last one counts. */
  async draw(): Promise<void> {
    const turn = (this.drawing += 1);
    const nodes = [...this.nodes.values()].map(node => ({
      ...node,
      state: stateOf(node.state),
      stale: Boolean(node.stale)
    }));
    const shown = fold(nodes, this.edges, this.folded, this.hidesFinished, this.opened);
    const sizes = shown.shown.map(name => sizeOf(this.nodes.get(name)!));
    const index = new Map(shown.shown.map((name, place) => [name, place]));
    const links = shown.edges.map(edge => [index.get(edge.source)!, index.get(edge.target)!] as const);
    const layout = await (this.options.layout ?? layered)(sizes, links);
    if (turn === this.drawing) {
      this.fill(shown, layout);
    }
  }

  update(states: Readonly<Record<string, NodeState>>): void {
    for (const [name, state] of Object.entries(states)) {
      const node = this.nodes.get(name);
      if (node !== undefined) {
        this.nodes.set(name, { ...node, ...state });
        this.views.get(name)?.update(state);
      }
    }
  }

  select(name: string | null): void {
    this.selected = name;
    this.views.forEach(view => {
      const isSelected = view.name === name;
      view.element.classList.toggle('mlstack-mod-selected', isSelected);
      view.element.setAttribute('aria-pressed', String(isSelected));
    });
  }

  fit(): void {
    this.viewport.fit();
  }

  dispose(): void {
    this.drawing += 1;
    this.viewport.dispose();
    this.tools.element.remove();
    this.canvas.remove();
  }

  private fill(shown: Folded<GraphEdge>, layout: Layout): void {
    const hidden = foldSizes(shown.shown, shown.edges);
    this.views = new Map();
    this.shownEdges = shown.edges;
    this.lines = shown.edges.map((edge, place) => new EdgeView(edge, layout.curves[place] ?? [], this.arrow));
    shown.shown.forEach((name, place) => {
      const members = shown.members.get(name)?.length ?? 0;
      const node = this.nodes.get(name)!;
      const view = new NodeView(node, layout.boxes[place], sizeOf(node), members, hidden.get(name) ?? 0);
      this.views.set(name, view);
    });
    this.content.replaceChildren(
      svg('g', {}, ...this.lines.map(line => line.path)),
      svg('g', {}, ...[...this.views.values()].map(view => view.element))
    );
    this.canvas.replaceChildren(svg('defs', {}, arrowHead(this.arrow)), this.content);
    this.select(this.selected);
    this.viewport.open(layout, this.start(layout.boxes));
  }

  /** Where to look first: at what is selected, runs or has failed, else at the top. */
  private start(places: readonly Point[]): Point {
    const names = [...this.views.keys()];
    const isUrgent = (name: string): boolean => ['running', 'failed'].includes(this.nodes.get(name)!.state);
    const at = this.selected ?? names.find(isUrgent);
    const top = places.reduce<Point | null>((best, place) => (best === null || place.y < best.y ? place : best), null);
    return (at !== undefined && this.views.get(at)?.centre) || top || { x: 0, y: 0 };
  }

  private onClick(event: MouseEvent): void {
    const name = named(event.target);
    if (this.viewport.isDrag || name === null) {
      return;
    }
    const target = event.target as Element;
    const output = target.closest<SVGElement>('[data-output]')?.dataset.output;
    if (target.closest('.mlstack-fold') !== null) {
      void this.toggle(name);
    } else if (output !== undefined) {
      this.options.onOutput?.(name, output);
    } else {
      this.focus(name, false);
      this.options.onSelect?.(name);
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const name = named(event.target);
    if (this.isKnown(event, name)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /** Acts on a key; false when it means nothing here. */
  private isKnown(event: KeyboardEvent, name: string | null): boolean {
    const { key } = event;
    if (isArrow(key) && (name === null || event.shiftKey)) {
      this.viewport.pan(...ARROW_PAN[key]);
    } else if (isArrow(key)) {
      this.focus(neighbour(name ?? '', key, this.places(), this.shownEdges));
    } else if (key === 'Enter' || key === ' ') {
      name === null ? this.enter() : this.options.onSelect?.(name);
    } else if (['+', '=', '-'].includes(key)) {
      this.viewport.zoom(key === '-' ? 1 / 1.25 : 1.25);
    } else if (key === '0') {
      this.fit();
    } else if (key === '/') {
      this.tools.focus();
    } else if (key === 'f' && name !== null) {
      void this.toggle(name);
    } else if (key === 'Escape' && name !== null) {
      this.canvas.focus();
    } else {
      return false;
    }
    return true;
  }

  private enter(): void {
    this.focus(this.selected !== null && this.views.has(this.selected) ? this.selected : [...this.views.keys()][0]);
  }

  private focus(name: string | null, isRevealed = true): void {
    const view = this.views.get(name ?? '');
    if (view !== undefined) {
      view.element.focus({ preventScroll: true });
      isRevealed && this.viewport.reveal(view.centre, view.size);
    }
  }

  private async toggle(name: string): Promise<void> {
    if (this.folded.delete(name)) {
      this.opened.add(name);
    } else if (this.views.get(name)?.isFold) {
      this.opened.add(name);
    } else {
      this.folded.add(name);
      this.opened.delete(name);
    }
    await this.draw();
    this.focus(name);
  }

  private async foldFinished(isFolded: boolean): Promise<void> {
    this.hidesFinished = isFolded;
    this.opened.clear();
    await this.draw();
  }

  private search(text: string, step: -1 | 0 | 1): { found: number; at: number } {
    const wanted = text.trim().toLowerCase();
    this.matches = [...this.views.keys()].filter(name => isMatch(this.nodes.get(name)!, wanted));
    this.at = step === 0 ? 0 : (this.at + step + this.matches.length) % Math.max(this.matches.length, 1);
    const current = this.matches[this.at];
    const matches = new Set(this.matches);
    this.canvas.classList.toggle('mlstack-mod-searched', wanted !== '');
    this.views.forEach((view, name) => {
      view.element.classList.toggle('mlstack-mod-match', matches.has(name));
      view.element.classList.toggle('mlstack-mod-current', name === current);
    });
    const view = current === undefined ? undefined : this.views.get(current);
    view && this.viewport.reveal(view.centre, view.size);
    return { found: this.matches.length, at: this.at };
  }

  private near(name: string | null): void {
    this.lines.forEach(line => line.near(name));
  }

  private cull(seen: Area): void {
    if (this.views.size > LARGE) {
      this.views.forEach(view => view.cull(seen));
      this.lines.forEach(line => line.cull(seen));
    }
  }

  private places(): Map<string, { x: number; y: number }> {
    return new Map([...this.views].map(([name, view]) => [name, view.centre]));
  }
}

function named(target: EventTarget | null): string | null {
  const node = target instanceof Element ? target.closest<SVGElement>('.mlstack-node') : null;
  return node?.dataset.name ?? null;
}
