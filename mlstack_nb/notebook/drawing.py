"""Draws a graph of steps as SVG on a light card, legible in light and dark notebooks.

Everything that comes from a notebook (names, labels) is shortened and escaped; the picture has no script,
no link and loads nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from mlstack_nb.core.run import State
from mlstack_nb.notebook.layout import Edge, Layout, Point, layout
from mlstack_nb.notebook.wording import LOOKS, shortened

MARGIN = 18.0
LINE = 17.0
PAD_X, PAD_Y = 14.0, 9.0
NAME_LENGTH, NOTE_LENGTH = 34, 56
LABEL_GAP = 8.0
NAME_WIDTH, NOTE_WIDTH = 8.2, 6.3
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
UNREAL = (State.PENDING, State.SKIPPED)
INK, GREY, RULE = "#1f2328", "#57606a", "#8c959f"


@dataclass(frozen=True, slots=True)
class Node:
    """`name` must be unique; `notes` are the small lines below it."""

    name: str
    state: State
    notes: tuple[str, ...] = ()
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """`width` is in pixels of the screen."""

    svg: str
    width: float


def drawn(nodes: Sequence[Node], edges: Mapping[Edge, str]) -> Drawing:
    """`edges` maps (needed, needing) to the label of the edge."""
    sizes = {node.name: _size(node) for node in nodes}
    labels = {edge: shortened(label, NOTE_LENGTH) for edge, label in edges.items()}
    plan = layout(
        sizes, {edge: _width(label, NOTE_WIDTH) + LABEL_GAP if label else 0 for edge, label in labels.items()}
    )
    width, height = plan.width + 2 * MARGIN, plan.height + 2 * MARGIN
    head = 'id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
    card = f'x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8" fill="#ffffff" stroke="#d0d7de"'
    area = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {area} font-family="{FONT}" role="img">',
        f'<defs><marker {head}><path d="M0 .8 7.4 4 0 7.2z" fill="{RULE}"/></marker></defs>',
        f"<rect {card}/>",
        f'<g transform="translate({MARGIN} {MARGIN})">',
        *(_edge(plan, edge) for edge in edges),
        *(_box(node, plan.boxes[node.name], sizes[node.name]) for node in nodes),
        *(_label(plan.labels[edge], label) for edge, label in labels.items() if label),
        "</g></svg>",
    ]
    return Drawing("".join(parts), width)


def _size(node: Node) -> Point:
    widths = [_width(_headline(node), NAME_WIDTH), *(_width(note, NOTE_WIDTH) for note in _notes(node))]
    return max(max(widths) + 2 * PAD_X + 4, 96.0), (1 + len(_notes(node))) * LINE + 2 * PAD_Y


def _headline(node: Node) -> str:
    return f"{LOOKS[node.state].symbol} {shortened(node.name, NAME_LENGTH)}"


def _notes(node: Node) -> list[str]:
    return [shortened(note, NOTE_LENGTH) for note in node.notes]


def _box(node: Node, centre: Point, size: Point) -> str:
    look = LOOKS[node.state]
    left, top = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    dashes = ' stroke-dasharray="4 3"' if node.is_stale or node.state in UNREAL else ""
    symbol = f'<tspan fill="{look.ink}">{look.symbol}</tspan>'
    place = f'x="{PAD_X + 4:.1f}" y="{PAD_Y + 13:.1f}" font-size="13" font-weight="600" fill="{INK}"'
    lines = [f"<text {place}>{symbol} {escape(shortened(node.name, NAME_LENGTH))}</text>"]
    for row, note in enumerate(_notes(node), start=1):
        y = PAD_Y + 13 + row * LINE
        ink = look.ink if row == 1 else GREY
        lines.append(f'<text x="{PAD_X + 4:.1f}" y="{y:.1f}" font-size="11" fill="{ink}">{escape(note)}</text>')
    return (
        f'<g transform="translate({left:.1f} {top:.1f})"><title>{escape(shortened(node.name, 500))}: {node.state.value}'
        f'</title><rect width="{size[0]:.1f}" height="{size[1]:.1f}" rx="6" fill="{look.fill}" '
        f'stroke="{look.ink}" stroke-opacity=".55"{dashes}/>'
        f'<rect width="4" height="{size[1]:.1f}" rx="2" fill="{look.ink}"/>{"".join(lines)}</g>'
    )


def _edge(plan: Layout, edge: Edge) -> str:
    start, *rest = plan.routes[edge]
    path = f"M{start[0]:.1f} {start[1]:.1f}C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in rest)
    return f'<path d="{path}" fill="none" stroke="{RULE}" stroke-width="1.3" marker-end="url(#head)"/>'


def _label(centre: Point, text: str) -> str:
    """On a white halo, where an edge may cross it."""
    return (
        f'<text x="{centre[0]:.1f}" y="{centre[1] + 4:.1f}" text-anchor="middle" font-size="11" fill="{GREY}" '
        f'stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">{escape(text)}</text>'
    )


def _width(text: str, per_character: float) -> float:
    """An estimate: capitals take more than a place, wide characters of East Asian scripts and emoji two."""
    return sum(_places(character) for character in text) * per_character


def _places(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 1.25 if character.isupper() or character in "mw@%…" else 1
