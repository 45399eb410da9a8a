"""Steps that are mapped in a pipeline that is wired before it runs: their items are known when they run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mlstack_nb.app.arguments import coerced
from mlstack_nb.app.dynamic.fans import bare, check_walked
from mlstack_nb.app.placeholders import OutputOf, Standin
from mlstack_nb.core.step import Literal, Over, Source


@dataclass(frozen=True, slots=True)
class Walked(Standin):
    """A list that is known when the pipeline is wired, and mapped over when it runs."""

    items: list[Any]

    @property
    def source(self) -> Source:
        return Literal(self.items)


def wire_mapped(step: Any, wiring: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, crossed: bool) -> Any:
    """What stands for the outputs of a step function that is mapped: they are lists, once it has run.

    Raises UsageError where there is nothing to map over.
    """
    options: dict[str, Any] = {name: kwargs.pop(name) for name in ("id", "after") if name in kwargs}
    name = options.get("id") or step.name
    bound = step.shape.bind(args, kwargs, function=name)
    over = [key for key, value in bound.items() if isinstance(value, (OutputOf, list, tuple, range))]
    check_walked(over, step=name)
    for parameter in step.shape.parameters:
        value = bound[parameter.name]
        if isinstance(value, (list, tuple, range)):
            bound[parameter.name] = Walked([coerced(item, parameter, step=name) for item in value])
    placeholders = step.wire(wiring, (), {**{key: bare(value) for key, value in bound.items()}, **options})
    wiring.steps[-1] = replace(wiring.steps[-1], over=tuple(Over(one, one) for one in over), crossed=crossed)
    return placeholders
