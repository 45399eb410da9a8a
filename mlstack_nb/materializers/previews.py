"""Small pictures of values for people. Text of the value never becomes markup: all of it is escaped here."""

from __future__ import annotations

import base64
import html
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

MAX_ROWS = 5
MAX_COLUMNS = 20
MAX_CELL = 60

_repr = reprlib.Repr()
_repr.maxlist = _repr.maxtuple = _repr.maxset = _repr.maxfrozenset = _repr.maxdict = 10
_repr.maxstring = _repr.maxother = 200
_repr.maxlong = 100


def shortened(value: Any) -> str:
    """`repr`, cut to a few hundred characters at any depth."""
    try:
        text = _repr.repr(value)
    except Exception:  # noqa: BLE001 - the value's own code, and no preview is worth failing a step
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 2000 else text[:2000] + "..."


def cell_text(value: Any) -> str:
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - as above
        text = f"<{type(value).__name__}>"
    text = text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."
    return text.encode("utf-8", "backslashreplace").decode()


def html_table(header: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str) -> str:
    """An HTML table of at most MAX_COLUMNS columns."""
    head = "".join(f"<th>{_escaped(label)}</th>" for label in header[:MAX_COLUMNS])
    body = "".join(
        "<tr>" + "".join(f"<td>{_escaped(value)}</td>" for value in row[:MAX_COLUMNS]) + "</tr>" for row in rows
    )
    return f"<table><caption>{_escaped(caption)}</caption><tr>{head}</tr>{body}</table>"


def _escaped(value: Any) -> str:
    return html.escape(cell_text(value))


def png_text(data: bytes) -> str:
    """PNG bytes as they stand in a mimebundle."""
    return base64.b64encode(data).decode()
