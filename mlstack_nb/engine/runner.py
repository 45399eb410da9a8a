"""The step runner: executes one step wherever it runs, or finds that it need not.

`drive` is a generator, so that one piece of logic serves code that is called and code that is awaited: it
yields the inputs, the driver executes the step's code with them and sends the outputs back, or throws what
the code raised.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from mlstack_nb.core.events import StepEnded, StepStarted
from mlstack_nb.core.hooks import NO_HOOKS
from mlstack_nb.core.naming import with_names
from mlstack_nb.core.notes import Notes, notes, take_notes
from mlstack_nb.core.run import Reason, State, StepRun
from mlstack_nb.core.step import FromStep, Left, Produced
from mlstack_nb.core.types import fits, named
from mlstack_nb.engine.calls import Engine, Handed, StepCall, StepResult, begun
from mlstack_nb.engine.deadline import deadline
from mlstack_nb.engine.environment import in_environment, variables_of
from mlstack_nb.engine.hooks import tell_ended, tell_started
from mlstack_nb.engine.keys import may_reuse
from mlstack_nb.engine.masking import failure_of
from mlstack_nb.engine.retrying import wait_before
from mlstack_nb.engine.reuse import await_result, named_outputs, reused
from mlstack_nb.engine.saving import noted, save_outputs
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
    named_step = with_names(call.step, run_id=call.run_id)
    if named_step is not call.step:
        call = replace(call, step=named_step)
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
    settings = call.step.settings
    before = notes()
    for attempt in range(1, settings.retries + 2):
        took = Notes(call.run_id, call.pipeline, call.step, inputs=call.inputs)
        took.run = began = replace(began, attempt=attempt, logged=took.own)
        try:
            wait_before(attempt, settings, call.stop)
            engine.store.put_sources(call.step.fingerprint)
            if attempt == 1 and settings.hooks.on_start is not None:
                _tell(tell_started, took, call, engine)
            with _tracked(call, engine) as link:
                took.run = began = replace(began, tracker=link)
                if call.apart:
                    left = yield Handed({**call.inputs, **call.parameters}, tracker=link, notes=took)
                else:
                    with _surroundings(call, engine):
                        inputs = {name: _read(value, name, call) for name, value in call.inputs.items()}
                        take_notes(took)
                        left = yield {**inputs, **{name: _own(value) for name, value in call.parameters.items()}}
                produced = Produced.of(left)
                values = _stored(call, engine, produced, took)
            result = _commit(call, engine, began, values, display=engine.store.put_display(produced.display))
        except (KeyboardInterrupt, GeneratorExit):
            _end(engine, replace(began, state=State.CANCELLED, ended_at=time.time()))
            raise
        except BaseException as error:
            if attempt > settings.retries or not isinstance(error, Exception):
                took.run = replace(began, state=State.FAILED, ended_at=time.time(), failure=failure_of(error))
                _end(engine, took.run)
                _tell(tell_ended, took, call, engine, error)
                raise
        else:
            took.run = result.run
            _tell(tell_ended, took, call, engine)
            return result
        finally:
            take_notes(before)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _stored(call: StepCall, engine: Engine, produced: Produced, took: Notes) -> dict[str, Value]:
    """What the code left, with what it told of it."""
    values = save_outputs(call.step, produced.names, engine.codec, pipeline=call.pipeline)
    took.own.update(produced.told)
    return {name: noted(name, value, took) for name, value in values.items()}


@contextmanager
def _surroundings(call: StepCall, engine: Engine) -> Iterator[None]:
    """What holds while the step's code runs in this process."""
    variables = variables_of(call.step, engine.secret_of)
    with in_environment(variables), deadline(call.step.settings.timeout_s, step=call.step.name):
        yield


def _tell(tell: Callable[..., None], took: Notes, *about: Any) -> None:
    """Call the step's hooks, to which the step's context is open."""
    if took.step.settings.hooks is not NO_HOOKS:
        take_notes(took)
        tell(took.run, *about)


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
