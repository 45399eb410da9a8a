"""Whether a value is of a declared type, as far as a declaration can be checked at once."""

from __future__ import annotations

import numbers
import types
import typing
from dataclasses import dataclass
from typing import Any


def fits(value: Any, declared: Any) -> bool:
    """False only when `value` is certainly not of type `declared`.

    Classes, unions, optionals, `Annotated` and the outer class of generics are checked; an `int` is a `float` and
    numpy's numbers are numbers, but a `bool` is neither. Everything else (protocols, type variables, strings) is
    taken to fit.
    """
    origin = typing.get_origin(declared)
    if declared is None:
        return value is None
    if origin is typing.Annotated:
        return fits(value, typing.get_args(declared)[0])
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(declared))
    if origin is typing.Literal:
        return value in typing.get_args(declared)
    kind = origin or declared
    if not isinstance(kind, type) or kind is object or getattr(kind, "_is_protocol", False):
        return True
    if kind in (int, float) and not isinstance(value, bool):
        return isinstance(value, numbers.Integral if kind is int else numbers.Real)
    if isinstance(value, bool) and kind in (int, float):
        return False
    try:
        return isinstance(value, kind)
    except TypeError:
        return True


@dataclass(frozen=True, slots=True)
class DataFile:
    """Marks a parameter that is a path written as text: `Annotated[str, DataFile()]` counts with the file's content."""


def is_data_file(declared: Any) -> bool:
    """Whether a declared type is marked by `DataFile`, with or without its brackets."""
    if typing.get_origin(declared) is not typing.Annotated:
        return False
    return any(mark is DataFile or isinstance(mark, DataFile) for mark in typing.get_args(declared)[1:])


def shown(value: Any) -> str:
    """The repr of people's value, whatever it does."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  (a number of 5,000 digits, a list that is nested too deeply, a class's own code)
        return f"<{type(value).__qualname__}>"


def named(declared: Any) -> str:
    """A declared type as its author would write it, without what is annotated."""
    if typing.get_origin(declared) is typing.Annotated:
        return named(typing.get_args(declared)[0])
    return declared.__name__ if isinstance(declared, type) and not typing.get_args(declared) else str(declared)
