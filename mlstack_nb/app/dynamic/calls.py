"""Calls of steps in the body of a pipeline that is running: each becomes a step of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.app.dynamic.arguments import Arguments
from mlstack_nb.app.dynamic.fans import spread
from mlstack_nb.app.dynamic.naming import Names
from mlstack_nb.app.dynamic.outputs import ArtifactFuture, MapResultsFuture, OutputArtifact, StepFuture
from mlstack_nb.app.dynamic.run import Call, DynamicRun
from mlstack_nb.app.fanned import Fanned
from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.core.step import FromStep, Step
from mlstack_nb.engine.mapping import item_name
from mlstack_nb.errors import UsageError

AnyStep = Any
"""A step that is a function: what has `function`, `shape`, `as_step` and `body`."""


@dataclass(slots=True)
class DynamicWiring(Wiring):
    """The pipeline that is being run in this context."""

    run: DynamicRun | None = None
    names: Names = field(default_factory=Names)
    futures: dict[int, list[StepFuture]] = field(default_factory=dict)
    inner: list[Callable[[Step], Step]] = field(default_factory=list)

    @contextmanager
    def nested(self, configured: Callable[[Step], Step]) -> Iterator[None]:
        """Inside, calls are those of another pipeline, which says that much of its steps."""
        self.inner.append(configured)
        try:
            yield
        finally:
            self.inner.pop()

    def call(self, step: AnyStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run it now. Raises what it raises."""
        one = self._prepared(step, args, kwargs)
        self._run.add([one.step])
        result = self._run.call(one)
        found = tuple(
            OutputArtifact(FromStep(one.step.name, output.name), result.outputs[output.name])
            for output in one.step.outputs
        )
        return found if len(found) > 1 else found[0]

    def submit(self, step: AnyStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> StepFuture:
        one = self._prepared(step, args, kwargs)
        self._run.add([one.step])
        return self._submitted(step, [one])[0]

    def fan_out(
        self, step: AnyStep, args: tuple[Any, ...], kwargs: dict[str, Any], *, crossed: bool
    ) -> MapResultsFuture:
        name, before, bound = self._taken(step, args, kwargs)
        first: Call | None = None
        calls = []
        for number, given in enumerate(spread(bound, step=name, crossed=crossed)):
            own = item_name(name, number)
            arguments = Arguments.of(given, step.shape, step=own)
            if first is None:
                first = self._call(step, own, arguments, before)
            calls.append(
                replace(first, step=replace(first.step, name=own, inputs=arguments.sources), arguments=arguments)
            )
        self._run.add([one.step for one in calls])
        return MapResultsFuture(self._submitted(step, calls), outputs=len(step.shape.outputs))

    @property
    def _run(self) -> DynamicRun:
        assert self.run is not None
        return self.run

    def _submitted(self, step: AnyStep, calls: list[Call]) -> list[StepFuture]:
        futures = [self._run.submit(one) for one in calls]
        self.futures.setdefault(_key(step), []).extend(futures)
        return futures

    def _prepared(self, step: AnyStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        name, before, bound = self._taken(step, args, kwargs)
        self.callers[name] = step.function
        return self._call(step, name, Arguments.of(bound, step.shape, step=name), before)

    def _taken(
        self, step: AnyStep, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, list[Any], dict[str, Any]]:
        """The name of the call, what it comes after, and its arguments by name."""
        kwargs = dict(kwargs)
        name, after = self.names.free(kwargs.pop("id", None) or step.name), kwargs.pop("after", None)
        bound = step.shape.bind(args, self.with_configured(name, step.shape, args, kwargs), function=name)
        return name, [] if after is None else self._before(after, name), bound

    def _call(self, step: AnyStep, name: str, arguments: Arguments, before: list[Any]) -> Call:
        names = dict.fromkeys(one.step if isinstance(one, StepFuture) else one for one in before)
        made = step.as_step(name, arguments.sources, after=tuple(names))
        for configured in reversed(self.inner):
            made = configured(made)
        futures = [one for one in before if isinstance(one, StepFuture)]
        return Call(self._run.configured(made), arguments, step.body, futures)

    def _before(self, after: Any, step: str) -> list[StepFuture | str]:
        """Steps that have ended, by name, and those that have not."""
        found: list[StepFuture | str] = []
        for one in after if isinstance(after, (tuple, list)) else (after,):
            match one:
                case StepFuture():
                    found.append(one)
                case ArtifactFuture():
                    found.append(one.future)
                case MapResultsFuture():
                    found += one.futures
                case OutputArtifact():
                    found.append(one.step)
                case Fanned():
                    found += self._calls_of(one, step)
                case _:
                    raise UsageError(
                        f"Step {step!r} is given after={one!r}, which is no step of this pipeline.",
                        "Give what the call of the other step returned: done = first(); second(after=done)",
                    )
        return found

    def _calls_of(self, function: AnyStep, step: str) -> list[StepFuture | str]:
        called: list[StepFuture | str] = [name for name, one in self.callers.items() if one is function.function]
        called += self.futures.get(_key(function), [])
        if not called:
            raise UsageError(
                f"Step {step!r} is given after={function!r}, which this pipeline has not called yet.",
                f"Call it above: {function.name}()",
            )
        return called


def check_runs(pipeline: str) -> None:
    """Raises UsageError where a dynamic pipeline is called by one whose steps do not run yet."""
    if not isinstance(wiring.get(), DynamicWiring):
        raise UsageError(
            f"Pipeline {pipeline!r} is dynamic, and called in one that is not: its steps have no results here.",
            "Make the outer one dynamic, too: @pipeline(dynamic=True)",
        )


def _key(step: AnyStep) -> int:
    """With other options it is another object, but still the same step."""
    return id(step.function)
