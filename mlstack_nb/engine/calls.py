"""One execution of a step that is to be: what it is given, and what it gives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.core.events import Listener
from mlstack_nb.core.notes import Notes
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.step import FromArtifact, Step
from mlstack_nb.engine.environment import LookUp, environment_parts, no_secrets
from mlstack_nb.engine.keys import cache_key, content_parts, parameter_digest
from mlstack_nb.engine.lease import Leases
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import MaterializerError, NotFoundError, StoreError
from mlstack_nb.ports.experiment_tracker import ExperimentTracker
from mlstack_nb.ports.orchestrator import Orchestrator


def nothing_known(source: FromArtifact) -> Any:
    """A `recall` where there is no catalog."""
    raise NotFoundError(f"There is no artifact {source.name!r} here.", "Run mlstack artifacts list where it was made.")


@dataclass(frozen=True)
class Engine:
    """A stack made live: how values are stored, where steps run, what tracks them, who listens to events.

    `notice` tells the person in front of it a line that no event stands for. `recall` gives what an input stands for
    that is an artifact of earlier: a `Value`, or what was told of it.
    """

    codec: Codec
    leases: Leases
    orchestrator: Orchestrator
    tracker: ExperimentTracker | None
    emit: Listener
    notice: Callable[[str], None]
    secret_of: LookUp = no_secrets
    recall: Callable[[FromArtifact], Any] = nothing_known

    @property
    def store(self) -> Store:
        return self.codec.store


@dataclass(frozen=True, slots=True)
class StepCall:
    """One execution to be: `inputs` are stored values (of steps and captured ones), `parameters` plain ones.

    `only_cached`: it must not run, its result is to be in the cache. `resumes` are ids of runs whose results are good
    enough for a step that is not cached otherwise. `apart`: its code runs in another process, which loads its inputs,
    keeps its time and stores its outputs itself. `stop` is set when everything is to end.
    """

    step: Step
    run_id: str
    pipeline: str
    inputs: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    only_cached: bool = False
    resumes: frozenset[str] = frozenset()
    apart: bool = False
    stop: threading.Event | None = None


class Handed(dict[str, Any]):
    """What a step that runs apart is given: inputs that are not loaded, parameters, its experiment tracker's run.

    What its code tells where it runs is to be added to `notes`.
    """

    def __init__(self, names: Mapping[str, Any], *, tracker: Mapping[str, str] | None, notes: Notes) -> None:
        super().__init__(names)
        self.tracker = tracker
        self.notes = notes


@dataclass(frozen=True, slots=True)
class StepResult:
    """`made_here`: the outputs are what this process just made, not what the cache or another process had."""

    run: StepRun
    outputs: Mapping[str, Value]
    made_here: bool = False


def begun(call: StepCall, engine: Engine) -> StepRun:
    """The step run that `call` is about to be, with its cache key; nothing is run or recorded."""
    codec = engine.codec
    inputs = {name: value.artifact.digest for name, value in call.inputs.items()}
    parameters = {name: _digest_of(value, name, call.step, codec) for name, value in call.parameters.items()}
    environment = environment_parts(call.step, engine.store, engine.secret_of)
    contents = content_parts(call.step, call.parameters, parameters)
    return StepRun(
        run_id=call.run_id,
        step=call.step.name,
        state=State.RUNNING,
        key=cache_key(call.step, inputs=inputs, parameters=parameters, environment=environment),
        started_at=time.time(),
        fingerprint={**call.step.fingerprint.parts, **contents, **environment},
        inputs=inputs,
        parameters=call.parameters,
        code=call.step.fingerprint.digest,
    )


def _digest_of(value: Any, name: str, step: Step, codec: Codec) -> str:
    try:
        return parameter_digest(value, step.input_types.get(name), codec)
    except (MaterializerError, StoreError) as error:
        what = f"Input {name!r} of step {step.name!r} can not be stored: {error.what}"
        raise type(error)(what, error.hint) from error.__cause__
    except OSError as error:
        what = f"Input {name!r} of step {step.name!r} can not be read: {error}."
        raise MaterializerError(what, "Check the path and its permissions.") from error
