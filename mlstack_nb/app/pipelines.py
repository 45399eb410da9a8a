"""`@pipeline`: a function that wires steps, run on the active stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, cast, overload

from mlstack_nb.app.outward import outward
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.step_options import check_known
from mlstack_nb.app.steps import wiring
from mlstack_nb.app.targets import importing
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.run import Failure, Run, State
from mlstack_nb.errors import MlstackError, StepError, UsageError
from mlstack_nb.source.functions import signature_of

P = ParamSpec("P")


class PipelineFunction(PipelineWiring[P]):
    """Calling it runs the pipeline on the active stack; `last_run` is what became of that."""

    last_run: Run | None = None

    def __init__(
        self, function: Callable[P, Any], *, name: str, enable_cache: bool | None, cache_policy: CachePolicy | None
    ) -> None:
        super().__init__(function, name=name, enable_cache=enable_cache, cache_policy=cache_policy)
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Run:
        """Raises StepError, with the step's own exception as its cause, after every other branch has ended.

        In another pipeline it runs nothing: its steps become that one's, and what its function returns is returned.
        """
        from mlstack_nb.app.runtime import Runtime

        if wiring.get() is not None:
            return cast("Run", super().__call__(*args, **kwargs))
        try:
            if place := importing.get():
                raise UsageError(
                    f"{place} calls its pipeline {self.name!r} when it is imported.",
                    'Put the call below a line: if __name__ == "__main__":',
                )
            runtime = Runtime.current()
            if runtime.is_remote:
                from mlstack_nb.app.remote.hand_over import run_function

                run, errors = run_function(self, signature_of(self.function).bind(args, kwargs, function=self.name))
            else:
                run, errors = runtime.execute(*self.build(*args, **kwargs))
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
