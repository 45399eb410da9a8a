"""The pipeline that is being wired: what calls of step functions add themselves to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.app.placeholders import OutputOf
from mlstack_nb.core.step import Body, Step
from mlstack_nb.errors import UsageError
from mlstack_nb.source.functions import FunctionShape


@dataclass(slots=True)
class Wiring:
    """The steps so far. `callers` has the function that each step is a call of, `configured` the arguments that a file
    gives to calls by the names of the steps; `pipeline` is whose function wires them.
    """

    steps: list[Step] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Any] = field(default_factory=dict)
    configured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pipeline: Any = None

    def call(self, step: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the call of a step gives while this pipeline is wired."""
        return step.wire(self, args, kwargs)

    def fan_out(self, step: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, crossed: bool) -> Any:
        """What mapping a step gives while this pipeline is wired."""
        from mlstack_nb.app.mapped_wiring import wire_mapped

        return wire_mapped(step, self, args, dict(kwargs), crossed=crossed)

    def submit(self, step: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Any:
        """Raises UsageError: nothing runs while a pipeline is wired."""
        what = f"Step {step.name!r} is submitted in a pipeline that is not dynamic, whose steps all run afterwards."
        raise UsageError(what, f"Call it: {step.name}(...), or make the pipeline dynamic: @pipeline(dynamic=True)")

    @contextmanager
    def nested(self, configured: Callable[[Step], Step]) -> Iterator[None]:
        """Inside, what is added is another pipeline's, which says that much of its steps."""
        before = len(self.steps)
        yield
        self.steps[before:] = map(configured, self.steps[before:])

    def free_name(self, name: str) -> str:
        taken = {step.name for step in self.steps}
        candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
        return next(candidate for candidate in candidates if candidate not in taken)

    def add(self, step: Step, body: Body, function: Callable[..., Any]) -> Any:
        """What stands for the outputs of a call that was wired: one, or a tuple of them."""
        self.steps.append(step)
        self.bodies[step.name] = body
        self.callers[step.name] = function
        self.modules[function.__module__] = step.name
        placeholders = tuple(OutputOf(step.name, output.name) for output in step.outputs)
        return placeholders if len(placeholders) > 1 else placeholders[0]

    def awaited(self, after: Any, *, step: str) -> list[Any]:
        """`after=` as outputs of steps, each step function in it as those of its calls. Raises UsageError."""
        found: list[Any] = []
        for one in after if isinstance(after, (tuple, list)) else (after,):
            function = None if isinstance(one, OutputOf) else getattr(one, "function", None)
            if function is None:
                found.append(one)
                continue
            called = [name for name, caller in self.callers.items() if caller is function]
            if not called:
                raise UsageError(
                    f"Step {step!r} is given after={one!r}, which this pipeline has not called yet.",
                    f"Call it above: {one.name}()",
                )
            found += [OutputOf(name, "") for name in called]
        return found

    def with_configured(
        self, step: str, shape: FunctionShape, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """`kwargs` with the arguments that a file gives to that call. Raises UsageError where the code says another."""
        if not self.configured.get(step):
            return kwargs
        from mlstack_nb.app.parameters import typed

        in_file = typed(self.configured[step], shape.parameters, of=f"step {step!r}")
        names = [parameter.name for parameter in shape.parameters]
        in_code = {**dict(zip(names, args, strict=False)), **kwargs}
        for name, value in in_file.items():
            if name in in_code and (isinstance(in_code[name], OutputOf) or in_code[name] != value):
                raise UsageError(
                    f"Argument {name!r} of step {step!r} is {_shown(in_code[name])} in the code, but {value!r} in the "
                    "configuration.",
                    "Take it out of one of them.",
                )
        return {**kwargs, **{name: value for name, value in in_file.items() if name not in in_code}}


wiring: ContextVar[Wiring | None] = ContextVar("mlstack_wiring", default=None)


def _shown(given: Any) -> str:
    return f"output {given.output!r} of step {given.step!r}" if isinstance(given, OutputOf) else repr(given)
