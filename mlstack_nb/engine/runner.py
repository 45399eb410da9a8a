"""The step runner: executes one step wherever it runs, or finds that it need not.

`drive` is a generator, so that one piece of logic serves code that is called and code that is awaited: it
yields the inputs, the driver executes the step's code with them and sends the outputs back, or throws what
the code raised.
"""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.core.events import Listener, StepEnded, StepStarted
from mlstack_nb.core.run import Failure, State, StepRun
from mlstack_nb.core.step import Output, Step
from mlstack_nb.core.types import fits, named
from mlstack_nb.engine.deadline import deadline
from mlstack_nb.engine.keys import cache_key, value_digest
from mlstack_nb.engine.store import CacheEntry, Store
from mlstack_nb.engine.values import Codec, Value, renamed
from mlstack_nb.errors import (
    ConfigError,
    DamagedObjectError,
    MaterializerError,
    MissingOutputError,
    ObjectMissingError,
    TypeMismatchError,
)
from mlstack_nb.ports.experiment_tracker import ExperimentTracker
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.orchestrator import Orchestrator

Driver = Generator[dict[str, Any], Mapping[str, Any], "StepResult"]


@dataclass(frozen=True)
class Engine:
    """A stack made live: how values are stored, where steps run, what tracks them, and who listens to events."""

    codec: Codec
    orchestrator: Orchestrator
    tracker: ExperimentTracker | None
    emit: Listener

    @property
    def store(self) -> Store:
        return self.codec.store


@dataclass(frozen=True, slots=True)
class StepCall:
    """One execution to be: `inputs` are stored values (of steps and captured ones), `parameters` plain ones."""

    step: Step
    run_id: str
    pipeline: str
    inputs: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepResult:
    """`made_here`: the outputs are what this process just made, not what the cache or another process had."""

    run: StepRun
    outputs: Mapping[str, Value]
    made_here: bool = False


def drive(call: StepCall, engine: Engine) -> Driver:
    """Yield the inputs until the code succeeds, fails for good, or is found in the cache (then never).

    What the code raised is raised again once the failure is recorded; KeyboardInterrupt counts as cancelled.
    Nothing is committed unless every output was written.
    """
    began = _began(call, engine)
    hit = engine.store.entry(began.key) if call.step.settings.cache else None
    if hit is not None:
        return _reuse(call, engine, began, hit)
    engine.emit(StepStarted(began))
    attempts = call.step.settings.retries + 1
    for attempt in range(1, attempts + 1):
        began = replace(began, attempt=attempt)
        try:
            with _tracked(call, engine) as tracked:
                began = replace(began, tracker=tracked)
                with deadline(call.step.settings.timeout_s, step=call.step.name):
                    inputs = {name: _read(value, name, call) for name, value in call.inputs.items()}
                    produced = yield {**inputs, **{name: _own(value) for name, value in call.parameters.items()}}
                values = _save(call, engine, produced)
            return _commit(call, engine, began, values)
        except (KeyboardInterrupt, GeneratorExit):
            _end(engine, replace(began, state=State.CANCELLED, ended_at=time.time()))
            raise
        except BaseException as error:
            last = attempt == attempts or not isinstance(error, Exception)
            if last:
                failure = Failure(type(error).__name__, str(error), "".join(traceback.format_exception(error)))
                _end(engine, replace(began, state=State.FAILED, ended_at=time.time(), failure=failure))
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _began(call: StepCall, engine: Engine) -> StepRun:
    codec = engine.codec
    inputs = {name: value.artifact.digest for name, value in call.inputs.items()}
    parameters = {name: value_digest(value, codec) for name, value in call.parameters.items()}
    return StepRun(
        run_id=call.run_id,
        step=call.step.name,
        state=State.RUNNING,
        key=cache_key(call.step, inputs=inputs, parameters=parameters),
        started_at=time.time(),
        fingerprint=call.step.fingerprint.parts,
        inputs=inputs,
        parameters=call.parameters,
    )


def _reuse(call: StepCall, engine: Engine, began: StepRun, hit: CacheEntry) -> StepResult:
    outputs = _named(call, hit.outputs)
    run = replace(began, state=State.CACHED, ended_at=time.time(), outputs=outputs, saved_s=hit.duration_s)
    _end(engine, run)
    return StepResult(run, {name: Value(artifact, engine.codec) for name, artifact in outputs.items()})


def _commit(call: StepCall, engine: Engine, began: StepRun, values: Mapping[str, Value]) -> StepResult:
    """Make the step's work the truth of its key. When another process was first, its outputs are this run's, too."""
    ended = time.time()
    entry = CacheEntry(
        key=began.key,
        step=call.step.name,
        run_id=call.run_id,
        ended_at=ended,
        duration_s=ended - began.started_at,
        outputs={name: value.artifact for name, value in values.items()},
        fingerprint=began.fingerprint,
        inputs=began.inputs,
    )
    truth = engine.store.commit(entry, replace=not call.step.settings.cache)
    if truth is not entry:
        values = {name: Value(artifact, engine.codec) for name, artifact in _named(call, truth.outputs).items()}
    outputs = {name: value.artifact for name, value in values.items()}
    run = replace(began, state=State.COMPLETED, ended_at=ended, outputs=outputs)
    _end(engine, run)
    return StepResult(run, values, made_here=truth is entry)


def _end(engine: Engine, run: StepRun) -> None:
    if run.state is not State.CACHED:
        engine.store.put_step(run)
    engine.emit(StepEnded(run))


def _named(call: StepCall, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The artifacts of a cache entry under the names they have in this pipeline."""
    names = {output.name: output.artifact_name(call.pipeline, call.step.name) for output in call.step.outputs}
    return {name: renamed(artifact, names[name]) for name, artifact in outputs.items()}


def _read(value: Value, name: str, call: StepCall) -> Any:
    """An input, isolated and of the declared type."""
    step = call.step
    try:
        found = value.get()
    except (DamagedObjectError, ObjectMissingError) as error:
        raise type(error)(f"Input {name!r} of step {step.name!r}: {error.what}", error.hint) from error
    declared = step.input_types.get(name)
    if declared is not None and not fits(found, declared):
        raise TypeMismatchError(
            f"Input {name!r} of step {step.name!r} is declared {named(declared)}, "
            f"but artifact {value.artifact.name!r} is a {value.artifact.type}.",
            f"Change the annotation of {name!r}, or what the step before it returns.",
        )
    return found


def _own(value: Any) -> Any:
    """A parameter that the step may change without anybody seeing it."""
    return copy.deepcopy(value) if isinstance(value, (list, dict, set, bytearray)) else value


def _save(call: StepCall, engine: Engine, produced: Mapping[str, Any]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for output in call.step.outputs:
        value = _output(output, call.step, produced)
        name = output.artifact_name(call.pipeline, call.step.name)
        try:
            values[output.name] = engine.codec.save(
                value, name=name, materializer=_materializer(call.step, output, engine)
            )
        except MaterializerError as error:
            what = f"Output {output.name!r} of step {call.step.name!r} can not be stored: {error.what}"
            raise type(error)(what, error.hint) from error
    return values


def _output(output: Output, step: Step, produced: Mapping[str, Any]) -> Any:
    if output.name not in produced:
        raise MissingOutputError(
            f"Step {step.name!r} ended without assigning its output {output.name!r}.",
            f"Assign {output.name!r} in the step, or take it from the outputs it declares.",
        )
    value = produced[output.name]
    # a cell declares a type as text, and leaves what it evaluated to in its namespace
    declared = produced.get("__annotations__", {}).get(output.name) if isinstance(output.type, str) else output.type
    if declared is not None and not fits(value, declared):
        raise TypeMismatchError(
            f"Output {output.name!r} of step {step.name!r} is declared {named(declared)}, "
            f"but it is a {type(value).__name__}.",
            "Change the annotation, or the value.",
        )
    return value


def _materializer(step: Step, output: Output, engine: Engine) -> type[BaseMaterializer] | None:
    target = step.settings.materializers.get(output.name)
    return engine.codec.materializers.by_target(target) if target else None


@contextmanager
def _tracked(call: StepCall, engine: Engine) -> Iterator[dict[str, str] | None]:
    """Inside the tracker's run when the step asks for one; yields what links to it."""
    wanted = call.step.settings.tracker
    tracker = engine.tracker
    check_tracker(call.step, engine)
    if wanted is None or tracker is None:
        yield None
        return
    with tracker.track(
        step=call.step.name, pipeline=call.pipeline, run_id=call.run_id, parameters=call.parameters
    ) as tracked:
        yield {"name": tracker.name, "run_id": tracked.run_id, "url": tracked.url}


def check_tracker(step: Step, engine: Engine) -> None:
    """Raises ConfigError when `step` asks for a tracker that the stack does not have."""
    wanted = step.settings.tracker
    tracker = engine.tracker
    if wanted is None or (tracker is not None and wanted in ("", tracker.name)):
        return
    what = f"Step {step.name!r} asks for " + (
        f"the experiment tracker {wanted!r}" if wanted else "an experiment tracker"
    )
    if tracker is None:
        raise ConfigError(
            f"{what}, but the active stack has none.",
            "Set a stack that has one (mlstack stack list), or register one: "
            "mlstack component register experiment_tracker NAME --flavor mlflow",
        )
    raise ConfigError(f"{what}; the active stack's tracker is {tracker.name!r}.", f"Ask for {tracker.name!r}.")
