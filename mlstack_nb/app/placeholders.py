"""What stands for a step's output while a pipeline is being wired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlstack_nb.core.step import FromStep, Literal, Source
from mlstack_nb.errors import GraphError, UsageError


@dataclass(frozen=True, slots=True, eq=False)
class OutputOf:
    """It has no value yet: only another step takes it."""

    step: str
    output: str

    def __bool__(self) -> bool:
        raise self._too_early("tested")

    def __iter__(self) -> Any:
        raise GraphError(
            f"Output {self.output!r} of step {self.step!r} is iterated over, or unpacked, while the pipeline is wired; "
            "it has no value yet.",
            'Declare one output for each name: -> tuple[Annotated[int, "a"], Annotated[int, "b"]]; or do it in a step.',
        )

    def __getitem__(self, _key: Any) -> Any:
        raise self._too_early("indexed")

    def __eq__(self, _other: object) -> bool:
        raise self._too_early("compared")

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for these to see what an object can do
            raise AttributeError(name)
        raise self._too_early(f"asked for its {name!r}")

    def _too_early(self, how: str) -> GraphError:
        return GraphError(
            f"Output {self.output!r} of step {self.step!r} is {how} while the pipeline is wired; it has no value yet.",
            "Do it inside a step.",
        )


class Standin:
    """Stands for a value of an input, which the step gets when it runs."""

    @property
    def source(self) -> Source:
        """Asked for once, when the step is wired."""
        raise NotImplementedError


def source_of(value: Any, *, step: str, name: str) -> Source:
    """Where an argument comes from. Raises UsageError for outputs inside a list, a tuple, a set or a dict."""
    if isinstance(value, OutputOf):
        return FromStep(value.step, value.output)
    if isinstance(value, Standin):
        return value.source
    inner = next(_inside(value), None)
    if inner is not None:
        raise UsageError(
            f"Input {name!r} of step {step!r} is a {type(value).__name__} that holds output {inner.output!r} of step "
            f"{inner.step!r}, which has no value yet.",
            "Give each output to an argument of its own, and put them together in the step.",
        )
    return Literal(value)


def steps_before(after: Any, *, step: str) -> tuple[str, ...]:
    """The steps that `after=` names by their outputs. Raises UsageError for anything else."""
    given = after if isinstance(after, (tuple, list)) else (after,)
    for one in given:
        if not isinstance(one, OutputOf):
            raise UsageError(
                f"Step {step!r} is given after={one!r}, which is no output of a step.",
                "Give what the call of the other step returned: done = first(); second(after=done)",
            )
    return tuple(dict.fromkeys(one.step for one in given))


def _inside(value: Any) -> Iterator[OutputOf]:
    """The placeholders in a container, however deep, one that holds itself included."""
    todo, seen = [value], set[int]()
    while todo:
        part = todo.pop()
        if isinstance(part, OutputOf):
            yield part
        elif isinstance(part, (list, tuple, set, frozenset, dict)) and id(part) not in seen:
            seen.add(id(part))
            todo.extend(part.values() if isinstance(part, dict) else part)
