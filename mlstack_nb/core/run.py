"""A run: one execution of a plan; a step run: one execution of a step in it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from traceback import format_exception
from typing import Any

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.types import shown

LAST = "last"
"""What stands for the newest run, where a run is named."""
REMOTE = "remote"
"""The mode of a run that an engine outside carries out, so that no process here owns it."""


class State(StrEnum):
    """The only list of states."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (State.PENDING, State.RUNNING)

    @property
    def is_good(self) -> bool:
        return self in (State.COMPLETED, State.CACHED)


class Reason(StrEnum):
    """Why a step's code ran, and nothing was taken from the cache: what became of its entry."""

    NO_ENTRY = "no entry"
    EXPIRED = "expired"
    OBJECTS_MISSING = "objects missing"
    DAMAGED = "damaged"
    CACHE_OFF = "cache off"
    MATERIALIZER = "materializer changed"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed: fit to store, so without values of arguments."""

    type: str
    message: str
    traceback: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Of whatever was raised, also where its own `__str__` raises. An error may bring the failure it stands for."""
        brought = getattr(error, "failure", None)
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        if isinstance(brought, Failure):
            return replace(brought, message=brought.message + notes) if notes else brought
        try:
            message = str(error)
        except Exception:  # noqa: BLE001  (an exception of the user's may do anything)
            message = "(its __str__ raises)"
        return cls(type(error).__name__, message + notes, "".join(format_exception(error)))


@dataclass(frozen=True, slots=True, repr=False)
class StepRun:
    """Times are UTC epoch seconds. `saved_s` is the time the recorded execution took, for a cached step.

    `inputs` maps input names to content digests; `tracker` holds `name`, `run_id` and `url` of the
    experiment tracker's run, when there was one. `reason` is None for a step whose code did not run; `code` is the
    digest of its fingerprint, by which the store has the source of its parts; `display` names what it showed when it
    ran, which the store has, too. `logged` is what its code told of it;
    `aside` what it did to the catalog of a node of its own, as JSON.
    """

    run_id: str
    step: str
    state: State
    key: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
    attempt: int = 1
    saved_s: float = 0.0
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    failure: Failure | None = None
    tracker: Mapping[str, str] | None = None
    reason: Reason | None = None
    code: str = ""
    display: str = ""
    logged: Mapping[str, Any] = field(default_factory=dict)
    aside: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<step run {self.step}: {self.state}>"

    @property
    def duration_s(self) -> float:
        return (self.ended_at - self.started_at) if self.ended_at is not None else 0.0

    def to_json(self) -> dict[str, Any]:
        failure = self.failure
        return {
            "run_id": self.run_id,
            "step": self.step,
            "state": self.state.value,
            "key": self.key,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "duration_s": self.duration_s,
            "attempt": self.attempt,
            "saved_s": self.saved_s,
            "fingerprint": dict(self.fingerprint),
            "inputs": dict(self.inputs),
            "parameters": {name: shown(value) for name, value in self.parameters.items()},
            "outputs": {name: artifact.to_json() for name, artifact in self.outputs.items()},
            "failure": failure and {"type": failure.type, "message": failure.message, "traceback": failure.traceback},
            "tracker": self.tracker and dict(self.tracker),
            "reason": self.reason and self.reason.value,
            "code": self.code,
            "display": self.display,
            "logged": dict(self.logged),
            **({"aside": dict(self.aside)} if self.aside else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StepRun:
        """What `to_json` wrote; a parameter that is not plain data comes back as the text that was shown of it."""
        failure, reason = data["failure"], data["reason"]
        same = ("run_id", "step", "key", "attempt", "saved_s", "fingerprint", "inputs", "tracker", "code", "display")
        return cls(
            state=State(data["state"]),
            started_at=_moment(data["started_at"]) or 0.0,
            ended_at=_moment(data["ended_at"]),
            parameters={name: _unshown(text) for name, text in data["parameters"].items()},
            outputs={name: Artifact.from_json(artifact) for name, artifact in data["outputs"].items()},
            failure=None if failure is None else Failure(**failure),
            reason=None if reason is None else Reason(reason),
            logged=data.get("logged", {}),
            aside=data.get("aside", {}),
            **{name: data[name] for name in same},
        )


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """`mode` is how it was started: `interactive` for cells run one by one, `pipeline` for a whole plan, `remote`.

    `name` is what people call it; most runs have none.
    """

    id: str
    pipeline: str
    stack: str
    state: State
    started_at: float
    ended_at: float | None = None
    mode: str = "pipeline"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[StepRun, ...] = ()
    name: str = ""

    def __repr__(self) -> str:
        steps = f"{len(self.steps)} step{'' if len(self.steps) == 1 else 's'}"
        return f"<run {self.id} of pipeline {self.pipeline} on stack {self.stack}: {self.state}, {steps}>"

    @property
    def duration_s(self) -> float:
        return (self.ended_at - self.started_at) if self.ended_at is not None else 0.0

    def to_json(self) -> dict[str, Any]:
        """Steps in brief: `key` leads to the cache entry, and an executed step has a record of its own."""
        return {
            "id": self.id,
            "name": self.name,
            "pipeline": self.pipeline,
            "stack": self.stack,
            "state": self.state.value,
            "mode": self.mode,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "steps": [
                {
                    "step": step.step,
                    "state": step.state.value,
                    "key": step.key,
                    "started_at": step.started_at,
                    "ended_at": step.ended_at,
                }
                for step in self.steps
            ],
        }


def iso(moment: float | None) -> str | None:
    """UTC ISO 8601 of epoch seconds."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat()


def _moment(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _unshown(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def combined_state(states: list[State]) -> State:
    """The state of a run from those of its steps."""
    for state in (State.RUNNING, State.CANCELLED, State.FAILED, State.PENDING):
        if state in states:
            return state
    return State.CACHED if states and all(state is State.CACHED for state in states) else State.COMPLETED
