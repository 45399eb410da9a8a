"""`step`, `pipeline` and contexts where ZenML's behaviour is another than ours; what is the same is mapped straight."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from mlstack_nb.app import pipelines, steps
from mlstack_nb.app import step_context as contexts
from mlstack_nb.app.outward import outward
from mlstack_nb.app.single_steps import run_single
from mlstack_nb.app.step_wiring import wiring
from mlstack_nb.client.runs import PipelineRecord, RunRecord
from mlstack_nb.client.steps import StepRecord
from mlstack_nb.compat.zenml_errors import PipelineFailedError, StepContextError, in_zenmls_words, zenml_errors
from mlstack_nb.compat.zenml_policy import for_this_run
from mlstack_nb.core.notes import notes
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.step import Step
from mlstack_nb.errors import MlstackError, StepError, UsageError

Made = TypeVar("Made")

_WITHOUT_EFFECT = frozenset(
    "step_type group heartbeat_healthy_threshold runtime depends_on enable_heartbeat enable_pipeline_logs build "
    "unlisted prevent_build_reuse".split()
)
_REFUSED = {
    "step_operator": "Ask for a machine by settings={'resources': ...}, on a stack whose orchestrator has such ones.",
    "on_init": "Do it in a step that the others are called after.",
    "on_init_kwargs": "Give the values as parameters of the pipeline.",
    "on_cleanup": "Give the pipeline on_end=..., or add a last step.",
    "on_pause": "Runs are not paused here; split the pipeline in two.",
    "on_resume": "Runs are not paused here; split the pipeline in two.",
    "schedule": "Run: mlstack schedule add FILE.py:PIPELINE '0 6 * * *'",
}
_NOT_OF_PIPELINES = {
    "deploy": "serve its model: Client().active_stack.model_deployer.deploy_model(config={...})",
    "replay": "`mlstack resume RUN` goes on with a run, and `mlstack run --from STEP` begins in the middle",
    "create_snapshot": "the plan of each run is kept in the store, with the code it ran",
    "create_run_template": "`mlstack run FILE.py:PIPELINE -c options.yaml` runs it with other options",
    "prepare": "`mlstack run --dry-run` tells what would run",
    "register": "a pipeline is known from its first run on",
    "write_run_configuration_template": "docs/functions.md lists the options",
}


class ZenmlStep(steps.StepFunction[Any, Any]):
    """Called on its own it is a recorded run of one step, never cached; in the code of another step it just runs."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with zenml_errors():
            if wiring.get() is None and notes() is None:
                try:
                    return run_single(self, args, kwargs)
                except StepError as error:
                    raise failed(error, None) from error.__cause__
            return super().__call__(*args, **kwargs)

    def configure(self, *, merge: bool = True, **options: Any) -> Any:
        with zenml_errors():
            return super().configure(merge=merge, **_known(options))

    def copy(self) -> ZenmlStep:
        return _as(ZenmlStep, self)

    @property
    def entrypoint(self) -> Callable[..., Any]:
        return self.function

    def call_entrypoint(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, without a run."""
        return self.function(*args, **kwargs)

    @property
    def enable_cache(self) -> bool | None:
        """None where nothing is said."""
        return self.settings.cache if "cache" in self.settings.explicit else None

    @property
    def source_code(self) -> str:
        return inspect.getsource(self.function)

    @property
    def docstring(self) -> str | None:
        return self.function.__doc__


class ZenmlPipeline(pipelines.PipelineFunction[Any]):
    """Called it returns the client's record of the run; a step that failed is a RuntimeError.

    With `execution_mode=ExecutionMode.FAIL_FAST` what the step raised comes out itself.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with zenml_errors():
            if wiring.get() is not None:
                return super().__call__(*args, **kwargs)
            try:
                run = super().__call__(*args, **kwargs)
            except StepError as error:
                raise failed(error, self.planning.execution_mode) from error.__cause__
            from mlstack_nb.app.runtime import Runtime

            return RunRecord(Runtime.current().workspace, run)

    def configure(self, *, merge: bool = True, **options: Any) -> Any:
        with zenml_errors():
            return super().configure(merge=merge, **_known(options))

    @property
    def enable_cache(self) -> bool | None:
        """None where nothing is said."""
        common = self.planning.settings
        return common.cache if "cache" in common.explicit else None

    def configured(self, step: Step) -> Step:
        made = super().configured(step)
        policy = for_this_run(made.settings.policy)
        return made if policy is made.settings.policy else replace(made, settings=replace(made.settings, policy=policy))

    @property
    def model(self) -> Any:
        return self.planning.settings.model

    def __getattr__(self, name: str) -> Any:
        if name in _NOT_OF_PIPELINES:
            raise AttributeError(f"pipelines have no {name!r} here: {_NOT_OF_PIPELINES[name]}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def step(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """As `mlstack_nb.step`, as ZenML has it. Options that mean nothing here are told by a warning."""
    return _decorated(steps.step, ZenmlStep, function, options)


def pipeline(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """As `mlstack_nb.pipeline`, as ZenML has it. Options that mean nothing here are told by a warning."""
    return _decorated(pipelines.pipeline, ZenmlPipeline, function, options)


def _decorated(
    ours: Callable[..., Any], kind: type[Any], function: Callable[..., Any] | None, options: dict[str, Any]
) -> Any:
    def decorate(target: Callable[..., Any]) -> Any:
        with zenml_errors():
            return _as(kind, ours(**known)(target))

    with zenml_errors():
        known = _known(options)
        return decorate if function is None else decorate(function)


def _as(kind: type[Made], made: Any) -> Made:
    """An object of `kind` with what `made` holds."""
    other = object.__new__(kind)
    other.__dict__.update(made.__dict__)
    return other


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are ours. Raises UsageError for one that promises what is not done here."""
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name in _REFUSED:
            raise UsageError(f"There is no {name!r} here.", _REFUSED[name])
        if name in _WITHOUT_EFFECT:
            warnings.warn(f"{name}={value!r} has no effect here.", UserWarning, stacklevel=4)
    return {name: value for name, value in given.items() if name not in _WITHOUT_EFFECT}


def failed(error: StepError, mode: ExecutionMode | None) -> BaseException:
    """What leaves a run whose step failed."""
    cause = error.__cause__
    if mode is ExecutionMode.FAIL_FAST and cause is not None:
        return in_zenmls_words(cause) if isinstance(cause, MlstackError) else cause
    return outward(PipelineFailedError(error.what, error.hint))


class StepContext(contexts.StepContext):
    """Ours, with the client's records in place of the catalog's."""

    __slots__ = ()

    @property
    def pipeline_run(self) -> RunRecord:  # type: ignore[override]
        return RunRecord(_workspace(), super().pipeline_run)

    @property
    def pipeline(self) -> PipelineRecord:
        return PipelineRecord(_workspace(), self.pipeline_name)

    @property
    def step_run(self) -> StepRecord:  # type: ignore[override]
        return self.pipeline_run.steps[self.step_name]  # type: ignore[no-any-return]

    @property
    def pipeline_state(self) -> None:
        """There is no `on_init` that could make one."""


def get_step_context() -> StepContext:
    """Raises StepContextError, a RuntimeError, outside of steps."""
    with _context_errors():
        return StepContext(contexts.get_step_context()._notes)  # noqa: SLF001 - one class in two words


def get_pipeline_context() -> contexts.PipelineContext:
    """Raises StepContextError, a RuntimeError, inside of steps and where no pipeline is wired."""
    with _context_errors():
        return contexts.get_pipeline_context()


@contextmanager
def _context_errors() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise outward(StepContextError(error.what, error.hint)) from None


def _workspace() -> Any:
    from mlstack_nb.app.runtime import Runtime

    return Runtime.here().workspace


class _Named(dict[str, Any]):
    """Settings by name, as attributes as well."""

    def __init__(self, **given: Any) -> None:
        super().__init__({name: value for name, value in given.items() if value is not None})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)


class DockerSettings(_Named):
    """Of these `parent_image` is used: it is the image that an engine of containers starts the step in."""


class ResourceSettings(_Named):
    """`cpu_count`, `gpu_count`, `memory="4GB"`: what engines that give a step its own machine ask for."""


def get_logger(name: str) -> logging.Logger:
    return logging.getLogger(name)
