"""A small table for notebooks: aligned text, and HTML that follows the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from mlstack_nb.core.run import State
from mlstack_nb.notebook.wording import LOOKS, shortened

MAX_CELL = 80
TABLE = (
    "color:inherit;border-collapse:collapse;margin:4px var(--jp-code-padding, 0);"
    "font-size:var(--jp-ui-font-size1, 13px)"
)
HEAD = (
    "text-align:left;padding:3px 14px 3px 0;font-weight:600;color:var(--jp-ui-font-color2, #80868b);"
    "border-bottom:1px solid var(--jp-border-color1, #8886)"
)
CELL = (
    "text-align:left;padding:3px 14px 3px 0;vertical-align:top;border-bottom:1px solid var(--jp-border-color2, #8883)"
)
CAPTION = "caption-side:top;text-align:left;padding:2px 0;font-weight:600;white-space:nowrap"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text, or a State, shown by symbol, word and colour. `empty` stands for a table without rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | State]]
    caption: str = ""
    empty: str = "Nothing to list."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        if not self.rows:
            return self.empty
        lines = [list(self.columns), *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
        drawn = ["  ".join(line).rstrip() for line in padded]
        return "\n".join([self.caption, *drawn] if self.caption else drawn)

    def html(self) -> str:
        if not self.rows:
            return f"<div>{escape(self.empty)}</div>"
        caption = f'<caption style="{CAPTION}">{escape(self.caption)}</caption>' if self.caption else ""
        head = "".join(f'<th style="{HEAD}">{escape(column)}</th>' for column in self.columns)
        body = "".join("<tr>" + "".join(_html(cell) for cell in row) + "</tr>" for row in self.rows)
        return f'<table style="{TABLE}">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, shown without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _text(cell: str | State) -> str:
    return f"{LOOKS[cell].symbol} {cell.value}" if isinstance(cell, State) else shortened(cell, MAX_CELL)


def _html(cell: str | State) -> str:
    if isinstance(cell, State):
        look = LOOKS[cell]
        return f'<td style="{CELL}"><span style="color:{look.css}">{look.symbol}</span> {cell.value}</td>'
    return f'<td style="{CELL}" title="{escape(cell[:500])}">{escape(shortened(cell, MAX_CELL))}</td>'
