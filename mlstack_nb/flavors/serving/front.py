"""The address that stays: it hands each request to a replica, and to another one where that is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mlstack_nb.flavors.serving.exchange import Answer, Request, passed_on
from mlstack_nb.flavors.serving.replicas import POLL_S, Replicas

PATIENCE_S = 30.0
"""How long a request waits for a healthy replica."""
NOBODY = Answer(503, [(b"content-type", b"text/plain"), (b"retry-after", b"5")], b"No replica is healthy.\n")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Front:
    """`replicas` may be exchanged between two requests; those that are away finish what they have."""

    def __init__(self) -> None:
        self.replicas: Replicas | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            return
        query = scope["query_string"]
        target = scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
        answer = await self._answer(Request(scope["method"], target, passed_on(list(scope["headers"])), body))
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, request: Request) -> Answer:
        """Scoring changes nothing, so that what a replica was lost over is asked again of another."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            replica = self.replicas.pick() if self.replicas is not None else None
            if replica is not None:
                try:
                    return await replica.ask(request)
                except OSError:
                    pass
            await asyncio.sleep(POLL_S)
        return NOBODY


async def _body(receive: Receive) -> bytes | None:
    """None where the client is gone before it has said everything."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
