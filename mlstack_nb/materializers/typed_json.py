"""Typed JSON: builtin values as JSON text that comes back with the very same types.

What JSON has (str, int, float, bool, None, lists, dicts with plain string keys) is written as it is; all else is
an object with one key that begins with `$`. Equal values give equal texts. A list, dict or set that is met a
second time is written as the number it was first met under, so shared and cyclic references come back shared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any

from mlstack_nb.materializers.json_leaves import LEAF_READERS, LEAF_WRITERS, careful_scalar, is_plain_key

SCALARS = frozenset({bool, int, float, str, type(None)})
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
PLAIN_TYPES = SCALARS | CONTAINERS | LEAF_WRITERS.keys()

Member = Callable[[Any, str], Any]
LoadMember = Callable[[str, Any], Any]


class NotPlainError(TypeError):
    """The value has no typed JSON."""


def to_text(value: Any, member: Member | None = None, *, limit: int = sys.maxsize) -> str:
    """The JSON text of `value`, or NotPlainError, which comes early when the text is sure to pass `limit`.

    `member(value, place)` gives the tree of what is no builtin value: an object with one `$` key of its own. It may
    be asked twice for the same object.
    """
    for careful in (False, True):
        try:
            tree = _Encoder(member, careful=careful, limit=limit).encode(value)
            text = _dump(tree)
            if not text.isascii():
                text.encode()
        except ValueError:  # nan, a huge integer, half a surrogate pair: only the careful encoder looks for them
            continue
        except RecursionError as error:
            raise NotPlainError("it is nested too deeply") from error
        if len(text) > limit:
            break
        return text
    raise NotPlainError("its text is too long")


def from_text(text: str, member: LoadMember | None = None) -> Any:
    """The value that `to_text` made `text` of. `member(tag, payload)` gives back what its `member` wrote."""
    return _Decoder(member).decode(json.loads(text))


def _dump(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))


class _Encoder:
    """The hurried encoder takes scalars as they come; the careful one looks at each for what JSON can not say."""

    def __init__(self, member: Member | None, *, careful: bool, limit: int) -> None:
        self._member = member
        self._careful = careful
        self._left = limit
        self._numbers: dict[int, int] = {}
        self._path: list[Any] = []

    def encode(self, value: Any) -> Any:
        kind = type(value)
        if kind in SCALARS:
            return careful_scalar(value) if self._careful else value
        if kind in CONTAINERS:
            return self._container(value, kind)
        if kind in LEAF_WRITERS:
            tag, write = LEAF_WRITERS[kind]
            try:
                return {tag: write(value)}
            except LookupError:  # a time zone of somebody's own
                pass
        if self._member is None:
            raise NotPlainError(f"{kind.__module__}.{kind.__qualname__} is no builtin value")
        return self._member(value, "".join(f"[{step!r}]" for step in self._path))

    def _container(self, value: Any, kind: type) -> Any:
        self._left -= len(value)
        if self._left < 0:
            raise NotPlainError("its text is too long")
        if kind is tuple:
            return {"$tuple": self._items(value)}
        if kind is frozenset:
            return {"$frozenset": self._sorted(value)}
        if id(value) in self._numbers:
            return {"$same": self._numbers[id(value)]}
        self._numbers[id(value)] = len(self._numbers)
        if kind is list:
            return self._items(value)
        if kind is dict:
            return self._mapping(value)
        return {"$set": self._sorted(value)}

    def _items(self, items: Collection[Any]) -> Any:
        if not self._careful and SCALARS.issuperset(map(type, items)):
            return items
        return [self._at(index, item) for index, item in enumerate(items)]

    def _sorted(self, items: Iterable[Any]) -> list[Any]:
        return sorted((self._at("...", item) for item in items), key=_dump)

    def _mapping(self, mapping: dict[Any, Any]) -> Any:
        if all(map(is_plain_key, mapping)):
            if not self._careful and SCALARS.issuperset(map(type, mapping.values())):
                return mapping
            return {key: self._at(key, item) for key, item in mapping.items()}
        return {"$dict": [[self._at(key, key), self._at(key, item)] for key, item in mapping.items()]}

    def _at(self, step: Any, item: Any) -> Any:
        self._path.append(step)
        tree = self.encode(item)
        self._path.pop()
        return tree


class _Decoder:
    """Numbers lists, dicts and sets in the order the encoder met them."""

    def __init__(self, member: LoadMember | None) -> None:
        self._member = member
        self._met: list[Any] = []

    def decode(self, tree: Any) -> Any:
        if type(tree) is list:
            return self._fill_list(tree)
        if type(tree) is not dict:
            return tree
        if len(tree) == 1:
            ((tag, payload),) = tree.items()
            if tag.startswith("$"):
                return self._tagged(tag, payload)
        self._met.append(tree)
        if not SCALARS.issuperset(map(type, tree.values())):
            for key, item in tree.items():
                tree[key] = self.decode(item)
        return tree

    def _fill_list(self, tree: list[Any]) -> list[Any]:
        self._met.append(tree)
        if not SCALARS.issuperset(map(type, tree)):
            for index, item in enumerate(tree):
                tree[index] = self.decode(item)
        return tree

    def _tagged(self, tag: str, payload: Any) -> Any:
        if tag == "$tuple":
            return tuple([self.decode(item) for item in payload])
        if tag == "$same":
            return self._met[payload]
        if tag == "$dict":
            mapping: dict[Any, Any] = {}
            self._met.append(mapping)
            for key, item in payload:
                name = self.decode(key)
                mapping[name] = self.decode(item)
            return mapping
        if tag == "$set":
            members: set[Any] = set()
            self._met.append(members)
            members.update([self.decode(item) for item in payload])
            return members
        if tag == "$frozenset":
            return frozenset([self.decode(item) for item in payload])
        if tag in LEAF_READERS:
            return LEAF_READERS[tag](payload)
        if self._member is None:
            raise ValueError(f"the text holds the unknown form {tag!r}")
        return self._member(tag, payload)
