/** One arrow of a graph. */
import type { GraphEdge } from './graph_data';
import { Area, bounds, meets, Point, toPath } from './layout';
import { svg } from './svg';

export class EdgeView {
  readonly path: SVGPathElement;
  private readonly area: Area;
  private isSeen = true;

  /** `head` is the id of the marker that `arrowHead` has made. */
  constructor(
    readonly edge: GraphEdge,
    curve: readonly Point[],
    head: string
  ) {
    this.area = bounds(curve);
    this.path = svg('path', { class: 'mlstack-edge', d: toPath(curve), 'marker-end': `url(#${head})` });
  }

  /** Stands out while it begins or ends at the node. */
  near(name: string | null): void {
    const isNear = name !== null && (this.edge.source === name || this.edge.target === name);
    this.path.classList.toggle('mlstack-mod-near', isNear);
  }

  /** Takes the arrow out of the drawing while it is out of sight. */
  cull(seen: Area): void {
    const isSeen = meets(this.area, seen);
    if (isSeen !== this.isSeen) {
      this.isSeen = isSeen;
      this.path.style.display = isSeen ? '' : 'none';
    }
  }
}

export function arrowHead(id: string): SVGMarkerElement {
  const head = svg('marker', {
    id,
    viewBox: '0 0 8 8',
    refX: 7,
    refY: 4,
    markerWidth: 9,
    markerHeight: 9,
    markerUnits: 'userSpaceOnUse',
    orient: 'auto'
  });
  head.append(svg('path', { class: 'mlstack-edge-head', d: 'M0 .8 7.4 4 0 7.2z' }));
  return head;
}
