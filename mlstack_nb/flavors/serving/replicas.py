"""The replicas of one order: processes that are started, watched and replaced, and get requests in turn."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from pathlib import Path

from mlstack_nb.flavors.serving.exchange import Answer, Request, exchange
from mlstack_nb.flavors.serving.folder import Order, ServiceFolder

POLL_S = 0.05
HEALTH_S = 5.0
"""How often a replica is asked whether it is well."""
SILENT_S = 60.0
"""So long without an answer it counts as hung, and is replaced."""
DRAIN_S = 60.0
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SHOWN_CHARACTERS = 500


class NotServedError(Exception):
    """A replica ended, or kept silent, before it was healthy; the text tells why."""


class Replica:
    def __init__(self, order: Order, process: subprocess.Popen[bytes], place: str) -> None:
        self.process = process
        self.place = place
        self.in_flight = 0
        self.answered_at = time.monotonic()
        self._health = Request("GET", order.health.encode(), [])

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    async def ask(self, request: Request) -> Answer:
        """Raises OSError where it gives no whole answer."""
        self.in_flight += 1
        try:
            return await exchange(self.place, request)
        finally:
            self.in_flight -= 1

    async def is_well(self) -> bool:
        try:
            answer = await asyncio.wait_for(exchange(self.place, self._health), HEALTH_S)
        except (OSError, TimeoutError):
            return False
        self.answered_at = time.monotonic()
        return answer.status == 200

    async def end(self) -> None:
        """Stop it, by force where asking does not help."""
        if not self.has_ended:
            self.process.terminate()
        deadline = time.monotonic() + 10
        while not self.has_ended:
            if time.monotonic() > deadline:
                self.process.kill()
            await asyncio.sleep(POLL_S)


class Replicas:
    """`started` are all that there are; `healthy` those that get requests."""

    def __init__(self, order: Order, folder: ServiceFolder) -> None:
        self.order = order
        self.started: set[Replica] = set()
        self.healthy: list[Replica] = []
        self.restarts = 0
        self.reason = ""
        self._folder = folder
        self._keepers: list[asyncio.Task[None]] = []
        self._sockets = tempfile.TemporaryDirectory(prefix="mlstack-")  # a socket's path must be short
        self._count = 0

    async def bring_up(self) -> None:
        """Returns once all are healthy. Raises NotServedError, after which none is left."""
        tasks = [asyncio.create_task(self._healthy_one()) for _ in range(self.order.replicas)]
        try:
            self.healthy += await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.end()
            raise
        self._keepers = [asyncio.create_task(self._keep(replica)) for replica in self.healthy]

    def pick(self) -> Replica | None:
        """The healthy one with the least to do."""
        return min(self.healthy, key=lambda replica: replica.in_flight, default=None)

    async def drain(self) -> None:
        """End all, each after it has answered what it was asked. Nobody may ask them anything new."""
        deadline = time.monotonic() + DRAIN_S
        try:
            while self._is_busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - each counts its own
                await asyncio.sleep(POLL_S)
        finally:
            await self.end()

    async def end(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self.healthy.clear()
        await asyncio.gather(*(replica.end() for replica in self.started))
        self.started.clear()
        self._sockets.cleanup()

    def _is_busy(self) -> bool:
        return any(replica.in_flight for replica in self.started)

    async def _keep(self, replica: Replica) -> None:
        """Replace it, and what comes after it, whenever it has ended or hangs; a pause grows with each that fails."""
        pause = SHORTEST_PAUSE_S
        while True:
            began = time.monotonic()
            await self._until_lost(replica)
            self.healthy.remove(replica)
            await self._drop(replica)
            self.reason = f"a replica ended ({replica.process.returncode}) and is being replaced"
            if time.monotonic() - began > LONGEST_PAUSE_S:
                pause = SHORTEST_PAUSE_S
            while True:
                self.restarts += 1
                try:
                    replica = await self._healthy_one()
                except NotServedError as error:
                    self.reason = str(error)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
                else:
                    break
            self.healthy.append(replica)
            self.reason = ""

    async def _until_lost(self, replica: Replica) -> None:
        asked_at = time.monotonic()
        while not replica.has_ended:
            now = time.monotonic()
            if now - asked_at > HEALTH_S:
                asked_at = now
                if not await replica.is_well() and now - replica.answered_at > SILENT_S:
                    return
            await asyncio.sleep(POLL_S)

    async def _healthy_one(self) -> Replica:
        place = self._folder.log_size()
        replica = self._start()
        try:
            await self._until_well(replica, place)
        except BaseException:
            await self._drop(replica)
            raise
        return replica

    async def _until_well(self, replica: Replica, place: int) -> None:
        deadline = time.monotonic() + self.order.timeout_s
        while not await replica.is_well():
            if replica.has_ended:
                raise NotServedError(self._last_words(place, f"it ended with code {replica.process.returncode}"))
            if time.monotonic() > deadline:
                raise NotServedError(self._last_words(place, f"it gave no answer in {self.order.timeout_s:g} s"))
            await asyncio.sleep(POLL_S)

    def _start(self) -> Replica:
        self._count += 1
        place = str(Path(self._sockets.name) / str(self._count))
        order = self.order
        folder = order.working_folder if Path(order.working_folder).is_dir() else str(self._folder.path)
        with self._folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the command that the deployer wrote
                [word.replace("{socket}", place) for word in order.command],
                cwd=folder,
                env={**os.environ, **order.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        replica = Replica(order, process, place)
        self.started.add(replica)
        return replica

    async def _drop(self, replica: Replica) -> None:
        await replica.end()
        self.started.discard(replica)

    def _last_words(self, place: int, what: str) -> str:
        """The last line of a traceback says what was wrong; the rest is in the log."""
        said = [line for line in self._folder.log_since(place).splitlines() if line.strip()]
        return f"{what}: {said[-1].strip()[:SHOWN_CHARACTERS]}" if said else what
