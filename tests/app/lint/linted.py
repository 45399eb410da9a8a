"""Findings of notebooks and modules written in a test, as short texts."""

from __future__ import annotations

from typing import Any

from mlstack_nb.app.lint.modules import lint_text
from mlstack_nb.app.lint.notebooks import lint_cells
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

Cell = str | tuple[str, str]


def notebook(*cells: Cell, **metadata: Any) -> Notebook:
    """Code cells; a pair is text and tags."""
    pairs = [(one, "") if isinstance(one, str) else one for one in cells]
    made = (NotebookCell(at, text, tags=tuple(tags.split())) for at, (text, tags) in enumerate(pairs))
    return Notebook("nb", tuple(made), None, metadata=metadata)


def found(*cells: Cell, without: str = "MLS404") -> list[Finding]:
    """Those of a notebook; missing annotations are left out, as most steps here have none."""
    return [one for one in lint_cells(notebook(*cells)) if one.rule not in without.split()]


def rules(*cells: Cell, without: str = "MLS404") -> list[str]:
    """`2:3 MLS201` is what is found in line 3 of the second cell."""
    return [f"{one.place.index + 1}:{one.line} {one.rule}" for one in found(*cells, without=without)]


def in_step(*lines: str, imports: str = "") -> list[str]:
    """`3 MLS201` is what is found in the third of these lines of a step cell; other cells as in `rules`."""
    told = rules(imports or "pass", "\n".join(["%%step s -> out", *lines, "out = 1"]))
    return [f"{int(one[2:].split()[0]) - 1} {one.split()[1]}" if one.startswith("2:") else one for one in told]


def in_module(text: str, without: str = "MLS404") -> list[str]:
    """`3 MLS201` is what is found in line 3 of a file."""
    return [f"{one.line} {one.rule}" for one in lint_text(text, "steps.py") if one.rule not in without.split()]
