"""`@pipeline`: a function that wires steps, run on the active stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, Unpack, cast, overload

from mlstack_nb.app.names import check_name
from mlstack_nb.app.outward import outward
from mlstack_nb.app.pipeline_options import PIPELINE_OPTIONS, RUN_OPTIONS, PipelineOptions, RunOptions, RunPlanning
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.step_options import check_known
from mlstack_nb.app.step_wiring import wiring
from mlstack_nb.app.targets import importing
from mlstack_nb.core.run import Failure, Run, State
from mlstack_nb.errors import MlstackError, StepError, UsageError
from mlstack_nb.source.functions import signature_of

P = ParamSpec("P")


class PipelineFunction(PipelineWiring[P]):
    """Calling it runs the pipeline on the active stack; `last_run` is what became of that."""

    last_run: Run | None = None
    is_dynamic: bool = False

    def __init__(self, function: Callable[P, Any], *, name: str, planning: RunPlanning | None = None) -> None:
        functools.update_wrapper(self, function)
        super().__init__(function, name=name, planning=planning)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Run:
        """Raises StepError, with the step's own exception as its cause, after every other branch has ended.

        In another pipeline it runs nothing: its steps become that one's, and what its function returns is returned.
        """
        from mlstack_nb.app.runtime import Runtime

        if wiring.get() is not None:
            return cast("Run", self._inside(args, kwargs))
        try:
            if place := importing.get():
                raise UsageError(
                    f"{place} calls its pipeline {self.name!r} when it is imported.",
                    'Put the call below a line: if __name__ == "__main__":',
                )
            runtime = Runtime.current()
            if self.is_dynamic:
                from mlstack_nb.app.dynamic.launching import run_function as run_dynamic

                run, errors = run_dynamic(self, runtime, self.bound(args, kwargs))
            elif runtime.is_remote:
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

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As a part of the pipeline that is being wired or run."""
        if self.is_dynamic:
            from mlstack_nb.app.dynamic.calls import check_runs

            check_runs(self.name)
        return super().__call__(*args, **kwargs)

    def with_options(self, **options: Unpack[RunOptions]) -> PipelineFunction[P]:
        """The same pipeline for runs with other options; what is not given stays, and what has names is added to.

        `config_path` is a YAML file of options and parameters. Raises UsageError for one that is unknown or wrong.
        """
        made: PipelineFunction[P] = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.last_run = None
        return made.configure(**options)

    def configure(self, *, merge: bool = True, **options: Unpack[RunOptions]) -> PipelineFunction[P]:
        """Change options of this pipeline itself; without `merge` what has names takes the place of what is there.

        Raises UsageError, and then changes nothing.
        """
        try:
            check_known("@pipeline", dict.fromkeys(set(options) - {*RUN_OPTIONS}), RUN_OPTIONS)
            name = self.name if (given := options.get("name")) is None else given
            check_name("pipeline", name)
            planning = self.planning
            if path := options.get("config_path"):
                from mlstack_nb.app.run_configuration import RunConfiguration

                planning = RunConfiguration.read(path).over(planning, name)
            self.planning = planning.changed(name, options, merge=merge)
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        self.name = name
        self.is_dynamic = bool(options.get("dynamic", self.is_dynamic))
        return self


@overload
def pipeline(function: Callable[P, Any], /) -> PipelineFunction[P]: ...


@overload
def pipeline(**options: Unpack[PipelineOptions]) -> Callable[[Callable[P, Any]], PipelineFunction[P]]: ...


def pipeline(function: Callable[P, Any] | None = None, /, **options: Any) -> Any:
    """Make a function a pipeline: the steps it calls become a graph, its arguments the parameters.

    The options are those of `PipelineOptions`, listed in docs/steps.md: most hold for those of its steps that say
    nothing else. Raises UsageError for one that is unknown or wrong.
    """
    try:
        check_known("@pipeline", {name: None for name in options if name not in PIPELINE_OPTIONS}, PIPELINE_OPTIONS)
    except UsageError as error:
        raise outward(error)  # noqa: B904  (the same error)

    def decorate(target: Callable[P, Any]) -> PipelineFunction[P]:
        try:
            name = target.__name__ if options.get("name") is None else options["name"]
            made = PipelineFunction(target, name=name, planning=RunPlanning().changed(name, options))
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        made.is_dynamic = bool(options.get("dynamic"))
        return made

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
