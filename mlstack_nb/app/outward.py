"""Errors as they leave this package in a script: without frames of its insides."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import TypeVar

from mlstack_nb.errors import MaterializerError, MlstackError, StepError

Failed = TypeVar("Failed", bound=BaseException)

_OURS = (f"{Path(__file__).absolute().parents[1]}{os.sep}", str(Path(contextlib.__file__).absolute()))


def outward(error: Failed) -> Failed:
    """`error`, changed: what is left of its tracebacks is people's own code and the libraries it calls.

    What one of our errors says is all there is to say, so what it was made from goes, too; the exceptions that stay
    are a step's own, and that of a materializer which people wrote.
    """
    cause = error.__cause__
    error.__traceback__ = _without(error.__traceback__, _is_ours)
    if isinstance(error, MlstackError) and not isinstance(error, StepError):
        own = _without(cause.__traceback__, _is_installed) if cause and isinstance(error, MaterializerError) else None
        error.__cause__ = cause.with_traceback(own) if cause and own else None
    elif cause is not None:
        outward(cause)
    return error


def told(error: BaseException) -> str:
    """What a person reads of it in a terminal."""
    if not isinstance(error, MlstackError):
        return "".join(format_exception(outward(error))).rstrip()
    return f"{error.what}\n  -> {error.hint}" if error.hint else error.what


def _without(frames: TracebackType | None, hidden: Callable[[str], bool]) -> TracebackType | None:
    kept: list[TracebackType] = []
    while frames is not None:
        if not hidden(frames.tb_frame.f_code.co_filename):
            kept.append(frames)
        frames = frames.tb_next
    chain: TracebackType | None = None
    for frame in reversed(kept):
        chain = TracebackType(chain, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return chain


def _is_ours(filename: str) -> bool:
    return filename.startswith(_OURS)


def _is_installed(filename: str) -> bool:
    import sysconfig  # with its get_path, 5 ms that only a failure pays

    folders = (sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib"))
    return filename.startswith((*_OURS, *folders))
