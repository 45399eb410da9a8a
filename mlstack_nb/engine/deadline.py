"""A time limit on a step's code: in the main thread by the interval timer, which ends code that sleeps, too."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlstack_nb.errors import StepTimeoutError
from mlstack_nb.ports.interruption import interrupt_thread


@contextmanager
def deadline(seconds: float | None, *, step: str) -> Iterator[None]:
    """Raises StepTimeoutError inside the block after `seconds`; None sets no limit.

    In another thread the step hears of it at the next line of Python that it executes. A timer that was set before
    is set again afterwards.
    """
    if seconds is None:
        yield
        return
    expired = StepTimeoutError(
        f"Step {step!r} ran longer than its timeout of {seconds:g} s.",
        "Give it more time: --timeout SECONDS in its cell, or timeout_s=SECONDS of its @step.",
    )
    limit = _by_timer if threading.current_thread() is threading.main_thread() else _by_thread
    with limit(seconds, expired):
        yield


@contextmanager
def _by_timer(seconds: float, expired: StepTimeoutError) -> Iterator[None]:
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


@contextmanager
def _by_thread(seconds: float, expired: StepTimeoutError) -> Iterator[None]:
    thread, lock = threading.get_ident(), threading.Lock()
    has_expired = has_ended = False
    # the other thread is given a class; it may raise it anywhere, also while the block is being left
    kind = type("StepTimeoutError", (StepTimeoutError,), {"__init__": lambda self: _copy(expired, self)})

    def expire() -> None:
        nonlocal has_expired
        with lock:
            if not has_ended:
                has_expired = True
                interrupt_thread(thread, kind)

    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            has_ended = True
        interrupt_thread(thread, None)  # what is on its way would come after the block
    if has_expired:  # the step's own `except` has swallowed it
        raise expired


def _copy(expired: StepTimeoutError, into: StepTimeoutError) -> None:
    StepTimeoutError.__init__(into, expired.what, expired.hint)
