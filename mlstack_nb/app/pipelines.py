"""`@pipeline`: a function that wires steps, run on the active stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, ParamSpec, cast, overload

from mlstack_nb.app.loaded_code import check_loaded, modules_of
from mlstack_nb.app.names import check_name
from mlstack_nb.app.outward import outward
from mlstack_nb.app.step_options import check_known
from mlstack_nb.app.steps import Wiring, wiring
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.run import Failure, Run, State
from mlstack_nb.core.step import Body, Step
from mlstack_nb.errors import MlstackError, StepError, UsageError
from mlstack_nb.source.functions import signature_of

P = ParamSpec("P")


class PipelineFunction(Generic[P]):
    """A function that wires steps. Calling it runs the pipeline on the active stack."""

    def __init__(
        self, function: Callable[P, Any], *, name: str, enable_cache: bool | None, cache_policy: CachePolicy | None
    ) -> None:
        check_name("pipeline", name)
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.enable_cache = enable_cache
        self.cache_policy = cache_policy
        self.last_run: Run | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Run:
        """Raises StepError, with the step's own exception as its cause, after every other branch has ended.

        In another pipeline it runs nothing: its steps become that one's, and what its function returns is returned.
        """
        from mlstack_nb.app.runtime import Runtime

        if wiring.get() is not None:
            return cast("Run", self.function(*args, **kwargs))
        try:
            pipeline, bodies = self.build(*args, **kwargs)
            run, errors = Runtime.current().execute(pipeline, bodies)
        except MlstackError as error:
            raise outward(error)  # noqa: B904  (the same error)
        self.last_run = run
        if run.state is State.FAILED:
            raise outward(_failed(run, errors))
        return run

    def with_options(
        self, *, enable_cache: bool | None = None, cache_policy: CachePolicy | None = None
    ) -> PipelineFunction[P]:
        """The same pipeline for runs with other options; what is not given stays."""
        return PipelineFunction(
            self.function,
            name=self.name,
            enable_cache=self.enable_cache if enable_cache is None else enable_cache,
            cache_policy=cache_policy or self.cache_policy,
        )

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


@overload
def pipeline(function: Callable[P, Any], /) -> PipelineFunction[P]: ...


@overload
def pipeline(
    *, name: str | None = None, enable_cache: bool | None = None, cache_policy: CachePolicy | None = None
) -> Callable[[Callable[P, Any]], PipelineFunction[P]]: ...


def pipeline(
    function: Callable[P, Any] | None = None,
    /,
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    cache_policy: CachePolicy | None = None,
    **unknown: Any,
) -> Any:
    """Make a function a pipeline: the steps it calls become a graph, its arguments the parameters.

    `cache_policy` is that of its steps that have none of their own. Raises UsageError for an unknown option.
    """
    check_known("@pipeline", unknown, ("name", "enable_cache", "cache_policy"))

    def decorate(target: Callable[P, Any]) -> PipelineFunction[P]:
        return PipelineFunction(
            target, name=target.__name__ if name is None else name, enable_cache=enable_cache, cache_policy=cache_policy
        )

    return decorate if function is None else decorate(function)


def _failed(run: Run, errors: Mapping[str, BaseException]) -> StepError:
    name, cause = next(iter(errors.items()))
    what, hint = "", ""
    if isinstance(cause, MlstackError):
        what, hint = cause.what, cause.hint
    else:
        failure = Failure.of(cause)
        what = f"{failure.type}: {failure.message}"
    error = StepError(
        f"Step {name!r} of pipeline {run.pipeline!r} failed: {what}",
        hint or f"See the run: mlstack runs show {run.id}",
    )
    error.__cause__ = cause
    return error
