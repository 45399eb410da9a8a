"""Code that may be `async`, run to its end where it is called."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any


def awaited(produced: Any) -> Any:
    """The result of an awaitable, found in another thread where a loop runs in this one; anything else as it is."""
    if not isinstance(produced, Awaitable):
        return produced
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    async def whole() -> Any:
        return await produced

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, whole()).result()
