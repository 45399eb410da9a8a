"""`map` and `product`: one call of a step for each item of its lists."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mlstack_nb.app.dynamic.outputs import ArtifactFuture, MapResultsFuture, OutputArtifact, StepFuture
from mlstack_nb.engine.mapping import check_lengths
from mlstack_nb.errors import UsageError

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Unmapped(Generic[Kept]):
    """A value that every item gets whole."""

    value: Kept


def unmapped(value: Kept) -> Unmapped[Kept]:
    """A value that every item of a mapped step gets whole, list or not: `score.map(models, rows=unmapped(rows))`."""
    return Unmapped(value)


def spread(bound: Mapping[str, Any], *, step: str, crossed: bool) -> list[dict[str, Any]]:
    """The arguments of each call. Waits for the lists that are outputs.

    Lists and tuples, plain ones and outputs of steps, are walked; everything else is given whole. Raises UsageError
    where there is nothing to walk, TypeMismatchError for lists of different lengths.
    """
    lists = {name: found for name, value in bound.items() if (found := _members(value)) is not None}
    check_walked(lists, step=step)
    if not crossed:
        check_lengths({name: len(found) for name, found in lists.items()}, step=step)
    kept = {name: bare(value) for name, value in bound.items()}
    return [{**kept, **chosen} for chosen in _meetings(lists, crossed=crossed)]


def check_walked(names: Collection[str], *, step: str) -> None:
    """Raises UsageError where there is no list to map over."""
    if not names:
        raise UsageError(
            f"Step {step!r} is mapped, but none of its arguments is a list.",
            f"Call it as it is: {step}(...), or give it a list.",
        )


def bare(value: Any) -> Any:
    return value.value if isinstance(value, Unmapped) else value


def _members(value: Any) -> list[Any] | None:
    """The items of a list; None for everything else, and for what is `unmapped`."""
    if isinstance(value, (list, tuple, range, MapResultsFuture)):
        return list(value)
    if isinstance(value, StepFuture):
        value = value.only()
    if isinstance(value, ArtifactFuture):
        value = value.result()
    return value.items() if isinstance(value, OutputArtifact) and value.is_list else None


def _meetings(lists: Mapping[str, list[Any]], *, crossed: bool) -> Iterator[dict[str, Any]]:
    together = itertools.product(*lists.values()) if crossed else zip(*lists.values(), strict=True)
    for items in together:
        yield dict(zip(lists, items, strict=True))
