"""`@step` and `@pipeline`: functions as steps, wired by calling them, run on the active stack."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run, State
from mlstack_nb.core.step import Body, FromStep, Literal, Settings, Source, Step
from mlstack_nb.errors import GraphError, MaterializerError, StepError, UsageError
from mlstack_nb.ports.materializer import BaseMaterializer
from mlstack_nb.ports.registry import qualified_name
from mlstack_nb.source.function_fingerprint import of_function
from mlstack_nb.source.functions import FunctionShape, signature_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class OutputOf:
    """Stands for a step's output while a pipeline is being wired; it has no value yet."""

    step: str
    output: str

    def __bool__(self) -> bool:
        raise self._too_early("tested")

    def __iter__(self) -> Any:
        raise self._too_early("iterated over")

    def _too_early(self, how: str) -> GraphError:
        return GraphError(
            f"Output {self.output!r} of step {self.step!r} is {how} while the pipeline is wired; it has no value yet.",
            "Do it inside a step.",
        )


@dataclass(slots=True)
class _Wiring:
    """The pipeline that is being wired in this context."""

    steps: list[Step] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)

    def free_name(self, name: str) -> str:
        taken = {step.name for step in self.steps}
        candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
        return next(candidate for candidate in candidates if candidate not in taken)


_wiring: ContextVar[_Wiring | None] = ContextVar("mlstack_wiring", default=None)


class StepFunction(Generic[P, R]):
    """A function that is a step: called in a `@pipeline` it adds itself, called elsewhere it just runs."""

    def __init__(self, function: Callable[P, R], *, name: str, settings: Settings) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.settings = settings
        self.shape: FunctionShape = signature_of(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        wiring = _wiring.get()
        if wiring is None:
            return self.function(*args, **kwargs)
        return cast("R", self._wire(wiring, args, dict(kwargs)))

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    def _wire(self, wiring: _Wiring, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = wiring.free_name(kwargs.pop("id", self.name))
        after = kwargs.pop("after", ())
        bound = self.shape.bind(args, kwargs, function=name)
        step = Step(
            name=name,
            inputs={key: _source(value) for key, value in bound.items()},
            outputs=self.shape.outputs,
            fingerprint=of_function(self.function, content=_content),
            settings=self.settings,
            after=tuple(placeholder.step for placeholder in _several(after)),
            input_types={one.name: one.type for one in self.shape.parameters},
        )
        wiring.steps.append(step)
        wiring.bodies[name] = self._body
        placeholders = tuple(OutputOf(name, output.name) for output in step.outputs)
        return placeholders if len(placeholders) > 1 else placeholders[0]

    def _body(self, inputs: dict[str, Any]) -> Any:
        produced = self.function(**inputs)  # type: ignore[call-arg]
        if hasattr(produced, "__await__"):
            return self._awaited(produced)
        return self._split(produced)

    async def _awaited(self, produced: Any) -> Mapping[str, Any]:
        return self._split(await produced)

    def _split(self, produced: Any) -> Mapping[str, Any]:
        outputs = self.shape.outputs
        if not self.shape.is_several:
            return {outputs[0].name: produced}
        if not isinstance(produced, (tuple, list)) or len(produced) != len(outputs):
            got = f"{len(produced)} values" if isinstance(produced, (tuple, list)) else type(produced).__name__
            raise UsageError(
                f"Step {self.name!r} declares {len(outputs)} outputs but returned {got}.",
                "Return a tuple with one value for each output.",
            )
        return {output.name: value for output, value in zip(outputs, produced, strict=True)}


class PipelineFunction(Generic[P]):
    """A function that wires steps. Calling it runs the pipeline on the active stack."""

    def __init__(self, function: Callable[P, Any], *, name: str, enable_cache: bool | None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.enable_cache = enable_cache
        self.last_run: Run | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Run:
        """Raises StepError, with the step's own exception as its cause, after every other branch has ended."""
        from mlstack_nb.app.runtime import Runtime

        pipeline, bodies = self.build(*args, **kwargs)
        run, errors = Runtime.current().execute(pipeline, bodies)
        self.last_run = run
        if run.state is State.FAILED:
            raise _failed(run, errors)
        return run

    def build(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Pipeline, Mapping[str, Body]]:
        """Wire the steps without running them."""
        shape = signature_of(self.function)
        parameters = shape.bind(args, kwargs, function=self.name)
        wiring = _Wiring()
        token = _wiring.set(wiring)
        try:
            self.function(**parameters)  # type: ignore[call-arg]
        finally:
            _wiring.reset(token)
        steps = wiring.steps
        if self.enable_cache is False:
            steps = [replace(step, settings=replace(step.settings, cache=False)) for step in steps]
        pipeline = Pipeline(self.name, tuple(steps), parameters)
        pipeline.check()
        return pipeline, wiring.bodies

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


@overload
def step(function: Callable[P, R], /) -> StepFunction[P, R]: ...


@overload
def step(
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    experiment_tracker: str | bool | None = None,
    output_materializers: Mapping[str, type[BaseMaterializer]] | type[BaseMaterializer] | None = None,
    retries: int = 0,
    timeout_s: float | None = None,
) -> Callable[[Callable[P, R]], StepFunction[P, R]]: ...


def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    experiment_tracker: str | bool | None = None,
    output_materializers: Mapping[str, type[BaseMaterializer]] | type[BaseMaterializer] | None = None,
    retries: int = 0,
    timeout_s: float | None = None,
) -> Any:
    """Make a function a step. Its outputs come from the return annotation, by `Annotated[T, "name"]`.

    `experiment_tracker=True` takes the active stack's own; a name insists on that component.
    """

    def decorate(target: Callable[P, R]) -> StepFunction[P, R]:
        made = StepFunction(target, name=name or target.__name__, settings=Settings())
        made.settings = Settings(
            cache=enable_cache is not False,
            retries=retries,
            timeout_s=timeout_s,
            tracker={True: "", False: None}.get(experiment_tracker, experiment_tracker),  # type: ignore[arg-type]
            materializers=_materializers(output_materializers, made.shape),
        )
        return made

    return decorate if function is None else decorate(function)


@overload
def pipeline(function: Callable[P, Any], /) -> PipelineFunction[P]: ...


@overload
def pipeline(
    *, name: str | None = None, enable_cache: bool | None = None
) -> Callable[[Callable[P, Any]], PipelineFunction[P]]: ...


def pipeline(
    function: Callable[P, Any] | None = None,
    /,
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
) -> Any:
    """Make a function a pipeline: the steps it calls become a graph, its arguments the parameters."""

    def decorate(target: Callable[P, Any]) -> PipelineFunction[P]:
        return PipelineFunction(target, name=name or target.__name__, enable_cache=enable_cache)

    return decorate if function is None else decorate(function)


def _content(value: Any) -> str:
    """The digest of a live value that a step function reaches; one that can not be written counts by its type."""
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.engine.keys import value_digest

    try:
        return value_digest(value, Runtime.current().engine.codec)
    except MaterializerError:
        return qualified_name(type(value))


def _source(value: Any) -> Source:
    return FromStep(value.step, value.output) if isinstance(value, OutputOf) else Literal(value)


def _several(value: Any) -> tuple[OutputOf, ...]:
    return (value,) if isinstance(value, OutputOf) else tuple(value)


def _materializers(
    given: Mapping[str, type[BaseMaterializer]] | type[BaseMaterializer] | None, shape: FunctionShape
) -> dict[str, str]:
    if given is None:
        return {}
    by_output = given if isinstance(given, Mapping) else {output.name: given for output in shape.outputs}
    return {name: f"{kind.__module__}:{kind.__qualname__}" for name, kind in by_output.items()}


def _failed(run: Run, errors: Mapping[str, BaseException]) -> StepError:
    name, cause = next(iter(errors.items()))
    error = StepError(
        f"Step {name!r} of pipeline {run.pipeline!r} failed: {type(cause).__name__}: {cause}",
        f"See the run: mlstack runs show {run.id}",
    )
    error.__cause__ = cause
    return error
