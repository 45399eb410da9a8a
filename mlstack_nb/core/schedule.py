"""A schedule: when a pipeline runs by itself; a firing: one moment of it, and what became of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlstack_nb.core.run import State


class CatchUp(StrEnum):
    """Which of the firings that were missed still run: none, the last one, or all, one after the other."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a firing while an earlier one of its schedule goes on."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


class Origin(StrEnum):
    """How a firing came about: at its time, too late for its time, or because a person asked for it."""

    SCHEDULED = "scheduled"
    CAUGHT_UP = "caught up"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Has either a `cron` or an interval `every_s`, counted from `created_at`. Times are UTC epoch seconds.

    The target is looked for in `folder`; parameters are texts, as they are typed; without a stack, the one that is
    active at the time is meant. Of every moment up to `settled_until` it has been decided what becomes of it.
    """

    name: str
    target: str
    folder: str
    parameters: Mapping[str, str]
    stack: str | None
    cron: str | None
    every_s: float | None
    zone: str
    grace_s: float
    catch_up: CatchUp
    overlap: Overlap
    note: str
    created_at: float
    settled_until: float
    paused_at: float | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """Known by schedule and `moment`. `run_id` is chosen when it is claimed; one that is skipped has none.

    `state` is `pending` from the claim until the process has started. `reason` says why it was skipped or failed.
    """

    schedule: str
    moment: float
    origin: Origin
    state: State
    claimed_at: float
    run_id: str | None = None
    pid: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    reason: str = ""

    @property
    def lateness_s(self) -> float | None:
        """Seconds from its moment to the start of its process."""
        return None if self.started_at is None else self.started_at - self.moment

    @property
    def duration_s(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at
