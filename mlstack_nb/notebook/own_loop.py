"""Waits for a coroutine where the thread's own event loop is busy with the cell that waits."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` to its end in a thread with a loop of its own, in this context; an interrupt cancels it."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = []

    async def followed() -> Result:
        begun.append((asyncio.get_running_loop(), asyncio.current_task()))
        return await coroutine

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(copy_context().run, asyncio.run, followed())
        try:
            return future.result()
        except KeyboardInterrupt:
            if not future.done():
                for loop, task in begun:
                    if task is not None:
                        loop.call_soon_threadsafe(task.cancel)
            return future.result()
