"""`@step`: a function as a step, wired by calling it in a pipeline."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, SupportsIndex, TypeVar, cast, overload

from mlstack_nb.app.names import check_name
from mlstack_nb.app.outward import outward
from mlstack_nb.app.placeholders import OutputOf, source_of, steps_before
from mlstack_nb.app.step_options import Given, changed, check_known, settings_of
from mlstack_nb.core.digest import digest
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Body, Fingerprint, Settings, Step
from mlstack_nb.errors import MaterializerError, UsageError
from mlstack_nb.ports.registry import qualified_name
from mlstack_nb.source.fingerprint import extended
from mlstack_nb.source.function_fingerprint import of_function, of_value
from mlstack_nb.source.functions import FunctionShape, signature_of

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Wiring:
    """The pipeline that is being wired in this context. `callers` has the function that each step is a call of."""

    steps: list[Step] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Any] = field(default_factory=dict)

    def free_name(self, name: str) -> str:
        taken = {step.name for step in self.steps}
        candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
        return next(candidate for candidate in candidates if candidate not in taken)

    def awaited(self, after: Any, *, step: str) -> list[Any]:
        """`after=` as outputs of steps, each step function in it as those of its calls. Raises UsageError."""
        found: list[Any] = []
        for one in after if isinstance(after, (tuple, list)) else (after,):
            if not isinstance(one, StepFunction):
                found.append(one)
                continue
            called = [name for name, function in self.callers.items() if function is one.function]
            if not called:
                raise UsageError(
                    f"Step {step!r} is given after={one!r}, which this pipeline has not called yet.",
                    f"Call it above: {one.name}()",
                )
            found += [OutputOf(name, "") for name in called]
        return found


wiring: ContextVar[Wiring | None] = ContextVar("mlstack_wiring", default=None)


class StepFunction(Generic[P, R]):
    """A function that is a step: called in a `@pipeline` it adds itself, called elsewhere it just runs."""

    def __init__(self, function: Callable[P, R], *, name: str, settings: Settings) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self.settings = settings
        self.shape: FunctionShape = signature_of(function)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload  # no type can say "the same arguments, and these": they are checked when the pipeline is wired
    def __call__(self, *args: Any, after: object, id: str = ..., **kwargs: Any) -> R: ...

    @overload
    def __call__(self, *args: Any, id: str, **kwargs: Any) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """In a pipeline `id` names this call, and `after` is what it waits for without reading it.

        That is an output of a step, a step function that was called above (all its calls), or several of these.
        """
        current = wiring.get()
        if current is None:
            return self.function(*args, **kwargs)
        return cast("R", self._wire(current, args, kwargs))

    def with_options(
        self,
        *,
        name: str | None = None,
        enable_cache: bool | None = None,
        cache_policy: CachePolicy | None = None,
        experiment_tracker: str | bool | None = None,
        output_materializers: Given = None,
        retries: int | None = None,
        timeout_s: float | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] | None = None,
    ) -> StepFunction[P, R]:
        """The same step with other options; what is not given stays. Raises UsageError for one that is wrong."""
        made: StepFunction[P, R] = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.name = self.name if name is None else name
        given = {
            "enable_cache": enable_cache,
            "cache_policy": cache_policy,
            "experiment_tracker": experiment_tracker,
            "output_materializers": output_materializers,
            "retries": retries,
            "timeout_s": timeout_s,
            "environment": environment,
            "secrets": secrets,
        }
        outputs = [output.name for output in self.shape.outputs]
        try:
            made.settings = changed(
                self.settings, made.name, {k: v for k, v in given.items() if v is not None}, outputs
            )
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        return made

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A step of a module is pickled by its name, as the function it decorates would be."""
        found: Any = sys.modules.get(self.function.__module__)
        for part in self.function.__qualname__.split("."):
            found = getattr(found, part, None)
        return self.function.__qualname__ if found is self else super().__reduce_ex__(protocol)

    def _wire(self, wiring: Wiring, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        wanted = kwargs.pop("id", self.name)
        check_name("step", wanted)
        name = wiring.free_name(wanted)
        after = kwargs.pop("after", ())
        bound = self.shape.bind(args, kwargs, function=name)
        step = Step(
            name=name,
            inputs={key: source_of(value, step=name, name=key) for key, value in bound.items()},
            outputs=self.shape.outputs,
            fingerprint=self._fingerprint(),
            settings=self.settings,
            after=steps_before(wiring.awaited(after, step=name), step=name),
            input_types={one.name: one.type for one in self.shape.parameters},
        )
        wiring.steps.append(step)
        wiring.bodies[name] = self._body
        wiring.callers[name] = self.function
        wiring.modules[self.function.__module__] = name
        placeholders = tuple(OutputOf(name, output.name) for output in step.outputs)
        return placeholders if len(placeholders) > 1 else placeholders[0]

    def _fingerprint(self) -> Fingerprint:
        found = of_function(self.function, content=_content)
        if not self.settings.materializers:
            return found
        from mlstack_nb.materializers import by_target

        writers = {name: by_target(target) for name, target in self.settings.materializers.items()}
        extra = {
            f"materializer of {name}": digest(kind.VERSION, of_value(kind, content=_content) or "")
            for name, kind in writers.items()
        }
        return extended(found, extra)

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


@overload
def step(function: Callable[P, R], /) -> StepFunction[P, R]: ...


@overload
def step(
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    cache_policy: CachePolicy | None = None,
    experiment_tracker: str | bool | None = None,
    output_materializers: Given = None,
    retries: int = 0,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
) -> Callable[[Callable[P, R]], StepFunction[P, R]]: ...


def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    enable_cache: bool | None = None,
    cache_policy: CachePolicy | None = None,
    experiment_tracker: str | bool | None = None,
    output_materializers: Given = None,
    retries: int = 0,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    **unknown: Any,
) -> Any:
    """Make a function a step. Its outputs come from the return annotation, by `Annotated[T, "name"]`.

    `experiment_tracker=True` takes the active stack's own; a name insists on that component. `environment` is set
    while the step runs and counts; of `secrets`, names of variables that are set already, a keyed digest counts.
    Raises UsageError for an option that is unknown or wrong.
    """

    def decorate(target: Callable[P, R]) -> StepFunction[P, R]:
        try:
            check_known("@step", unknown, _OPTIONS)
            made = StepFunction(target, name=target.__name__ if name is None else name, settings=Settings())
            made.settings = settings_of(
                made.name,
                outputs=[output.name for output in made.shape.outputs],
                enable_cache=enable_cache,
                cache_policy=cache_policy,
                experiment_tracker=experiment_tracker,
                output_materializers=output_materializers,
                retries=retries,
                timeout_s=timeout_s,
                environment=environment,
                secrets=secrets,
            )
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        return made

    return decorate if function is None else decorate(function)


_OPTIONS = [name for name in inspect.signature(step).parameters if name not in ("function", "unknown")]


def _content(value: Any) -> str:
    """The digest of a live value that a step function reaches; one that can not be written counts by its type."""
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.engine.keys import value_digest

    try:
        return value_digest(value, Runtime.current().engine.codec)
    except MaterializerError:
        return qualified_name(type(value))
