"""Values of the standard library that JSON has no form for, each as an object with one `$` key."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

# Python refuses decimal text of integers past 4300 digits; this many bits stay below
MAX_DECIMAL_BITS = 14_000


def careful_scalar(value: Any) -> Any:
    """A str, int, float, bool or None; tagged where plain JSON would refuse or change it."""
    kind = type(value)
    if kind is float and not math.isfinite(value):
        return {"$float": repr(value)}
    if kind is int and value.bit_length() > MAX_DECIMAL_BITS:
        return {"$int": hex(value)}
    if kind is str and not _is_unicode(value):
        return {"$str": _base64(value.encode("utf-8", "surrogatepass"))}
    return value


def is_plain_key(key: Any) -> bool:
    return type(key) is str and not key.startswith("$") and _is_unicode(key)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _base64(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode()


def _zone(zone: tzinfo | None) -> Any:
    """None, the seconds of a fixed offset, or the key of a zone. ValueError for what would not come back equal."""
    if zone is None:
        return None
    if type(zone) is timezone:
        seconds = zone.utcoffset(None).total_seconds()
        if repr(timezone(timedelta(seconds=seconds))) == repr(zone):  # it has no name of its own
            return seconds
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    raise LookupError(f"the time zone {zone!r} has no plain form")


def _from_zone(form: Any) -> tzinfo | None:
    if form is None:
        return None
    return ZoneInfo(form) if isinstance(form, str) else timezone(timedelta(seconds=form))


def _from_moment(kind: Any) -> Callable[[Any], Any]:
    def read(form: Any) -> Any:
        text, fold, zone = form
        return kind.fromisoformat(text).replace(fold=fold, tzinfo=_from_zone(zone))

    return read


def _moment(value: datetime | time) -> Any:
    return [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value.tzinfo)]


def _complex(value: complex) -> Any:
    return [careful_scalar(value.real), careful_scalar(value.imag)]


def _from_complex(form: Any) -> complex:
    real, imag = (float(part["$float"]) if isinstance(part, dict) else part for part in form)
    return complex(real, imag)


_LEAVES: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    bytearray: ("$bytearray", _base64, lambda form: bytearray(base64.b64decode(form))),
    bytes: ("$bytes", _base64, base64.b64decode),
    complex: ("$complex", _complex, _from_complex),
    date: ("$date", date.isoformat, date.fromisoformat),
    datetime: ("$datetime", _moment, _from_moment(datetime)),
    Decimal: ("$decimal", str, Decimal),
    range: ("$range", lambda value: [value.start, value.stop, value.step], lambda form: range(*form)),
    time: ("$time", _moment, _from_moment(time)),
    timedelta: (
        "$timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda form: timedelta(*form),
    ),
    UUID: ("$uuid", str, UUID),
}

LEAF_WRITERS = {kind: (tag, write) for kind, (tag, write, _) in _LEAVES.items()}
LEAF_READERS: dict[str, Callable[[Any], Any]] = {
    **{tag: read for tag, _, read in _LEAVES.values()},
    "$float": float,
    "$int": lambda form: int(form, 16),
    "$str": lambda form: base64.b64decode(form).decode("utf-8", "surrogatepass"),
}
