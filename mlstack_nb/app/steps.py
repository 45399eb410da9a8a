"""`@step`: a function as a step, wired by calling it in a pipeline."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, SupportsIndex, TypeVar, Unpack, cast, overload

from mlstack_nb.app.arguments import coerced
from mlstack_nb.app.fanned import Fanned
from mlstack_nb.app.names import check_name
from mlstack_nb.app.outward import outward
from mlstack_nb.app.placeholders import Standin, source_of, steps_before
from mlstack_nb.app.running_cell import keep_source
from mlstack_nb.app.step_options import OPTIONS, StepOptions, changed, check_known, settings_of
from mlstack_nb.app.step_returns import outputs_of
from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.core.digest import digest
from mlstack_nb.core.step import Fingerprint, Literal, Settings, Source, Step
from mlstack_nb.errors import MaterializerError, UsageError
from mlstack_nb.ports.registry import qualified_name
from mlstack_nb.source.fingerprint import extended
from mlstack_nb.source.function_fingerprint import of_function, of_value
from mlstack_nb.source.functions import FunctionShape, signature_of

P = ParamSpec("P")
R = TypeVar("R")


class StepFunction(Fanned, Generic[P, R]):
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
        if current is not None:
            return cast("R", current.call(self, args, kwargs))
        return self.function(*args, **kwargs)

    def with_options(self, **options: Unpack[StepOptions]) -> StepFunction[P, R]:
        """The same step with other options; what is not given stays, and what has names is added to.

        Raises UsageError for one that is unknown or wrong.
        """
        made: StepFunction[P, R] = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made.configure(**options)

    def configure(self, *, merge: bool = True, **options: Unpack[StepOptions]) -> StepFunction[P, R]:
        """Change options of this step itself; without `merge` what has names takes the place of what is there.

        Raises UsageError, and then changes nothing.
        """
        try:
            check_known("@step", {name: None for name in options if name not in OPTIONS}, OPTIONS)
            name = self.name if (given := options.get("name")) is None else given
            check_name("step", name)
            outputs = [output.name for output in self.shape.outputs]
            self.settings = changed(self.settings, f"Step {name!r}", options, outputs, merge=merge)
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        self.name = name
        return self

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A step of a module is pickled by its name, as the function it decorates would be."""
        found: Any = sys.modules.get(self.function.__module__)
        for part in self.function.__qualname__.split("."):
            found = getattr(found, part, None)
        return self.function.__qualname__ if found is self else super().__reduce_ex__(protocol)

    def wire(self, wiring: Wiring, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Add a call to a pipeline that is being wired; what stands for its outputs."""
        wanted = kwargs.pop("id", self.name)
        check_name("step", wanted)
        name = wiring.free_name(wanted)
        after = kwargs.pop("after", None)
        given = wiring.with_configured(name, self.shape, args, kwargs)
        bound = self.shape.bind(args, given, function=name)
        before = () if after is None else steps_before(wiring.awaited(after, step=name), step=name)
        step = self.as_step(name, self._sources(bound, step=name), after=before)
        return wiring.add(step, self.body, self.function)

    def as_step(self, name: str, inputs: Mapping[str, Source], *, after: tuple[str, ...] = ()) -> Step:
        """One call of it, as a step of a pipeline."""
        return Step(
            name=name,
            inputs=inputs,
            outputs=self.shape.outputs,
            fingerprint=self._fingerprint(),
            settings=self.settings,
            after=after,
            input_types={one.name: one.type for one in self.shape.parameters},
        )

    def _sources(self, bound: Mapping[str, Any], *, step: str) -> dict[str, Source]:
        sources = {}
        for parameter in self.shape.parameters:
            source = source_of(bound[parameter.name], step=step, name=parameter.name)
            if isinstance(source, Literal) and not isinstance(bound[parameter.name], Standin):
                source = Literal(coerced(source.value, parameter, step=step))
            sources[parameter.name] = source
        return sources

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

    def body(self, inputs: dict[str, Any]) -> Any:
        """The outputs by name, or what gives them once it is awaited."""
        produced = self.function(**inputs)  # type: ignore[call-arg]
        if hasattr(produced, "__await__"):
            return self._awaited(produced)
        return outputs_of(produced, self.shape, step=self.name)

    async def _awaited(self, produced: Any) -> Mapping[str, Any]:
        return outputs_of(await produced, self.shape, step=self.name)


@overload
def step(function: Callable[P, R], /) -> StepFunction[P, R]: ...


@overload
def step(**options: Unpack[StepOptions]) -> Callable[[Callable[P, R]], StepFunction[P, R]]: ...


def step(function: Callable[P, R] | None = None, /, **options: Any) -> Any:
    """Make a function a step. Its outputs come from the return annotation, by `Annotated[T, "name"]`.

    The options are those of `StepOptions`, listed in docs/steps.md. Raises UsageError for one that is unknown or wrong.
    """

    def decorate(target: Callable[P, R]) -> StepFunction[P, R]:
        keep_source(target)
        try:
            check_known("@step", {name: None for name in options if name not in OPTIONS}, OPTIONS)
            name = target.__name__ if options.get("name") is None else options["name"]
            made = StepFunction(target, name=name, settings=Settings())
            made.settings = settings_of(made.name, outputs=[output.name for output in made.shape.outputs], **options)
        except UsageError as error:
            raise outward(error)  # noqa: B904  (the same error)
        return made

    return decorate if function is None else decorate(function)


def _content(value: Any) -> str:
    """The digest of a live value that a step function reaches; one that can not be written counts by its type."""
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.engine.keys import value_digest

    try:
        return value_digest(value, Runtime.current().engine.codec)
    except MaterializerError:
        return qualified_name(type(value))
