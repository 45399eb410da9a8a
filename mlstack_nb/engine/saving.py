"""Storing what a step gives, wherever its code ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack_nb.core.notes import Notes
from mlstack_nb.core.step import Output, Step
from mlstack_nb.core.types import fits, named
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import MaterializerError, MissingOutputError, StoreError, TypeMismatchError
from mlstack_nb.ports.materializer import BaseMaterializer


def save_outputs(step: Step, produced: Mapping[str, Any], codec: Codec, *, pipeline: str) -> dict[str, Value]:
    """Store what a step's code left under the names of its outputs; what is a `Value` is stored already.

    Raises MissingOutputError, TypeMismatchError, MaterializerError or StoreError, naming step and output.
    """
    values: dict[str, Value] = {}
    for output in step.outputs:
        value = _output(output, step, produced)
        if isinstance(value, Value):
            values[output.name] = _adopted(value, output, step, pipeline)
            continue
        try:
            values[output.name] = _saved(value, output, step, codec, pipeline)
        except (MaterializerError, StoreError) as error:
            what = f"Output {output.name!r} of step {step.name!r} can not be stored: {error.what}"
            raise type(error)(what, error.hint) from error.__cause__
    return values


def _saved(value: Any, output: Output, step: Step, codec: Codec, pipeline: str) -> Value:
    settings = step.settings
    saved = codec.save(
        value,
        name=output.artifact_name(pipeline, step.name),
        materializer=_materializer(step, output, codec),
        metadata=settings.metadata is not False,
        preview=settings.previews is not False,
    )
    return saved if output.config is None else saved.configured(output.config)


def _adopted(value: Value, output: Output, step: Step, pipeline: str) -> Value:
    """What another process has stored, under the name that it has in this run."""
    known = value.called(output.artifact_name(pipeline, step.name))
    if step.settings.metadata is False or step.settings.previews is False:
        known = known.without(metadata=step.settings.metadata is False, preview=step.settings.previews is False)
    return known if output.config is None else known.configured(output.config)


def noted(output: str, value: Value, notes: Notes) -> Value:
    """The value with what the step's code told of it."""
    if output not in notes.outputs and output not in notes.tags:
        return value
    return value.told(notes.outputs.get(output, {}), notes.tags.get(output, ()))


def _output(output: Output, step: Step, produced: Mapping[str, Any]) -> Any:
    if output.name not in produced:
        raise MissingOutputError(
            f"Step {step.name!r} ended without assigning its output {output.name!r}.",
            f"Assign {output.name!r} in the step, or take it from the outputs it declares.",
        )
    value = produced[output.name]
    if isinstance(value, Value):
        return value
    # a cell declares a type as text, and leaves what it evaluated to in its namespace
    declared = produced.get("__annotations__", {}).get(output.name) if isinstance(output.type, str) else output.type
    if declared is not None and not fits(value, declared):
        raise TypeMismatchError(
            f"Output {output.name!r} of step {step.name!r} is declared {named(declared)}, "
            f"but it is a {type(value).__name__}.",
            "Change the annotation, or the value.",
        )
    return value


def _materializer(step: Step, output: Output, codec: Codec) -> type[BaseMaterializer] | None:
    target = step.settings.materializers.get(output.name)
    return codec.materializers.by_target(target) if target else None
