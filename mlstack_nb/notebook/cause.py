"""Shows, above the error of a failed pipeline, the traceback of the step's own exception."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from mlstack_nb.errors import StepError
from mlstack_nb.notebook.compilation import Shell

OURS = __name__.partition(".")[0]


def register(shell: Shell) -> None:
    """IPython has one place for such a handler; where somebody took it already, the plain message has to do."""
    if not shell.custom_exceptions:
        shell.set_custom_exc((StepError,), _show)


def unregister(shell: Shell) -> None:
    if shell.custom_exceptions == (StepError,):
        shell.set_custom_exc((), None)


def _show(shell: Shell, kind: type[StepError], error: StepError, *_: Any, **__: Any) -> list[str]:
    cause = error.__cause__
    lines: list[str] = []
    if cause is not None and not hasattr(cause, "_render_traceback_"):
        below = _below_ours(cause.__traceback__)
        lines = [*shell.InteractiveTB.structured_traceback(type(cause), cause, below, tb_offset=0), ""]
    lines += error._render_traceback_()
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - the front end's own way
    return lines


def _below_ours(frames: TracebackType | None) -> TracebackType | None:
    """`frames` from the step's own first one on; all of them where none is."""
    below = frames
    while below is not None and below.tb_frame.f_globals.get("__name__", "").partition(".")[0] == OURS:
        below = below.tb_next
    return below or frames
