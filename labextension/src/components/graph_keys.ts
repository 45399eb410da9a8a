/** Which node an arrow key leads to from another one. */
import { FoldEdge } from './folding';
import { Point } from './layout';

export type Arrow = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight';

export function isArrow(key: string): key is Arrow {
  return key.startsWith('Arrow');
}

/** Up to a producer, down to a consumer, the nearest where there are several; left and right within the layer. */
export function neighbour(
  from: string,
  arrow: Arrow,
  places: ReadonlyMap<string, Point>,
  edges: readonly FoldEdge[]
): string | null {
  const here = places.get(from);
  if (here === undefined) {
    return null;
  }
  const wanted =
    arrow === 'ArrowUp'
      ? edges.filter(edge => edge.target === from).map(edge => edge.source)
      : arrow === 'ArrowDown'
        ? edges.filter(edge => edge.source === from).map(edge => edge.target)
        : beside(here, arrow === 'ArrowRight', places);
  return nearest(here, wanted, places);
}

function beside(here: Point, isRight: boolean, places: ReadonlyMap<string, Point>): string[] {
  return [...places]
    .filter(([, at]) => Math.abs(at.y - here.y) < 30 && (isRight ? at.x > here.x + 1 : at.x < here.x - 1))
    .map(([name]) => name);
}

function nearest(here: Point, names: string[], places: ReadonlyMap<string, Point>): string | null {
  const away = (name: string): number => Math.abs((places.get(name)?.x ?? Infinity) - here.x);
  return names.reduce<string | null>((best, name) => (best === null || away(name) < away(best) ? name : best), null);
}
