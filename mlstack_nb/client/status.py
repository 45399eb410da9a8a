"""How a run or a step stands, in ZenML's words."""

from __future__ import annotations

from enum import StrEnum

from mlstack_nb.core.run import State


class ExecutionStatus(StrEnum):
    """ZenML's names and values; the catalog's own states are a part of them."""

    INITIALIZING = "initializing"
    PROVISIONING = "provisioning"
    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"
    CACHED = "cached"
    SKIPPED = "skipped"
    RETRYING = "retrying"
    RETRIED = "retried"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RESUMING = "resuming"
    STOPPED = "stopped"
    STOPPING = "stopping"

    @property
    def is_finished(self) -> bool:
        return self.is_successful or self.is_failed or self in (self.SKIPPED, self.RETRIED, self.STOPPED)

    @property
    def is_successful(self) -> bool:
        return self in (self.COMPLETED, self.CACHED)

    @property
    def is_failed(self) -> bool:
        return self in (self.FAILED, self.CANCELLED)


_BY_STATE = {State.PENDING: ExecutionStatus.INITIALIZING}


def status_of(state: State) -> ExecutionStatus:
    return _BY_STATE.get(state) or ExecutionStatus(state.value)


def status_of_run(state: State) -> ExecutionStatus:
    """A run whose steps all came from the cache is completed."""
    return ExecutionStatus.COMPLETED if state is State.CACHED else status_of(state)
