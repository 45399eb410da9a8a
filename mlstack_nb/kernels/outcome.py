"""What an execution tells while it runs, and what it leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from mlstack_nb.errors import CellError

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_IN_CELL = re.compile(r"^Cell In\[\d+\], line (\d+)", re.MULTILINE)

Stream = Literal["stdout", "stderr", "display", "error"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened at a cell: its state changed, or it put something out.

    `index` counts from 0 over all `total` cells of the notebook, of which only the code cells are told. With `text`
    comes its stream; results and displays give their plain text, errors their traceback. A text goes on where the
    last one of the cell ended.
    """

    index: int
    cell_id: str
    total: int
    state: Literal["running", "completed", "failed"]
    stream: Stream | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class CellTiming:
    """`started_at` in seconds since 1970."""

    index: int
    cell_id: str
    started_at: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class FailedCell:
    """The cell that the notebook ended at; the cells after it were not executed.

    `ename`, `evalue` and `traceback` (plain text) are of the exception in the cell; where there was none, because the
    kernel died or was stopped, `ename` and `evalue` tell that. `line` counts from 1 in `source`; None when not known.
    `error` says it to a person.
    """

    index: int
    cell_id: str
    source: str
    line: int | None
    ename: str
    evalue: str
    traceback: str
    error: CellError


@dataclass(frozen=True, slots=True)
class ExecutedNotebook:
    """The document with its outputs, also of the cell that failed. `timings` are of the cells that were begun.

    `peak_bytes` is the most memory that the kernel's process used; 0 when not known.
    """

    document: dict[str, Any]
    timings: tuple[CellTiming, ...]
    started_at: float
    duration_s: float
    kernel: str
    failed: FailedCell | None = None
    peak_bytes: int = 0

    def raise_for_failure(self) -> None:
        """Raises the failed cell's CellError, if a cell failed."""
        if self.failed:
            raise self.failed.error


def plain_text(text: str) -> str:
    """Without a terminal's colours."""
    return _ESCAPES.sub("", text)


def line_in_cell(traceback: str) -> int | None:
    """The line of the cell that a plain traceback of IPython's names last."""
    found = _LINE_IN_CELL.findall(traceback)
    return int(found[-1]) if found else None
