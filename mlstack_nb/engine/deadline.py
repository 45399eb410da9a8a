"""A time limit on a step's code, by the interval timer: it also ends code that waits or sleeps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlstack_nb.errors import StepTimeoutError, UsageError


@contextmanager
def deadline(seconds: float | None, *, step: str) -> Iterator[None]:
    """Raises StepTimeoutError inside the block after `seconds`; None sets no limit.

    Works in the main thread, where kernels and scripts run steps; elsewhere it raises UsageError at once
    rather than let a limit pass unheeded. A timer that was set before is set again afterwards.
    """
    if seconds is None:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise UsageError(f"The timeout of step {step!r} can only be kept in the main thread.", "Run it there.")

    expired = StepTimeoutError(
        f"Step {step!r} ran longer than its timeout of {seconds:g} s.",
        "Give it more time: --timeout SECONDS in its cell, or timeout_s=SECONDS of its @step.",
    )
    has_expired = False

    def expire(_signal: int, _frame: FrameType | None) -> None:
        nonlocal has_expired
        has_expired = True
        raise expired

    before = signal.signal(signal.SIGALRM, expire)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, min(seconds, threading.TIMEOUT_MAX))
    try:
        yield
        if has_expired:  # the step's own `except` has swallowed it
            raise expired
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)
        signal.signal(signal.SIGALRM, before)
