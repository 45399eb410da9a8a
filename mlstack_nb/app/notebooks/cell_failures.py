"""A cell that failed in the notebook of a step, told by where it stands in the notebook that people wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack_nb.core.run import Failure
from mlstack_nb.errors import FailedElsewhereError

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.kernels.outcome import ExecutedNotebook, FailedCell

AROUND = 2
"""How many lines are shown above and below the one that failed."""


def failed_step(executed: ExecutedNotebook, step: str, notebook: CompiledNotebook) -> FailedElsewhereError:
    failed = executed.failed
    assert failed is not None
    origin = executed.document["cells"][failed.index]["metadata"].get("mlstack", {})
    first_line = origin.get("first_line", 1)
    where = f"cell {origin['cell'] + 1} of {notebook.name}" if origin else f"what step {step!r} needs"
    what = f"{failed.ename} in {where}: {failed.evalue}" if failed.evalue else f"{failed.ename} in {where}"
    what += "".join(f"\n{line}" for line in _lines(failed, first_line))
    return FailedElsewhereError(what, failed.error.hint, Failure(failed.ename, failed.evalue, failed.traceback))


def _lines(failed: FailedCell, first_line: int) -> list[str]:
    """The failing line among its neighbours, numbered as they are in the cell."""
    if failed.line is None:
        return []
    lines = failed.source.splitlines()
    begin, end = max(failed.line - 1 - AROUND, 0), min(failed.line + AROUND, len(lines))
    return [
        f"  {'>' if number == failed.line - 1 else ' '} {number + first_line:>3}  {lines[number]}"
        for number in range(begin, end)
    ]
