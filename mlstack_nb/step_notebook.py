"""What the notebook of a step calls: `take` its inputs, `save` its outputs.

    X, y = take("20261121-093000-1f2e3d", "train", "X", "y")

The run's records are found in the store of the active stack, so such a notebook also runs by itself.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.step_calls import CallRecord, Kept, write_kept
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.digest import UndigestibleError, encode
from mlstack_nb.core.step import Fingerprint, Output, Settings, Step
from mlstack_nb.engine.keys import is_plain, value_digest
from mlstack_nb.engine.values import Value

if TYPE_CHECKING:
    from mlstack_nb.engine.values import Codec

__all__ = ["keep", "save", "take", "track"]


def take(run_id: str, step: str, *names: str) -> tuple[Any, ...]:
    """The values that were handed to a step of a run, in the order of `names`; each is the caller's own."""
    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    return tuple(Value(record.given[name], runtime.engine.codec).get() for name in names)


def track(run_id: str, step: str) -> None:
    """Let what the step logs land in the experiment tracker's run that belongs to it."""
    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    if record.tracker is not None and runtime.engine.tracker is not None:
        runtime.engine.tracker.attach(record.tracker["run_id"])


def save(run_id: str, step: str, /, **outputs: Any) -> None:
    """Store the outputs of a step and hand them to the run. Raises MlstackError for one that can not be stored."""
    from mlstack_nb.engine.saving import save_outputs

    runtime = Runtime.current()
    record = CallRecord.read(runtime.engine.store, run_id, step)
    settings = Settings(materializers=record.materializers)
    made = tuple(Output(name, artifact) for name, artifact in record.outputs.items())
    shape = Step(step, {}, made, Fingerprint(""), settings)
    annotations = getattr(sys.modules["__main__"], "__annotations__", {})
    values = save_outputs(
        shape, {"__annotations__": annotations, **outputs}, runtime.engine.codec, pipeline=record.pipeline
    )
    write_kept(runtime.engine.store, run_id, step, {name: Kept(value.artifact) for name, value in values.items()})


def keep(run_id: str, step: str, /, **values: Any) -> None:
    """Store what ordinary cells computed, each with what it counts as in the keys of the steps that read it."""
    runtime = Runtime.current()
    codec = runtime.engine.codec
    write_kept(runtime.engine.store, run_id, step, {name: _kept(name, value, codec) for name, value in values.items()})


def _kept(name: str, value: Any, codec: Codec) -> Kept:
    """Functions and paths count by what they are here, where their code and files are at hand."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not outlive the run
        artifact = codec.save(value, name=name).artifact
    try:
        encode(value)
    except UndigestibleError:
        return Kept(artifact, value_digest(value, codec) if is_plain(value) else "")
    return Kept(artifact, is_plain=True)
