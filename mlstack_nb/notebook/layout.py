"""Where the boxes and edges of a layered graph go: by graphviz when `dot` is there, otherwise by our own rules.

Own rules: layers by longest path, order within a layer by barycentre, every edge a chain of places so that
long ones bend round the boxes between.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlstack_nb.core.graph import topological_order

LABEL_HEIGHT = 14.0
GAP_X = 28.0
GAP_Y = 56.0
SWEEPS = 8
DPI = 72.0

Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """`boxes` and `labels` are centres; `routes` has each edge's ends and the controls of its Bezier curves."""

    width: float
    height: float
    boxes: Mapping[str, Point]
    routes: Mapping[Edge, Sequence[Point]]
    labels: Mapping[Edge, Point]


def layout(sizes: Mapping[str, Point], edges: Mapping[Edge, float]) -> Layout:
    """`sizes` is each node's width and height, `edges` the width of each edge's label, 0 for none.

    An edge goes down, from the node that is needed to the one that needs it.
    """
    return (_by_graphviz(sizes, edges) if sizes and shutil.which("dot") else None) or _by_layers(sizes, edges)


def _by_graphviz(sizes: Mapping[str, Point], edges: Mapping[Edge, float]) -> Layout | None:
    """None where `dot` is there but does not work."""
    import graphviz

    # nodes go to dot as numbers, so that no name needs quoting; labels as boxes, so that fonts do not matter
    number = {node: str(index) for index, node in enumerate(sizes)}
    graph = graphviz.Digraph(
        graph_attr={"ranksep": "0.45", "nodesep": "0.35"}, node_attr={"shape": "box"}, edge_attr={"arrowhead": "none"}
    )
    for node, (width, height) in sizes.items():
        graph.node(number[node], label="", width=f"{width / DPI}", height=f"{height / DPI}", fixedsize="true")
    for (tail, head), width in edges.items():
        area = f'border="0" fixedsize="true" width="{width:.0f}" height="{LABEL_HEIGHT:.0f}"'
        label = f"<<table {area}><tr><td></td></tr></table>>" if width else ""
        graph.edge(number[tail], number[head], label=label)
    try:
        plain = graph.pipe(format="plain", encoding="utf-8", quiet=True)
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError, OSError):
        return None
    return _read_plain(plain, list(sizes))


def _read_plain(plain: str, nodes: list[str]) -> Layout:
    """Graphviz's `plain` format: inches, with the origin at the bottom left."""
    width = height = 0.0
    boxes: dict[str, Point] = {}
    routes: dict[Edge, Sequence[Point]] = {}
    labels: dict[Edge, Point] = {}
    for line in plain.splitlines():
        kind, *words = line.split(" ")
        if kind == "graph":
            width, height = float(words[1]) * DPI, float(words[2]) * DPI
        elif kind == "node":
            boxes[nodes[int(words[0])]] = (float(words[1]) * DPI, height - float(words[2]) * DPI)
        elif kind == "edge":
            edge = nodes[int(words[0])], nodes[int(words[1])]
            last = 3 + 2 * int(words[2])
            numbers = [float(word) * DPI for word in words[3:last]]
            routes[edge] = [(x, height - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            # style and colour end the line; between, a label and its place when there is one
            if len(words) > last + 2:
                labels[edge] = (float(words[-4]) * DPI, height - float(words[-3]) * DPI)
    return Layout(width, height, boxes, routes, labels)


def _by_layers(sizes: Mapping[str, Point], edges: Mapping[Edge, float]) -> Layout:
    number = {node: index for index, node in enumerate(sizes)}
    boxes = list(sizes.values())
    levels = _levels(sizes, list(edges))
    chains: dict[Edge, list[int]] = {}
    for (tail, head), label in edges.items():
        first, last = number[tail], number[head]
        bends = range(len(boxes), len(boxes) + max(levels[last] - levels[first] - 1, 0))
        levels.extend(range(levels[first] + 1, levels[last]))
        boxes.extend((2 * label + 8 if bend == bends[0] else 8.0, 0.0) for bend in bends)
        chains[tail, head] = [first, *bends, last]
    links = [link for chain in chains.values() for link in pairwise(chain)]
    at, width, height = _placed(_ordered(levels, links), boxes, links)
    routes, labels = {}, {}
    for edge, chain in chains.items():
        (x0, y0), (x1, y1) = at[chain[0]], at[chain[-1]]
        start, end = (x0, y0 + boxes[chain[0]][1] / 2), (x1, y1 - boxes[chain[-1]][1] / 2)
        routes[edge] = _curve([start, *(at[bend] for bend in chain[1:-1]), end])
        if edges[edge]:
            x, y = at[chain[1]] if len(chain) > 2 else ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
            labels[edge] = (x + 6 + edges[edge] / 2, y)
            width = max(width, x + 6 + edges[edge])
    return Layout(width, height, {node: at[number[node]] for node in sizes}, routes, labels)


def _levels(sizes: Mapping[str, Point], edges: Sequence[Edge]) -> list[int]:
    """Each node's layer: one below the lowest it needs."""
    needs: dict[str, list[str]] = {node: [] for node in sizes}
    for tail, head in edges:
        needs[head].append(tail)
    depth: dict[str, int] = {}
    for node in topological_order(needs):
        depth[node] = max((depth[need] + 1 for need in needs[node]), default=0)
    return [depth[node] for node in sizes]


def _ordered(levels: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Rows of nodes, each swept up and down to stand below the middle of its neighbours."""
    rows: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for node, level in enumerate(levels):
        rows[level].append(node)
    above, below = _neighbours(len(levels), links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        place = {node: index for row in rows for index, node in enumerate(row)}
        for row in rows if down else reversed(rows):
            near = above if down else below
            middle = {node: _mean([place[other] for other in near[node]], place[node]) for node in row}
            row.sort(key=middle.__getitem__)
            place.update((node, index) for index, node in enumerate(row))
    return rows


def _placed(
    rows: Sequence[Sequence[int]], boxes: Sequence[Point], links: Sequence[tuple[int, int]]
) -> tuple[dict[int, Point], float, float]:
    """Centres, width and height: every node near the middle of its neighbours, none over another."""
    above, below = _neighbours(len(boxes), links)
    x = {node: 0.0 for row in rows for node in row}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = above if down else below
            _spread(row, boxes, x, {node: _mean([x[other] for other in near[node]], x[node]) for node in row})
    left = min((x[node] - boxes[node][0] / 2 for node in x), default=0.0)
    width = max((x[node] + boxes[node][0] / 2 for node in x), default=0.0) - left
    at: dict[int, Point] = {}
    top = 0.0
    for row in rows:
        tallest = max(boxes[node][1] for node in row)
        at.update((node, (x[node] - left, top + tallest / 2)) for node in row)
        top += tallest + GAP_Y
    return at, width, max(top - GAP_Y, 0.0)


def _spread(row: Sequence[int], boxes: Sequence[Point], x: dict[int, float], wanted: Mapping[int, float]) -> None:
    """Put a row where it wants to be, left to right without overlap, then move it as a whole to lose the drift."""
    right = float("-inf")
    for node in row:
        half = boxes[node][0] / 2
        x[node] = max(wanted[node], right + half)
        right = x[node] + half + GAP_X
    drift = _mean([x[node] - wanted[node] for node in row], 0.0)
    for node in row:
        x[node] -= drift


def _neighbours(count: int, links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for tail, head in links:
        above[head].append(tail)
        below[tail].append(head)
    return above, below


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _curve(points: Sequence[Point]) -> list[Point]:
    """Bezier controls through `points`, leaving and arriving vertically."""
    route = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        route += [(x0, middle), (x1, middle), (x1, y1)]
    return route
