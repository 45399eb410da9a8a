"""The step runner: executes one step wherever it runs, or finds that it need not.

`drive` is a generator, so that one piece of logic serves code that is called and code that is awaited: it
yields the inputs, the driver executes the step's code with them and sends the outputs back, or throws what
the code raised.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from mlstack_nb.core.events import StepEnded, StepStarted
from mlstack_nb.core.run import Failure, Reason, State, StepRun
from mlstack_nb.core.step import FromStep, Left, Produced
from mlstack_nb.core.types import fits, named
from mlstack_nb.engine.calls import Engine, Handed, StepCall, StepResult, begun
from mlstack_nb.engine.deadline import deadline
from mlstack_nb.engine.environment import in_environment
from mlstack_nb.engine.keys import may_reuse
from mlstack_nb.engine.reuse import await_result, named_outputs, reused
from mlstack_nb.engine.saving import save_outputs
from mlstack_nb.engine.store import CacheEntry
from mlstack_nb.engine.tracking import tracked
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import (
    DamagedObjectError,
    MaterializerError,
    NotFoundError,
    ObjectMissingError,
    StoreError,
    TypeMismatchError,
)

Driver = Generator[dict[str, Any], Left, StepResult]


def drive(call: StepCall, engine: Engine) -> Driver:
    """Yield the inputs until the code succeeds, fails for good, or is found in the cache (then never).

    What the code raised is raised again once the failure is recorded; KeyboardInterrupt counts as cancelled.
    Nothing is committed unless every output was written.
    """
    began = begun(call, engine)
    hit = await_result(call, engine, began.key)
    if isinstance(hit, CacheEntry):
        result = reused(call, engine, began, hit)
        _end(engine, result.run)
        return result
    if call.only_cached:
        raise NotFoundError(
            f"Step {call.step.name!r} is not to run, but no result of it as it is now is in the cache ({hit}).",
            f"Run it too: --until {call.step.name}",
        )
    began = replace(began, reason=hit)
    engine.emit(StepStarted(began))
    with engine.leases.holding(began.key):
        return (yield from _attempts(call, engine, began))


def _attempts(call: StepCall, engine: Engine, began: StepRun) -> Driver:
    attempts = call.step.settings.retries + 1
    for attempt in range(1, attempts + 1):
        began = replace(began, attempt=attempt)
        try:
            engine.store.put_sources(call.step.fingerprint)
            with _tracked(call, engine) as link:
                began = replace(began, tracker=link)
                if call.apart:
                    left = yield Handed({**call.inputs, **call.parameters}, tracker=link)
                else:
                    settings = call.step.settings
                    with in_environment(settings.environment), deadline(settings.timeout_s, step=call.step.name):
                        inputs = {name: _read(value, name, call) for name, value in call.inputs.items()}
                        left = yield {**inputs, **{name: _own(value) for name, value in call.parameters.items()}}
                produced = Produced.of(left)
                values = save_outputs(call.step, produced.names, engine.codec, pipeline=call.pipeline)
            return _commit(call, engine, began, values, display=engine.store.put_display(produced.display))
        except (KeyboardInterrupt, GeneratorExit):
            _end(engine, replace(began, state=State.CANCELLED, ended_at=time.time()))
            raise
        except BaseException as error:
            last = attempt == attempts or not isinstance(error, Exception)
            if last:
                _end(engine, replace(began, state=State.FAILED, ended_at=time.time(), failure=Failure.of(error)))
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _commit(call: StepCall, engine: Engine, began: StepRun, values: Mapping[str, Value], *, display: str) -> StepResult:
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
        display=display,
    )
    # an earlier result that could not be used, or was not wanted, gives way; that of another process does not
    settings = call.step.settings
    outdates = not may_reuse(settings) or settings.policy.expires_after_s is not None
    outdates = outdates or began.reason is Reason.MATERIALIZER
    truth = engine.store.commit(entry, replace=outdates)
    if truth is not entry:
        values = {
            name: Value(artifact, engine.codec) for name, artifact in named_outputs(call, truth.outputs, engine).items()
        }
    outputs = {name: value.artifact for name, value in values.items()}
    run = replace(began, state=State.COMPLETED, ended_at=ended, outputs=outputs, display=truth.display)
    _end(engine, run)
    return StepResult(run, values, made_here=truth is entry)


def _end(engine: Engine, run: StepRun) -> None:
    if run.state is not State.CACHED:
        engine.store.put_step(run)
    engine.emit(StepEnded(run))


def _read(value: Value, name: str, call: StepCall) -> Any:
    """An input, isolated and of the declared type."""
    step = call.step
    try:
        found = value.get()
    except (MaterializerError, StoreError) as error:
        source, hint = step.inputs.get(name), error.hint
        if isinstance(source, FromStep) and isinstance(error, (DamagedObjectError, ObjectMissingError)):
            hint = f"Run step {source.step!r} again: it makes it anew."
        raise type(error)(f"Input {name!r} of step {step.name!r}: {error.what}", hint) from error.__cause__
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


def _tracked(call: StepCall, engine: Engine) -> AbstractContextManager[dict[str, str] | None]:
    return tracked(call.step, engine.tracker, pipeline=call.pipeline, run_id=call.run_id, parameters=call.parameters)
