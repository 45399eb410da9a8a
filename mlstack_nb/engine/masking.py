"""Secret values that this process has handed to code: they are taken out of what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mlstack_nb.core.display import Display
from mlstack_nb.core.run import Failure
from mlstack_nb.core.stack import MASKED

SHORTEST = 8
"""In characters; a shorter value may be an ordinary word, and to take it out would garble the text."""

_hidden: set[str] = set()


def hide(values: Iterable[str]) -> None:
    """From now on `masked` takes them out, each line of one by itself, too."""
    for value in values:
        _hidden.update(part for part in (value, *value.splitlines()) if len(part.strip()) >= SHORTEST)


def masked(text: str) -> str:
    """The text without the hidden values."""
    if not _hidden:
        return text
    for value in sorted(_hidden, key=len, reverse=True):
        text = text.replace(value, MASKED)
    return text


def failure_of(error: BaseException) -> Failure:
    """What is recorded of an exception."""
    found = Failure.of(error)
    return Failure(found.type, masked(found.message), masked(found.traceback)) if _hidden else found


def masked_display(display: Display) -> Display:
    return replace(display, outputs=tuple(masked_values(display.outputs))) if _hidden else display


def masked_values(data: Any) -> Any:
    """The same for all texts in lists and mappings; other values stay."""
    if not _hidden:
        return data
    if isinstance(data, str):
        return masked(data)
    if isinstance(data, Mapping):
        return {name: masked_values(one) for name, one in data.items()}
    return [masked_values(one) for one in data] if isinstance(data, list | tuple) else data
