"""The folder of a service: the order that a deployer left in it, and what the service reports.

Both are small JSON files that are replaced whole, so that either side may read at any moment.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.ports.owner import Owner

LONGEST_LOG = 5_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be served. In `command` the word `{socket}` stands for the Unix socket of a replica.

    `generation` counts orders; the service brings up the one with the highest it has seen. `port`: of the address that
    stays, 0 for any. `model` is the digest of what is served. A replica is healthy once `health` answers with 200.
    """

    generation: int
    model: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    working_folder: str
    replicas: int
    port: int = 0
    health: str = "/ping"
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Report:
    """What the service is doing. `processes` are its own and those of its healthy replicas, the own one first.

    `generation` is that of the order that is served; `failed` that of the last one which could not be, and `reason`
    tells why, or what is wrong now.
    """

    state: DeploymentState
    port: int
    processes: tuple[Owner, ...]
    generation: int = 0
    failed: int = 0
    reason: str = ""
    restarts: int = 0

    @property
    def is_alive(self) -> bool:
        return not self.processes[0].is_gone


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    path: Path

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        """What the service and its replicas print."""
        return self.path / "log.txt"

    @property
    def models(self) -> Path:
        return self.path / "models"

    def order(self) -> Order | None:
        data = self._read("order")
        return None if data is None else Order(**{**data, "command": tuple(data["command"])})

    def put_order(self, order: Order) -> None:
        self._write("order", asdict(order))

    def report(self) -> Report | None:
        data = self._read("report")
        if data is None:
            return None
        processes = tuple(Owner(**one) for one in data["processes"])
        return Report(**{**data, "state": DeploymentState(data["state"]), "processes": processes})

    def put_report(self, report: Report) -> None:
        self._write("report", asdict(report))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process, and one thread, at a time changes what is to be; the others wait."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def turn_log(self) -> None:
        """A log that has grown long becomes `log.txt.old`; what still writes to it writes there."""
        if self.log_size() > LONGEST_LOG:
            self.log.replace(self.log.with_suffix(".txt.old"))

    def log_since(self, place: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(place)
            return log.read().decode("utf-8", "replace")

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def _write(self, name: str, data: Mapping[str, Any]) -> None:
        aside = self.path / f".{name}-{os.getpid()}"
        aside.write_text(json.dumps(data), encoding="utf-8")
        aside.replace(self.path / f"{name}.json")
