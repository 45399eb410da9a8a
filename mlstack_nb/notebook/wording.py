"""How states look, and how texts are made short, the same in every view of a notebook."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from mlstack_nb.core.run import State


@dataclass(frozen=True, slots=True)
class Look:
    """`css` follows JupyterLab's theme where there is one; `ink` and `fill` are for the light card of a drawing."""

    symbol: str
    css: str
    ink: str
    fill: str


LOOKS = {
    State.COMPLETED: Look("✓", "var(--jp-success-color1, #2c9a4b)", "#1a7f37", "#dafbe1"),
    State.CACHED: Look("↺", "var(--jp-info-color1, #2f81c7)", "#0a5cad", "#ddf0ff"),
    State.RUNNING: Look("▶", "var(--jp-warn-color1, #c77d0a)", "#8a5200", "#fff3cd"),
    State.FAILED: Look("✗", "var(--jp-error-color1, #d9403b)", "#b3261e", "#ffe2df"),
    State.CANCELLED: Look("⊘", "var(--jp-warn-color1, #c77d0a)", "#8a5200", "#fff3cd"),
    State.SKIPPED: Look("↷", "var(--jp-ui-font-color2, #80868b)", "#57606a", "#eef1f4"),
    State.PENDING: Look("○", "var(--jp-ui-font-color2, #80868b)", "#57606a", "#f6f8fa"),
}


def shortened(text: str, length: int) -> str:
    """One line of at most `length` characters, without control characters."""
    line = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"
