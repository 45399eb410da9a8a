"""What a `@pipeline` is before anybody runs it: a function whose calls of steps make a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec

from mlstack_nb.app.loaded_code import check_loaded, modules_of
from mlstack_nb.app.names import check_name
from mlstack_nb.app.pipeline_options import RunPlanning
from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.step import Body, Step
from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import signature_of

P = ParamSpec("P")


class PipelineWiring(Generic[P]):
    """A function that wires steps, with what holds for all of them. Raises UsageError for the name."""

    is_dynamic: bool = False

    def __init__(self, function: Callable[P, Any], *, name: str, planning: RunPlanning | None = None) -> None:
        check_name("pipeline", name)
        self.function = function
        self.name = name
        self.planning = planning or RunPlanning()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """In another pipeline: its steps become that one's, and what its function returns is returned.

        What it says for all its steps holds for them there, too, but nothing that it says of its runs.
        """
        outer = wiring.get()
        if outer is None:
            return self.function(*args, **kwargs)
        with outer.nested(self.planning.configured):
            return self.function(*args, **kwargs)

    def build(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Pipeline, Mapping[str, Body]]:
        """Wire the steps without running them."""
        parameters = self.bound(args, kwargs)
        wired = Wiring(configured=self.planning.arguments, pipeline=self)
        token = wiring.set(wired)
        try:
            self.function(**parameters)  # type: ignore[call-arg]
        finally:
            wiring.reset(token)
        if not wired.steps:
            raise UsageError(f"Pipeline {self.name!r} calls no step.", "Call a function with @step in it.")
        self.planning.check_steps(self.name, [step.name for step in wired.steps])
        steps = [self.configured(step) for step in wired.steps]
        pipeline = self.planning.graph(self.name, steps, parameters)
        pipeline.check()
        reached = {id(step.fingerprint): (step.name, step.fingerprint) for step in steps}
        check_loaded(wired.modules | {module: name for name, found in reached.values() for module in modules_of(found)})
        return pipeline, wired.bodies

    def bound(self, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Every argument by name. Raises UsageError, also for one that the code and a file say differently."""
        shape = signature_of(self.function)
        if not self.planning.parameters:
            return shape.bind(args, kwargs, function=self.name)
        from mlstack_nb.app.parameters import typed

        in_file = typed(self.planning.parameters, shape.parameters, of=f"pipeline {self.name!r}")
        in_code = {**dict(zip([one.name for one in shape.parameters], args, strict=False)), **kwargs}
        for name, value in in_file.items():
            if name in in_code and in_code[name] != value:
                raise UsageError(
                    f"Parameter {name!r} of pipeline {self.name!r} is {in_code[name]!r} in the code, but {value!r} in "
                    "the configuration.",
                    "Take it out of one of them.",
                )
        missing = {name: value for name, value in in_file.items() if name not in in_code}
        return shape.bind(args, {**kwargs, **missing}, function=self.name)

    def configured(self, step: Step) -> Step:
        """The step with what the pipeline says of it."""
        return self.planning.configured(step)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"
