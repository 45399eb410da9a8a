"""What a live value is, where code is in it: a function, a class, an instance, or a container of them.

Pickles of such values name the cell and the line that code was compiled from, or nothing but the place to import it
from. Here code counts by what it means, as in a fingerprint, and everything else by content.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

from mlstack_nb.core.digest import UndigestibleError, digest
from mlstack_nb.source.modules import Origin, locate
from mlstack_nb.source.project_code import Target, follow

Content = Callable[[Any], str]
OfFunction = Callable[[FunctionType], str]
_MOST = 10_000
"""Objects that are looked at in search of code."""
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_CONTAINERS = (list, tuple, set, frozenset)
_OF_EVERY_CLASS = frozenset(
    "__module__ __qualname__ __doc__ __dict__ __weakref__ __firstlineno__ __static_attributes__ __slots__ __hash__ "
    "__abstractmethods__ __parameters__ __match_args__ __annotate_func__ __annotations_cache__ _abc_impl "
    "_value2member_map_ _unhashable_values_ _hashable_values_".split()
)


def type_name(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def holds_code(value: Any) -> bool:
    """Whether a function or class of the project or the notebook is in `value`, or makes it what it is."""
    seen: set[int] = set()
    todo = [value]
    while todo and len(seen) < _MOST:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _PLAIN):
            continue
        seen.add(id(one))
        if _is_own(one if isinstance(one, FunctionType | type) else type(one)):
            return True
        if not isinstance(one, FunctionType | type | ModuleType):
            todo.extend(_parts(one))
    return False


class LiveDigest:
    """Digests of live values: `of_function` says what a function is, `content` what data is.

    What was met before in the same value is named by its number, so that cycles end.
    """

    def __init__(self, of_function: OfFunction, content: Content) -> None:
        self._of_function = of_function
        self._content = content
        self._met: dict[int, tuple[int, Any]] = {}

    def of(self, value: Any) -> str:
        try:
            return digest(value)
        except (UndigestibleError, RecursionError):
            pass
        if isinstance(value, ModuleType):
            return f"module {value.__name__}"
        if not holds_code(value):
            return _reference(value) if isinstance(value, FunctionType | type) else self._content(value)
        if id(value) in self._met:
            return f"met before: {self._met[id(value)][0]}"
        self._met[id(value)] = len(self._met), value
        return self._of_code(value)

    def _of_code(self, value: Any) -> str:
        if isinstance(value, FunctionType):
            return self._of_function(value)
        if isinstance(value, type):
            return self._of_class(value)
        kind = self.of(type(value))
        if isinstance(value, dict):
            return digest(kind, [(self.of(key), self.of(item)) for key, item in value.items()])
        parts = [self.of(part) for part in _parts(value)]
        return digest(kind, sorted(parts) if isinstance(value, set | frozenset) else parts)

    def _of_class(self, kind: type) -> str:
        members = {name: member for name, member in vars(kind).items() if name not in _OF_EVERY_CLASS}
        annotations = members.pop("__annotations__", {})
        written = [
            (name, one if isinstance(one, str) else getattr(one, "__qualname__", str(one)))
            for name, one in annotations.items()
        ]
        return digest(
            kind.__qualname__,
            [self.of(base) for base in kind.__bases__],
            type_name(type(kind)),
            written,
            sorted((name, self._of_member(member)) for name, member in members.items()),
        )

    def _of_member(self, member: Any) -> str:
        """What a class holds under a name; of descriptors that Python makes only the kind."""
        if isinstance(member, staticmethod | classmethod):
            return digest(type_name(member), self.of(member.__func__))
        if isinstance(member, property):
            return digest("property", [self.of(part) for part in (member.fget, member.fset, member.fdel)])
        if isinstance(member, functools.cached_property):
            return digest("cached", self.of(member.func))
        if type_name(member) == "dataclasses.Field":
            return digest("field", member.name or "", self.of(member.default), self.of(member.default_factory))
        try:
            return digest(member)
        except UndigestibleError:
            pass
        return self.of(member) if holds_code(member) else type_name(member)


def _parts(value: Any) -> Iterator[Any]:
    """What `value` is made of, as far as it may hold code."""
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, _CONTAINERS):
        yield from value
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif hasattr(value, "__wrapped__"):
        yield value.__wrapped__
    else:
        yield from _state(value)


def _state(value: Any) -> Iterator[Any]:
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str))
    state = {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots if hasattr(value, name)}}
    for name in sorted(map(str, state)):
        yield name
        yield state.get(name)


def _is_own(code: FunctionType | type) -> bool:
    name = code.__module__ or ""
    return name in ("__main__", "") or locate(name).origin in (Origin.PROJECT, Origin.MISSING)


def _reference(code: FunctionType | type) -> str:
    """Of what is installed, the name and the version of its distribution."""
    versions = [part for _, parts in follow([Target(code.__module__)]) for part in parts.items()]
    return digest(f"{code.__module__}.{code.__qualname__}", versions)
