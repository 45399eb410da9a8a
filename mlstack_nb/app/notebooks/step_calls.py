"""What goes to a step that runs in a kernel of its own, and what comes back: two records beside the run's."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.engine.run_records import file_stem, step_path
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import NotFoundError, ObjectMissingError
from mlstack_nb.materializers.pickles import PickleMaterializer

SETUP = "ordinary cells"
"""What the executions are called, with the step's name, that compute values for steps: they are no steps."""
STEP_RUN_VARIABLE = "MLSTACK_STEP_RUN"
"""Set in the kernels that execute steps for a run: its id."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """`given` are inputs and values by the name that the step reads; `outputs` maps its outputs to artifact names.

    `tracker` is the experiment tracker's run that the step belongs to, if there is one.
    """

    pipeline: str
    step: str
    given: Mapping[str, Artifact] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    materializers: Mapping[str, str] = field(default_factory=dict)
    tracker: Mapping[str, str] | None = None

    def write(self, store: Store, run_id: str) -> None:
        data = {
            "pipeline": self.pipeline,
            "step": self.step,
            "given": {name: artifact.to_json() for name, artifact in self.given.items()},
            "outputs": dict(self.outputs),
            "materializers": dict(self.materializers),
            "tracker": self.tracker and dict(self.tracker),
        }
        store.files.write(_call_path(run_id, self.step), json.dumps(data).encode())

    @classmethod
    def read(cls, store: Store, run_id: str, step: str) -> CallRecord:
        """Raises NotFoundError."""
        try:
            data = json.loads(store.files.read(_call_path(run_id, step)))
        except ObjectMissingError:
            raise NotFoundError(
                f"Nothing was handed to step {step!r} of run {run_id} in this store.",
                "Use the stack of that run: mlstack runs show RUN, then mlstack stack set NAME",
            ) from None
        given = {name: Artifact.from_json(artifact) for name, artifact in data.pop("given").items()}
        return cls(given=given, **data)


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that came back. `digest` is what it counts as in a cache key; empty, plain data counts by value and
    everything else by the artifact's own.
    """

    artifact: Artifact
    digest: str = ""
    is_plain: bool = False


def carried(value: Any, name: str, codec: Codec) -> Value:
    """A value of an ordinary cell, stored for as long as its run: a path as the path that it is, not what is there.

    Raises MaterializerError and StoreError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not outlive the run, so no version of a package has to read it
        return codec.save(value, name=name, materializer=PickleMaterializer if _holds_path(value) else None)


def _holds_path(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_path(one) for pair in value.items() for one in pair)
    return isinstance(value, Path) or (
        isinstance(value, list | tuple | set | frozenset) and any(map(_holds_path, value))
    )


def write_kept(store: Store, run_id: str, step: str, kept: Mapping[str, Kept], *, if_absent: bool = False) -> None:
    data = {
        name: {"artifact": one.artifact.to_json(), "digest": one.digest, "is_plain": one.is_plain}
        for name, one in kept.items()
    }
    store.files.write(_kept_path(run_id, step), json.dumps(data).encode(), if_absent=if_absent)


def read_kept(store: Store, run_id: str, step: str) -> dict[str, Kept]:
    """Raises ObjectMissingError where nothing came back."""
    data: dict[str, Any] = json.loads(store.files.read(_kept_path(run_id, step)))
    return {
        name: Kept(Artifact.from_json(one["artifact"]), one["digest"], one["is_plain"]) for name, one in data.items()
    }


def write_told(store: Store, run_id: str, step: str, told: Mapping[str, Any]) -> None:
    """What the step's code told of itself, where it told anything."""
    if told:
        store.files.write(_told_path(run_id, step), json.dumps(dict(told)).encode())


def read_told(store: Store, run_id: str, step: str) -> dict[str, Any]:
    """Empty where it told nothing."""
    try:
        found: dict[str, Any] = json.loads(store.files.read(_told_path(run_id, step)))
    except ObjectMissingError:
        return {}
    return found


def forget_kept(store: Store, run_id: str, step: str) -> None:
    """Before a step runs again: what an earlier attempt left is not its result."""
    store.files.delete(_kept_path(run_id, step))
    store.files.delete(_told_path(run_id, step))


def _told_path(run_id: str, step: str) -> str:
    return f"runs/{run_id}/told/{file_stem(step)}.json"


def _call_path(run_id: str, step: str) -> str:
    return step_path(run_id, step, "call.json")


def _kept_path(run_id: str, step: str) -> str:
    return step_path(run_id, step, "kept.json")
