"""One digest for everything that is hashed: BLAKE3 over a canonical, typed, length-prefixed encoding.

Two values get the same digest exactly when a program could not tell them apart: `1`, `True`, `1.0` and
`"1"` differ, `("ab", "c")` and `("a", "bc")` differ, a list differs from a tuple. The order of a mapping
counts, because code can see it (`DataFrame(mapping)` takes its column order from it); a set has none.
What carries no order by nature (inputs by name, parameters by name) is sorted by the caller.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable
from typing import Any

from blake3 import blake3

HEX_LENGTH = 64


class UndigestibleError(TypeError):
    """The value is not plain data; callers turn this into an error that names the place."""


def digest(*values: Any) -> str:
    """64 lowercase hex characters that name `values`, the same on any machine and Python version.

    Raises UndigestibleError for anything but plain data.
    """
    return blake3(b"".join(map(encode, values))).hexdigest()


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """The plain BLAKE3 of raw bytes, as used for file contents."""
    return blake3(data).hexdigest()


def encode(value: Any) -> bytes:
    """The canonical bytes of one value that `digest` hashes. Raises UndigestibleError for anything but plain data."""
    buffer = bytearray()
    try:
        _encode(value, buffer)
    except RecursionError as error:
        raise UndigestibleError(f"{type(value).__qualname__} holds itself, or is nested too deeply") from error
    return bytes(buffer)


def _encode(value: Any, out: bytearray) -> None:
    kind = type(value)
    if kind in _CONTAINERS:
        out += _CONTAINERS[kind] + len(value).to_bytes(8, "big")
        for item in _members(value):
            _encode(item, out)
    elif kind in _UNORDERED:
        out += _UNORDERED[kind] + len(value).to_bytes(8, "big")
        for encoded in sorted(encode(member) for member in value):
            out += len(encoded).to_bytes(8, "big") + encoded
    elif kind in _SCALARS:
        tag, to_bytes = _SCALARS[kind]
        data = to_bytes(value)
        out += tag + len(data).to_bytes(8, "big") + data
    else:
        raise UndigestibleError(f"{kind.__module__}.{kind.__qualname__} is not plain data")


def _members(value: Any) -> Iterable[Any]:
    return itertools.chain.from_iterable(value.items()) if type(value) is dict else value


_CONTAINERS: dict[type, bytes] = {list: b"l", tuple: b"u", dict: b"m"}
_UNORDERED: dict[type, bytes] = {set: b"e", frozenset: b"z"}
_SCALARS: dict[type, tuple[bytes, Callable[[Any], bytes]]] = {
    type(None): (b"n", lambda _: b""),
    bool: (b"t", lambda value: b"1" if value else b"0"),
    str: (b"s", lambda value: value.encode("utf-8", "surrogatepass")),
    # hex, because decimal conversion is quadratic and refused by CPython past 4300 digits
    int: (b"i", lambda value: hex(value).encode()),
    float: (b"d", struct.Struct(">d").pack),
    complex: (b"c", lambda value: struct.pack(">dd", value.real, value.imag)),
    bytes: (b"b", bytes),
}
