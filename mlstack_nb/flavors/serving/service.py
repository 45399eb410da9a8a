"""The service itself: follows the orders in its folder, and reports."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.flavors.serving.folder import Order, Report, ServiceFolder
from mlstack_nb.flavors.serving.front import Front
from mlstack_nb.flavors.serving.replicas import NotServedError, Replicas
from mlstack_nb.ports.owner import Owner

LOOPBACK = "127.0.0.1"
LOOK_S = 0.1
GRACE_S = 30


class Service:
    """Lives until it is told to end, by SIGTERM; by itself it ends when its first order can not be served."""

    def __init__(self, folder: ServiceFolder, port: int) -> None:
        self._folder = folder
        self._port = port
        self._front = Front()
        self._owner = Owner.of_this_process()
        self._seen = self._failed = 0
        self._reason = ""
        self._reported: Report | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def follow_orders(self) -> None:
        """Raises NotServedError for an order that can not be served while nothing else is."""
        while True:
            order = self._folder.order()
            if order is not None and order.generation > self._seen:
                self._seen = order.generation
                bringing = asyncio.create_task(self._bring_up(order))
                try:
                    while not bringing.done():
                        self._report()
                        await asyncio.sleep(LOOK_S)
                    await bringing
                finally:
                    bringing.cancel()
                    await asyncio.gather(bringing, return_exceptions=True)
            self._report()
            await asyncio.sleep(LOOK_S)

    async def close(self, reason: str = "") -> None:
        """End every replica, and say that it is over: as a failure where there is a reason."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._front.replicas is not None:
            await self._front.replicas.end()
        state = DeploymentState.FAILED if reason else DeploymentState.STOPPED
        self._folder.put_report(Report(state, self._port, (self._owner,), failed=self._failed, reason=reason))

    async def _bring_up(self, order: Order) -> None:
        """Serve it in place of what is served; that leaves when it has answered everything it was asked."""
        self._folder.turn_log()
        fresh = Replicas(order, self._folder)
        try:
            await fresh.bring_up()
        except NotServedError as error:
            self._failed, self._reason = order.generation, str(error)
            if self._front.replicas is None:
                raise
            return
        before, self._front.replicas = self._front.replicas, fresh
        self._reason = ""
        if before is not None:
            leaving = asyncio.create_task(before.drain())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _report(self) -> None:
        replicas = self._front.replicas
        if replicas is None:
            now = Report(DeploymentState.STARTING, self._port, (self._owner,))
        else:
            healthy = [Owner.of(replica.process.pid) for replica in replicas.healthy]
            now = Report(
                DeploymentState.RUNNING if healthy else DeploymentState.FAILED,
                self._port,
                (self._owner, *healthy),
                generation=replicas.order.generation,
                failed=self._failed,
                reason=replicas.reason or self._reason,
                restarts=replicas.restarts,
            )
        if now != self._reported:
            self._folder.put_report(now)
            self._reported = now


class _Server(uvicorn.Server):
    """Signals are the service's own business: the replicas are to end after the last answer, not before."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(folder: ServiceFolder) -> int:
    """The service's whole life; returns its exit code."""
    order = folder.order()
    listener = _listener(order.port if order is not None else 0)
    service = Service(folder, listener.getsockname()[1])
    server = _Server(
        uvicorn.Config(
            service._front,  # noqa: SLF001 - the module's own
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    following = asyncio.create_task(service.follow_orders())
    following.add_done_callback(lambda _: setattr(server, "should_exit", True))
    await server.serve(sockets=[listener])
    following.cancel()
    reason = ""
    try:
        with suppress(asyncio.CancelledError):
            await following
    except NotServedError as error:
        reason = str(error)
    await service.close(reason)
    return 1 if reason else 0


def _listener(port: int) -> socket.socket:
    """On the port where it is free, else on any: who asks for the address finds it in the report."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
    except OSError:
        found.bind((LOOPBACK, 0))
    return found
