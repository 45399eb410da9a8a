"""Waiting before a step is tried again."""

from __future__ import annotations

import threading
import time

from mlstack_nb.core.step import Settings

_TICK_S = 0.05
"""An interrupt of this thread is heard between two ticks."""


def wait_before(attempt: int, settings: Settings, stop: threading.Event | None) -> None:
    """Let the time pass that lies before that attempt, the first of which is 1.

    Raises KeyboardInterrupt as soon as `stop` is set.
    """
    if attempt == 1 or not settings.retry_delay_s:
        return
    until = time.monotonic() + settings.retry_delay_s * settings.retry_backoff ** (attempt - 2)
    while (left := until - time.monotonic()) > 0:
        if stop is None:
            time.sleep(min(left, _TICK_S))
        elif stop.wait(min(left, _TICK_S)):
            raise KeyboardInterrupt
