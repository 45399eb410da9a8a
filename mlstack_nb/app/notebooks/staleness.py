"""Which steps of a notebook file have changed since they ran; found without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from mlstack_nb.app.freshness import lost
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.core.run import StepRun
from mlstack_nb.core.step import FromParameter, FromStep, Literal, Step
from mlstack_nb.core.types import is_data_file
from mlstack_nb.engine.calls import Engine, StepCall, begun
from mlstack_nb.engine.keys import may_reuse
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import MlstackError


class _Standing(Enum):
    FRESH = auto()
    STALE = auto()
    WITHOUT_RESULT = auto()
    UNKNOWN = auto()


def stale_steps(notebook: CompiledNotebook, last: Mapping[str, StepRun], engine: Engine) -> frozenset[str]:
    """The steps whose last step run, as `last` has it, is not what code, inputs and parameters give now.

    A step that reads what ordinary cells compute is not among them as long as no step before it has changed: only a run
    can tell. Nothing is stored.
    """
    codec = Codec(engine.store, engine.codec.materializers, keeps=False)
    engine = replace(engine, codec=codec, notice=lambda _line: None)
    found: dict[str, _Standing] = {}
    for step in notebook.pipeline.ordered():
        found[step.name] = _standing(notebook, notebook.step(step.name), last, engine=engine, found=found)
    return frozenset(name for name, standing in found.items() if standing is _Standing.STALE)


def _standing(
    notebook: CompiledNotebook,
    compiled: CompiledStep,
    last: Mapping[str, StepRun],
    *,
    engine: Engine,
    found: Mapping[str, _Standing],
) -> _Standing:
    step, before = compiled.step, last.get(compiled.name)
    if before is None or not before.key or not before.state.is_final:
        return _Standing.WITHOUT_RESULT
    behind = {found[source.step] for source in step.inputs.values() if isinstance(source, FromStep)}
    if behind & {_Standing.STALE, _Standing.WITHOUT_RESULT}:
        return _Standing.STALE
    if _Standing.UNKNOWN in behind or compiled.values:
        return _Standing.UNKNOWN
    try:
        now = begun(_call(notebook, step, last, engine), engine)
    except MlstackError:
        return _Standing.UNKNOWN
    if now.key != before.key or (before.state.is_good and may_reuse(step.settings) and lost(step, now.key, engine)):
        return _Standing.STALE
    return _Standing.FRESH if before.state.is_good else _Standing.WITHOUT_RESULT


def _call(notebook: CompiledNotebook, step: Step, last: Mapping[str, StepRun], engine: Engine) -> StepCall:
    inputs: dict[str, Value] = {}
    parameters: dict[str, Any] = {}
    for name, source in step.inputs.items():
        match source:
            case FromStep():
                inputs[name] = Value(last[source.step].outputs[source.output], engine.codec)
            case FromParameter():
                parameters[name] = notebook.pipeline.parameters[source.name]
            case Literal():
                parameters[name] = source.value
    folder = Path(notebook.notebook.folder or ".")
    values = {
        name: str(folder / value)
        if isinstance(value, str) and is_data_file(step.input_types.get(name))
        else _below(folder, value)
        for name, value in parameters.items()
    }
    policy = replace(step.settings.policy, files=tuple(str(folder / file) for file in step.settings.policy.files))
    step = replace(step, settings=replace(step.settings, policy=policy))
    return StepCall(step, "", notebook.name, inputs, values)


def _below(folder: Path, value: Any) -> Any:
    """With relative paths as the notebook's kernel means them; a path counts with its name and content alone."""
    if isinstance(value, Path):
        return folder / value
    if type(value) in (list, tuple, set):
        return type(value)(_below(folder, item) for item in value)
    if type(value) is dict:
        return {_below(folder, key): _below(folder, item) for key, item in value.items()}
    return value
