"""What the notebook of a step calls: `take` its inputs, `save` its outputs.

    X, y = take("20261121-093000-1f2e3d", "train", "X", "y")

The run's records are found in the store of the active stack, so such a notebook also runs by itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.step_calls import (
    SETUP,
    STEP_RUN_VARIABLE,
    CallRecord,
    Kept,
    carried,
    write_kept,
    write_told,
)
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.digest import UndigestibleError, encode
from mlstack_nb.core.notes import Notes, notes, take_notes_in_process
from mlstack_nb.core.step import Fingerprint, Output, Settings, Step
from mlstack_nb.engine.keys import is_plain, value_digest
from mlstack_nb.engine.tracking import track_in_process
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.engine.values import Codec

__all__ = ["begin", "keep", "save", "take", "track"]


def begin(run_id: str, step: str) -> None:
    """Let what the step's code tells, of itself and of its outputs, be kept with its results.

    Does nothing where a person executes the notebook again: then it tells nobody.
    """
    _began(run_id, CallRecord.read(Runtime.current().engine.store, run_id, step))


def _began(run_id: str, record: CallRecord) -> None:
    if os.environ.get(STEP_RUN_VARIABLE) == run_id and not record.step.startswith(SETUP) and notes() is None:
        codec = Runtime.current().engine.codec
        given = {name: Value(artifact, codec) for name, artifact in record.given.items()}
        take_notes_in_process(Notes(run_id, record.pipeline, _shape(record), inputs=given))


def _shape(record: CallRecord) -> Step:
    """As far as the record tells."""
    made = tuple(Output(name, artifact) for name, artifact in record.outputs.items())
    return Step(record.step, {}, made, Fingerprint(""), Settings(materializers=record.materializers))


def take(run_id: str, step: str, *names: str) -> tuple[Any, ...]:
    """The values that were handed to a step of a run, in the order of `names`; each is the caller's own.

    Raises NotFoundError for one that was not kept, and what loading raises.
    """
    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    _began(run_id, record)
    lost = [name for name in names if name not in record.given]
    if lost:
        raise NotFoundError(
            f"What step {step!r} of run {run_id} read as {lost[0]!r} is not kept anywhere.",
            f"Assign {lost[0]!r} here, or run the step again in its notebook.",
        )
    return tuple(Value(record.given[name], runtime.engine.codec).get() for name in names)


def track(run_id: str, step: str) -> None:
    """Let what the step logs land in the experiment tracker's run that belongs to it."""
    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    _began(run_id, record)
    if record.tracker is not None and runtime.engine.tracker is not None:
        track_in_process(runtime.engine.tracker, record.tracker["run_id"])


def save(run_id: str, step: str, /, **outputs: Any) -> None:
    """Store the outputs of a step and hand them to the run. Raises MlstackError for one that can not be stored."""
    from mlstack_nb.engine.saving import noted, save_outputs

    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    annotations = getattr(sys.modules["__main__"], "__annotations__", {})
    values = save_outputs(
        _shape(record), {"__annotations__": annotations, **outputs}, runtime.engine.codec, pipeline=record.pipeline
    )
    if (told := notes()) is not None:
        values = {name: noted(name, value, told) for name, value in values.items()}
        write_told(runtime.engine.store, run_id, step, told.own)
    write_kept(runtime.engine.store, run_id, step, {name: Kept(value.artifact) for name, value in values.items()})


def keep(run_id: str, step: str, /, **values: Any) -> None:
    """Store what ordinary cells computed, each with what it counts as in the keys of the steps that read it.

    Of several nodes that do so at the same time the first one counts, so that all steps of the run read the same.
    """
    runtime = Runtime.current()
    codec = runtime.engine.codec
    kept = {name: _kept(name, value, codec) for name, value in values.items()}
    write_kept(runtime.engine.store, run_id, step, kept, if_absent=True)


def _kept(name: str, value: Any, codec: Codec) -> Kept:
    """Functions and paths count by what they are here, where their code and files are at hand."""
    artifact = carried(value, name, codec).artifact
    try:
        encode(value)
    except UndigestibleError:
        return Kept(artifact, value_digest(value, codec) if is_plain(value) else "")
    return Kept(artifact, is_plain=True)
