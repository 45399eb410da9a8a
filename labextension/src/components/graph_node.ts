/** One box of a graph: a card with a coloured edge, symbol, name, state in words, and its outputs. */
import { GraphNode, NodeState, outputHint, outputLabel, spoken, status } from './graph_data';
import { shortened } from './formatters';
import { Area, Box, meets, Point } from './layout';
import { lookOf, stateOf } from './states';
import { svg } from './svg';

const NAME_LENGTH = 30;
const SHOWN_OUTPUTS = 3;
const SMALL_WIDTH = 6.1;
const LEAST_WIDTH = 180;
const TEXT_X = 34;
const PILL = { height: 18, padding: 8, gap: 4, top: 48 } as const;
const HEIGHT = 46;

interface Pill {
  x: number;
  width: number;
  text: string;
  /** Nothing for the pill that counts those not shown. */
  output: string | null;
  hint: string;
}

/** How much room the card of a node takes. */
export function sizeOf(node: GraphNode): Box {
  const placed = pills(node);
  const last = placed[placed.length - 1];
  const row = last ? last.x + last.width + 10 : 0;
  const name = TEXT_X + nameWidth(shortened(node.name, NAME_LENGTH)) + 30;
  return { width: Math.ceil(Math.max(LEAST_WIDTH, name, row)), height: last ? PILL.top + PILL.height + 9 : HEIGHT };
}

/** Enough for the wider ones of the fonts that pages use; measured text would cost a layout of the page. */
function nameWidth(name: string): number {
  const widths = [...name].map(letter =>
    /[\u1100-\uffff]|[^\0-\uffff]/u.test(letter) ? 15 : /[mwMW@%]/.test(letter) ? 13 : /[fijlrt .,:;'|!()]/.test(letter) ? 6 : 9
  );
  return widths.reduce((sum, width) => sum + width, 0);
}

/** The card: `class=mlstack-node`, `data-name` and, on outputs, `data-output` say what was clicked. */
export class NodeView {
  readonly element: SVGGElement;
  private readonly area: Area;
  private isSeen = true;
  private readonly symbol = svg('path', { class: 'mlstack-node-symbol' });
  private readonly words = svg('text', { class: 'mlstack-node-words', x: TEXT_X, y: 38 });

  constructor(
    private node: GraphNode,
    readonly centre: Point,
    readonly size: Box,
    private readonly members: number,
    foldable: number
  ) {
    const { width, height } = size;
    const [left, top] = [centre.x - width / 2, centre.y - height / 2];
    this.area = { left, top, right: left + width, bottom: top + height };
    this.element = svg(
      'g',
      {
        class: 'mlstack-node',
        transform: `translate(${left.toFixed(1)} ${top.toFixed(1)})`,
        role: 'button',
        tabindex: -1,
        'data-name': node.name
      },
      svg('title', {}, shortened(node.label ? `${node.name} (${node.label})` : node.name, 500))
    );
    if (members > 1) {
      this.element.append(svg('rect', { class: 'mlstack-node-behind', x: 5, y: -5, width, height, rx: 8 }));
    }
    this.element.append(
      svg('rect', { class: 'mlstack-node-card', width, height, rx: 8 }),
      svg('path', {
        class: 'mlstack-node-band',
        d: `M8 0H5.500V${height}H8A8 8 0 0 1 0 ${height - 8}V8A8 8 0 0 1 8 0`
      }),
      svg('g', { class: 'mlstack-node-corner', transform: 'translate(11 9)' }, this.symbol),
      svg('text', { class: 'mlstack-node-name', x: TEXT_X, y: 21 }, shortened(node.name, NAME_LENGTH)),
      this.words
    );
    pills(node).forEach(pill => this.element.append(drawnPill(pill)));
    if (foldable > 0 || members > 1) {
      this.element.append(foldMark(width, members > 1, foldable));
    }
    this.update(node);
  }

  get name(): string {
    return this.node.name;
  }

  /** Whether it stands for other steps too. */
  get isFold(): boolean {
    return this.members > 1;
  }

  /** Takes the card out of the drawing while it is out of sight; one that has the focus stays. */
  cull(seen: Area): void {
    const isSeen = meets(this.area, seen);
    if (isSeen !== this.isSeen) {
      this.isSeen = isSeen;
      this.element.style.display = isSeen || this.element === focused(this.element) ? '' : 'none';
    }
  }

  /** Shows another state; the card keeps its place and size. */
  update(state: NodeState): void {
    this.node = { ...this.node, ...state };
    const look = stateOf(this.node.state);
    this.element.dataset.state = look;
    this.element.classList.toggle('mlstack-mod-stale', Boolean(this.node.stale) && look !== 'pending');
    this.symbol.setAttribute('d', lookOf(look).stroke);
    this.words.textContent = status(this.node, this.members);
    this.element.setAttribute('aria-label', spoken(this.node, this.members));
  }
}

/** What has the focus; a page inside of the page, as a widget is, knows its own. */
function focused(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : document.activeElement;
}

function pills(node: GraphNode): Pill[] {
  const outputs = node.outputs ?? [];
  const placed: Pill[] = [];
  let x = 12;
  const add = (text: string, output: string | null, hint: string): void => {
    const width = [...text].length * SMALL_WIDTH + 2 * PILL.padding;
    placed.push({ x, width, text, output, hint });
    x += width + PILL.gap;
  };
  const shown = outputs.length > SHOWN_OUTPUTS ? SHOWN_OUTPUTS - 1 : SHOWN_OUTPUTS;
  outputs.slice(0, shown).forEach(output => add(outputLabel(output), output.name, outputHint(output)));
  if (outputs.length > shown) {
    const rest = outputs.slice(shown, shown + 40).map(output => shortened(output.name, 60));
    add(`+${outputs.length - shown}`, null, rest.join(', '));
  }
  return placed;
}

function drawnPill(pill: Pill): SVGGElement {
  const { x, width, text, output, hint } = pill;
  const drawn = svg(
    'g',
    { class: 'mlstack-output', transform: `translate(${x.toFixed(1)} ${PILL.top})` },
    svg('title', {}, hint),
    svg('rect', { width: width.toFixed(1), height: PILL.height, rx: PILL.height / 2 }),
    svg('text', { x: (width / 2).toFixed(1), y: 12.5 }, text)
  );
  if (output !== null) {
    drawn.dataset.output = output;
  }
  return drawn;
}

function foldMark(width: number, isFolded: boolean, hidden: number): SVGGElement {
  const hint = isFolded ? 'Show the steps before it' : `Hide the ${hidden} before it`;
  return svg(
    'g',
    { class: 'mlstack-fold', transform: `translate(${width - 24} 7)` },
    svg('title', {}, hint),
    svg('rect', { width: 18, height: 18, rx: 4 }),
    svg('path', { d: isFolded ? 'M5 9H13M9 5V13' : 'M5 9H13' })
  );
}
