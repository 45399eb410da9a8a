"""Filters as people write them: `name="contains:train"`, `start_time="gte:2026-01-31"`, `sort_by="desc:created"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from mlstack_nb.errors import UsageError, nearest

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

Read = Callable[[Any], Any]
_AND, _OR = "and", "or"


@dataclass(frozen=True, slots=True)
class Field:
    """What a listing can be filtered and sorted by. `read` turns what people give into a value of the column.

    `within` puts the condition into another one, for what stands in a table beside.
    """

    column: ColumnElement[Any]
    read: Read = str
    within: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None


Fields = Mapping[str, Field]


def condition(noun: str, fields: Fields, given: Mapping[str, Any], *, operator: str = _AND) -> ColumnElement[bool]:
    """Of everything that is `given`, or of any of it; None is no filter. Raises UsageError for what is unknown."""
    if operator not in (_AND, _OR):
        raise UsageError(f"Filters can not be combined by {operator!r}.", "Give 'and' or 'or'.")
    wanted = {name: value for name, value in given.items() if value is not None}
    parts = [_one(name, _field(noun, fields, name), value) for name, value in wanted.items()]
    if not parts:
        return and_(True)
    return and_(*parts) if operator == _AND else or_(*parts)


def order(noun: str, fields: Fields, sort_by: str) -> ColumnElement[Any]:
    """The column of `created`, `asc:created` or `desc:created`. Raises UsageError."""
    direction, _, name = sort_by.rpartition(":")
    if direction not in ("", "asc", "desc"):
        raise UsageError(f"{sort_by!r} is no order of a listing.", f"Write: desc:{name}")
    column = _field(noun, fields, name).column
    return column.desc() if direction == "desc" else column.asc()


def moment_of(value: Any) -> float:
    """Epoch seconds of a datetime, of ISO text (UTC where no zone is told), or of the number itself."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


def _field(noun: str, fields: Fields, name: str) -> Field:
    if name not in fields:
        near = nearest(name, fields)
        hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(fields)}."
        raise UsageError(f"{noun} can not be chosen by {name!r}.", hint)
    return fields[name]


def _one(name: str, field: Field, value: Any) -> ColumnElement[bool]:
    word, text = "equals", value
    if isinstance(value, (list, tuple, set, frozenset)):
        word = "oneof"
    elif isinstance(value, str) and value.partition(":")[0] in _OPERATORS:
        word, _, text = value.partition(":")
    try:
        found = _OPERATORS[word](field, text)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}={value!r} is no filter: {error}.", f"Write, for example: {name}='gte:1'") from None
    return found if field.within is None else field.within(found)


def _oneof(field: Field, value: Any) -> ColumnElement[bool]:
    return field.column.in_([field.read(one) for one in _listed(value)])


def _in(field: Field, value: Any) -> ColumnElement[bool]:
    """For times a range of two, else one of several."""
    given = _listed(value)
    if field.read is moment_of and len(given) == 2:
        return field.column.between(moment_of(given[0]), moment_of(given[1]))
    return _oneof(field, given)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        inner = value.strip().removeprefix("[").removesuffix("]")
        return [one.strip().strip("'\"") for one in inner.split(",") if one.strip()]
    return list(value) if isinstance(value, Iterable) else [value]


_OPERATORS: dict[str, Callable[[Field, Any], ColumnElement[bool]]] = {
    "equals": lambda field, value: field.column == field.read(value),
    "notequals": lambda field, value: field.column != field.read(value),
    "contains": lambda field, value: field.column.contains(str(value), autoescape=True),
    "notcontains": lambda field, value: ~field.column.contains(str(value), autoescape=True),
    "startswith": lambda field, value: field.column.startswith(str(value), autoescape=True),
    "endswith": lambda field, value: field.column.endswith(str(value), autoescape=True),
    "oneof": _oneof,
    "in": _in,
    "gt": lambda field, value: field.column > field.read(value),
    "gte": lambda field, value: field.column >= field.read(value),
    "lt": lambda field, value: field.column < field.read(value),
    "lte": lambda field, value: field.column <= field.read(value),
}
