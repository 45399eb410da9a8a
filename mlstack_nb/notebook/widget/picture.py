"""A panel as it stays in a saved notebook: the graph as an image, the stack's components as a table, text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from mlstack_nb.app.wording import duration
from mlstack_nb.core.run import State
from mlstack_nb.notebook.drawing import Drawing, Node, drawn
from mlstack_nb.notebook.graph_view import EMPTY, READABLE
from mlstack_nb.notebook.table import Table
from mlstack_nb.notebook.wording import LOOKS, shortened

NOTICE = "margin:4px 0;padding:4px 10px;border-left:3px solid var(--jp-warn-color1, #c77d0a)"
FONT = "font-family:var(--jp-ui-font-family, system-ui, sans-serif);font-size:var(--jp-ui-font-size1, 13px)"
TITLE = "padding:2px 0 6px"
MOST_DRAWN = 300
"""More steps would make the notebook's file large, and could not be read."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`shown` is what `Shown.look` gives; `place` is a class that the live panel finds it by, `notice` for people."""

    shown: Mapping[str, Any]
    place: str = ""
    notice: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/html": self.html(), "text/plain": self.text()}

    def html(self) -> str:
        """An image by data address and a table: they survive sanitizing."""
        graph, stack = self.shown["graph"], self.shown["stacks"]
        name = f"pipeline <b><bdi>{escape(shortened(graph['pipeline'], 80))}</bdi></b>"
        on = f" on stack <b><bdi>{escape(shortened(stack['active'], 80))}</bdi></b>" if stack["active"] else ""
        parts = [f'<div style="{TITLE}">{name}{on}</div>']
        parts += [f'<div style="{NOTICE}">{escape(notice)}</div>' for notice in self._notices()]
        parts += [self._image(), self._components().html() if stack["components"] else ""]
        place = f' class="{escape(self.place)}"' if self.place else ""
        return f'<div{place} style="{FONT}">{"".join(parts)}</div>'

    def text(self) -> str:
        graph, stack = self.shown["graph"], self.shown["stacks"]
        lines = [f"pipeline {shortened(graph['pipeline'], 80)} on stack {shortened(stack['active'], 80)}"]
        lines += self._notices()
        for node in graph["nodes"]:
            state = self._state(node)
            symbol = LOOKS[State(state["state"])].symbol
            lines.append(f"  {symbol} {shortened(node['name'], 80)}  ({_outcome(state)})")
        return "\n".join(lines)

    def _notices(self) -> list[str]:
        errors = [one for one in (self.shown["stacks"]["error"], self.shown["graph"]["error"]) if one]
        notices = [f"{error['what']} {error['hint']}".strip() for error in errors]
        return [*([self.notice] if self.notice else []), *notices]

    def _image(self) -> str:
        graph = self.shown["graph"]
        count = len(graph["nodes"])
        if count > MOST_DRAWN:
            return f"<div>{count} steps: too many for a picture</div>"
        if not count:
            return "" if graph["error"] else f"<div>{escape(EMPTY)}</div>"
        drawing = self._drawing()
        image = base64.b64encode(drawing.svg.encode()).decode()
        alt = escape(f"Graph of pipeline {shortened(graph['pipeline'], 80)}, {count} steps")
        # as wide as it is, but no wider than the page, as long as it can be read
        style = f"max-width:max(100%, {READABLE * drawing.width:.0f}px)"
        picture = f'<img alt="{alt}" style="{style}" src="data:image/svg+xml;base64,{image}">'
        return f'<div style="overflow-x:auto">{picture}</div>'

    def _drawing(self) -> Drawing:
        graph = self.shown["graph"]
        nodes = [self._drawn_node(node) for node in graph["nodes"]]
        edges = {(edge["source"], edge["target"]): ", ".join(edge["outputs"]) for edge in graph["edges"]}
        return drawn(nodes, edges)

    def _drawn_node(self, node: Mapping[str, Any]) -> Node:
        state = self._state(node)
        read = {(edge["source"], output) for edge in self.shown["graph"]["edges"] for output in edge["outputs"]}
        ends = [one["name"] for one in node["outputs"] if (node["name"], one["name"]) not in read]
        notes = (_outcome(state), *(f"→ {name}" for name in ends[:3]))
        return Node(node["name"], State(state["state"]), notes, bool(state["stale"]))

    def _components(self) -> Table:
        stack = self.shown["stacks"]
        rows = [
            [kind.replace("_", " "), part["flavor"], part["name"], _settings(part["configuration"])]
            for kind, part in stack["components"].items()
        ]
        return Table(["kind", "flavor", "component", "configuration"], rows, caption=f"stack {stack['active']}")

    def _state(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.shown["states"][node["name"]]
        return found


def _outcome(state: Mapping[str, Any]) -> str:
    """The state in words: never by colour alone."""
    stale = ", stale" if state["stale"] else ""
    match State(state["state"]):
        case State.PENDING:
            return "not run yet"
        case State.COMPLETED:
            return f"ran in {duration(state['duration_s'])}{stale}"
        case State.CACHED:
            return f"cached, saved {duration(state['saved_s'])}{stale}"
        case other:
            return other.value


def _settings(configuration: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in configuration.items() if value is not None)
