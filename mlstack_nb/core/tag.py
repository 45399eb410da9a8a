"""A tag: a word that people put on runs, pipelines, artifacts and models to find them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mlstack_nb.errors import UsageError, nearest

COLORS = ("grey", "purple", "red", "green", "yellow", "orange", "lime", "teal", "turquoise", "magenta", "blue")
DEFAULT_COLOR = "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What is not given stays as the catalog has it.

    One run of a pipeline, one version of an artifact has an `exclusive` tag: whoever gets it takes it from the other.
    A run hands a tag that is to `cascade` on to the artifacts that it makes.
    """

    name: str
    color: str | None = None
    exclusive: bool | None = None
    cascade: bool | None = None

    def __post_init__(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or not name or name != name.strip():
            raise UsageError(f"{self.name!r} can not be a tag.", "Give a word without blanks around it.")
        if self.color is not None and self.color not in COLORS:
            near = nearest(str(self.color), COLORS)
            hint = f"Did you mean {near!r}?" if near else f"Colors: {', '.join(COLORS)}."
            raise UsageError(f"Tag {self.name!r} can not have the color {self.color!r}.", hint)


def to_plain(tag: str | Tag) -> str | dict[str, object]:
    """For a record: the name alone where nothing else is said."""
    if isinstance(tag, str):
        return tag
    said = {"color": tag.color, "exclusive": tag.exclusive, "cascade": tag.cascade}
    rest = {name: value for name, value in said.items() if value is not None}
    return {"name": tag.name, **rest} if rest else tag.name


def of_plain(data: Any) -> str | Tag:
    """What `to_plain` gave."""
    return data if isinstance(data, str) else Tag(**data)


def tags_of(given: str | Tag | Iterable[str | Tag] | None) -> tuple[Tag, ...]:
    """One tag or several, without repeats. Raises UsageError for what is none."""
    if given is None:
        return ()
    is_one = isinstance(given, (str, Tag)) or not hasattr(given, "__iter__")
    listed: list[Any] = [given] if is_one else list(given)  # type: ignore[arg-type]
    for one in listed:
        if not isinstance(one, (str, Tag)):
            raise UsageError(f"{one!r} is no tag.", 'Give words: tags=["best"]')
    found = [one if isinstance(one, Tag) else Tag(name=one) for one in listed]
    return tuple({one.name: one for one in found}.values())
