"""The arguments of a call in a dynamic pipeline: outputs that are there or to come, lists of them, and plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.app.arguments import coerced
from mlstack_nb.app.dynamic.outputs import ArtifactFuture, MapResultsFuture, OutputArtifact, StepFuture
from mlstack_nb.app.placeholders import source_of
from mlstack_nb.core.step import Body, FromArtifact, Literal, Source
from mlstack_nb.engine.values import Value
from mlstack_nb.source.functions import FunctionShape

Given = OutputArtifact | ArtifactFuture
Recall = Callable[[FromArtifact], Any]
_GIVEN = (OutputArtifact, ArtifactFuture, StepFuture, MapResultsFuture)


@dataclass(frozen=True, slots=True)
class Arguments:
    """`given` are outputs by the name of the input that they are, `sources` all inputs.

    A list of outputs is as many inputs, `scores[0]`, `scores[1]`; `lists` has the names that one list is put together
    from again.
    """

    given: Mapping[str, Given] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, bound: Mapping[str, Any], shape: FunctionShape, *, step: str) -> Arguments:
        """Raises UsageError for outputs deeper inside a value, a step with several outputs, and values of no type that
        fits.
        """
        lists = {name: _listed(value) for name, value in bound.items()}
        flat: dict[str, Any] = {}
        for name, value in bound.items():
            members = lists[name]
            flat |= {name: value} if members is None else {f"{name}[{at}]": one for at, one in enumerate(members)}
        flat = {name: value.only() if isinstance(value, StepFuture) else value for name, value in flat.items()}
        given = {name: value for name, value in flat.items() if isinstance(value, (OutputArtifact, ArtifactFuture))}
        sources = {
            name: given[name].source if name in given else source_of(value, step=step, name=name)
            for name, value in flat.items()
        }
        for parameter in shape.parameters:
            source = sources.get(parameter.name)
            if isinstance(source, Literal):
                sources[parameter.name] = Literal(coerced(source.value, parameter, step=step))
        names = {
            name: tuple(f"{name}[{at}]" for at in range(len(members)))
            for name, members in lists.items()
            if members is not None
        }
        return cls(given, sources, names)

    @property
    def awaited(self) -> list[StepFuture]:
        """The steps that must end before the call can run, without repeats."""
        futures = (value.future for value in self.given.values() if isinstance(value, ArtifactFuture))
        return list(dict.fromkeys(futures))

    def values(self, recall: Recall) -> dict[str, Value]:
        """What is stored: the outputs, once the steps have ended that give them, and artifacts of earlier."""
        found = {
            name: one.future.ended.result().outputs[one.name] if isinstance(one, ArtifactFuture) else one.value
            for name, one in self.given.items()
        }
        recalled = {name: source for name, source in self._recalled.items() if not source.metadata}
        return found | {name: recall(source) for name, source in recalled.items()}

    def plain(self, recall: Recall) -> dict[str, Any]:
        """The values that are written in the code, and what was told of artifacts of earlier."""
        found = {name: source.value for name, source in self.sources.items() if isinstance(source, Literal)}
        recalled = {name: source for name, source in self._recalled.items() if source.metadata}
        return found | {name: recall(source) for name, source in recalled.items()}

    @property
    def _recalled(self) -> dict[str, FromArtifact]:
        return {name: source for name, source in self.sources.items() if isinstance(source, FromArtifact)}

    def around(self, body: Body) -> Body:
        """`body`, given its lists as lists."""
        return Regrouped(body, self.lists) if self.lists else body


@dataclass(frozen=True, slots=True)
class Regrouped:
    """A body whose lists come as an input for each member; it can be pickled where the body can."""

    body: Body
    lists: Mapping[str, tuple[str, ...]]

    def __call__(self, inputs: dict[str, Any], /) -> Any:
        members = {name for names in self.lists.values() for name in names}
        rest = {name: value for name, value in inputs.items() if name not in members}
        together = {name: [inputs[one] for one in names] for name, names in self.lists.items()}
        return self.body({**rest, **together})


def _listed(value: Any) -> list[Any] | None:
    """The members of a list of outputs; None for everything else."""
    if isinstance(value, MapResultsFuture):
        return list(value)
    if isinstance(value, (list, tuple)) and any(isinstance(one, _GIVEN) for one in value):
        return list(_flat(value))
    return None


def _flat(values: Any) -> Iterator[Any]:
    """The members, with those of steps that were mapped in their place."""
    for one in values:
        if isinstance(one, MapResultsFuture):
            yield from one
        else:
            yield one
