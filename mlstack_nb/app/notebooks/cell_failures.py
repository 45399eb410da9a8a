"""A cell that failed in the notebook of a step, told by where it stands in the notebook that people wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.step_notebooks import OUTPUTS
from mlstack_nb.core.run import Failure
from mlstack_nb.errors import FailedElsewhereError
from mlstack_nb.source.ipython_syntax import plain

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.kernels.outcome import ExecutedNotebook, FailedCell

AROUND = 2
"""How many lines are shown above and below the one that failed."""
_UNBOUND = re.compile(r"name '(\w+)' is not defined$")


@dataclass(frozen=True, slots=True)
class Place:
    """`cell` is what people call it; `lines` are its text, the first of which has the number `first`. `at` counts from
    0 in `lines`; None when the line is not known.
    """

    cell: str
    lines: tuple[str, ...] = ()
    first: int = 1
    at: int | None = None


def failed_step(executed: ExecutedNotebook, step: str, notebook: CompiledNotebook) -> FailedElsewhereError:
    failed = executed.failed
    assert failed is not None
    cell = executed.document["cells"][failed.index]
    if OUTPUTS in cell["metadata"].get("tags", ()):
        return _not_kept(failed, step, notebook)
    place = _place(cell["metadata"].get("mlstack", {}), failed, notebook)
    where = f"{place.cell} of {notebook.name}" if place.cell else f"what step {step!r} needs"
    told = failed.evalue
    if (
        place.cell and told == failed.error.what
    ):  # it was stopped, or its kernel died: that is told with a cell's number
        told = re.sub(rf"\b([Cc])ell {failed.index + 1}\b", lambda found: f"{found[1]}{place.cell[1:]}", told)
    what = f"{failed.ename} in {where}: {told}" if told else f"{failed.ename} in {where}"
    what += "".join(f"\n{line}" for line in _around(place))
    return FailedElsewhereError(what, failed.error.hint, Failure(failed.ename, told, failed.traceback))


def _not_kept(failed: FailedCell, step: str, notebook: CompiledNotebook) -> FailedElsewhereError:
    """The code ended, but what it left can not be taken."""
    known = {one.name: one for one in notebook.steps}
    base = step.partition("[")[0]
    where = f"Step {step!r} ({known[base].label} of {notebook.name})" if base in known else step.capitalize()
    unbound = _UNBOUND.search(failed.evalue) if failed.ename == "NameError" else None
    if unbound:
        what, ename = f"{where} ended without assigning {unbound[1]!r}, which it is to give.", "MissingOutputError"
        hint = f"Assign {unbound[1]!r} whichever way the code takes, or take it from the outputs."
    else:
        told, _, hint = failed.evalue.partition("\n  -> ")
        what, ename = f"{failed.ename} at the end of {where[0].lower()}{where[1:]}: {told}", failed.ename
    return FailedElsewhereError(what, hint or failed.error.hint, Failure(ename, what, failed.traceback))


def _place(origin: Mapping[str, Any], failed: FailedCell, notebook: CompiledNotebook) -> Place:
    at = None if failed.line is None else failed.line - 1
    source = tuple(failed.source.splitlines())
    if "cell" in origin:
        return Place(f"cell {origin['cell'] + 1}", source, origin["first_line"], at)
    for label, count in origin.get("pieces", ()):
        if at is None or at < count or len(origin["pieces"]) == 1:
            return _in_ordinary_cell(label, source[:count], at, notebook)
        at, source = at - count, source[count:]
    return Place("", source, 1, at)


def _in_ordinary_cell(label: str, piece: tuple[str, ...], at: int | None, notebook: CompiledNotebook) -> Place:
    """The whole cell, where the piece is found in it."""
    text = next((cell.text for cell in notebook.notebook.cells if cell.label == label), "")
    lines = tuple(plain(text).split("\n"))
    starts = (number for number in range(len(lines)) if lines[number : number + len(piece)] == piece)
    start = next(starts, None)
    if start is None:
        return Place(label, piece, 1, at)
    return Place(label, lines, 1, None if at is None else start + at)


def _around(place: Place) -> list[str]:
    """The failing line among its neighbours, numbered as they are in the cell."""
    if place.at is None:
        return []
    begin, end = max(place.at - AROUND, 0), min(place.at + AROUND + 1, len(place.lines))
    return [
        f"  {'>' if number == place.at else ' '} {number + place.first:>3}  {place.lines[number]}"
        for number in range(begin, end)
    ]
