"""Leases: a process that finds another one busy with the same step waits for it instead of doing the work twice.

A lease is a small record in the store, `leases/ab/<key>.<n>.json`, whose holder renews it. It only saves work: what
is right does not depend on it, because the cache entry is written once (`Store.commit`). So it is not taken before a
step has run for a moment, and steps that do next to nothing never pay for one. The holder of the newest number
counts; who takes over a dead one's writes the next number, which one process alone can do.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TypeVar

from mlstack_nb.errors import MlstackError, ObjectMissingError
from mlstack_nb.ports.artifact_store import ArtifactStore
from mlstack_nb.ports.owner import Owner

Found = TypeVar("Found")

FIRST_S = 0.1
"""How long a step runs before its lease is taken."""
BEAT_S = 2.0
"""How often a lease is renewed."""
SILENCE_S = 5 * BEAT_S
"""How long a holder on another host may be silent before it counts as dead."""
POLL_S = 0.05
REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Lease:
    """`beat` is when its holder last renewed it, in UTC epoch seconds by the holder's clock."""

    number: int
    owner: Owner
    beat: float

    @property
    def is_live(self) -> bool:
        return not self.owner.is_gone and time.time() - self.beat < SILENCE_S


class Leases:
    """The leases of one store, as this process takes, renews and respects them."""

    def __init__(self, files: ArtifactStore) -> None:
        self._files = files
        self._held: dict[str, _Held] = {}
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._resting = False

    def wait(self, key: str, found: Callable[[], Found | None], *, notice: Callable[[Owner], None]) -> Found | None:
        """Wait while another live process works on `key`; then what `found` finds, None where it left nothing.

        `notice` is told once who is waited for.
        """
        told = False
        while (lease := self._newest(key)) is not None and lease.is_live and lease.owner != Owner.of_this_process():
            if not told:
                notice(lease.owner)
                told = True
            time.sleep(POLL_S)
            result = found()
            if result is not None:
                return result
        return found() if told else None

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Inside, this process works on `key`, and others learn of it when that takes longer than a moment."""
        held = _Held(time.monotonic() + FIRST_S)
        with self._changed:
            self._held[key] = held
            # a fork takes the object along, but not the thread
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._keep, name="mlstack leases", daemon=True)
                self._keeper.start()
            elif self._resting:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._held.pop(key, None)
                if held.number is not None:
                    self._release(key, held.number)

    def _keep(self) -> None:
        """Take and renew leases while there are any; one thread for all of them.

        It rests only after a while without any, so that a chain of short steps does not wake it for each.
        """
        busy_until = time.monotonic() + REST_S
        while True:
            with self._changed:
                if not self._held and time.monotonic() > busy_until:
                    self._resting = True
                    self._changed.wait_for(lambda: self._held)
                    self._resting = False
                now = time.monotonic()
                if self._held:
                    busy_until = now + REST_S
                for key, held in self._held.items():
                    if held.due <= now:
                        held.due = now + BEAT_S
                        self._renew(key, held)
            time.sleep(FIRST_S / 2)

    def _renew(self, key: str, held: _Held) -> None:
        owner = Owner.of_this_process()
        try:
            if held.number is None:
                newest = self._newest(key)
                number = 0 if newest is None else newest.number + 1
                if newest is not None and newest.is_live:
                    return
                if self._files.write(_path(key, number), _record(owner), if_absent=True):
                    held.number = number
            else:
                self._files.write(_path(key, held.number), _record(owner))
        except MlstackError:
            # a store that can not be written is the step's own error, at its commit; the next beat tries again
            return

    def _release(self, key: str, number: int) -> None:
        for older in range(number, -1, -1):
            self._files.delete(_path(key, older))

    def _newest(self, key: str) -> Lease | None:
        newest = None
        number = 0
        while True:
            try:
                data = json.loads(self._files.read(_path(key, number)))
            except ObjectMissingError:
                return newest
            newest = Lease(number, Owner(**data["owner"]), data["beat"])
            number += 1


@dataclass(slots=True)
class _Held:
    """`due`: when the lease is to be taken or renewed, on the monotonic clock; `number`: set once it is taken."""

    due: float
    number: int | None = None


def _path(key: str, number: int) -> str:
    return f"leases/{key[:2]}/{key}.{number}.json"


def _record(owner: Owner) -> bytes:
    return json.dumps({"owner": asdict(owner), "beat": time.time()}).encode()
