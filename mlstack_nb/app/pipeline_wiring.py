"""What a `@pipeline` is before anybody runs it: a function whose calls of steps make a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, ParamSpec

from mlstack_nb.app.loaded_code import check_loaded, modules_of
from mlstack_nb.app.names import check_name
from mlstack_nb.app.steps import Wiring, wiring
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Body, Step
from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import signature_of

P = ParamSpec("P")


class PipelineWiring(Generic[P]):
    """A function that wires steps, with what holds for all of them. Raises UsageError for the name."""

    def __init__(
        self, function: Callable[P, Any], *, name: str, enable_cache: bool | None, cache_policy: CachePolicy | None
    ) -> None:
        check_name("pipeline", name)
        self.function = function
        self.name = name
        self.enable_cache = enable_cache
        self.cache_policy = cache_policy

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """In another pipeline: its steps become that one's, and what its function returns is returned."""
        return self.function(*args, **kwargs)

    def build(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Pipeline, Mapping[str, Body]]:
        """Wire the steps without running them."""
        shape = signature_of(self.function)
        parameters = shape.bind(args, kwargs, function=self.name)
        wired = Wiring()
        token = wiring.set(wired)
        try:
            self.function(**parameters)  # type: ignore[call-arg]
        finally:
            wiring.reset(token)
        if not wired.steps:
            raise UsageError(f"Pipeline {self.name!r} calls no step.", "Call a function with @step in it.")
        steps = [self.configured(step) for step in wired.steps]
        pipeline = Pipeline(self.name, tuple(steps), parameters)
        pipeline.check()
        reached = {id(step.fingerprint): (step.name, step.fingerprint) for step in steps}
        check_loaded(wired.modules | {module: name for name, found in reached.values() for module in modules_of(found)})
        return pipeline, wired.bodies

    def configured(self, step: Step) -> Step:
        """The step with what the pipeline says and the step itself does not."""
        settings = step.settings
        if self.enable_cache is False:
            settings = replace(settings, cache=False)
        if self.cache_policy is not None and settings.policy == CachePolicy():
            settings = replace(settings, policy=self.cache_policy)
        return replace(step, settings=settings)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"
