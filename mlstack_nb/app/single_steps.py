"""A step that is called on its own as a run with this one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.pipelines import PipelineFunction
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.engine.values import Value

if TYPE_CHECKING:
    from mlstack_nb.app.steps import StepFunction


def run_single(function: StepFunction[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the step gives: a value, or a tuple of them. Raises StepError, as a pipeline does."""

    def alone() -> None:
        function(*args, **kwargs)

    run = PipelineFunction(alone, name=function.name).with_options(enable_cache=False)()
    codec = Runtime.current().engine.codec
    given = run.steps[0].outputs
    values = tuple(Value(given[output.name], codec).get() for output in function.shape.outputs)
    return values if function.shape.is_several else values[0]
