"""What a live value is, where code is in it: a function, a class, an instance, or a container of them.

Pickles of such values name the cell and the line that code was compiled from, or nothing but the place to import it
from. Here code counts by what it means, as in a fingerprint, and everything else by content.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import islice
from types import FunctionType, MappingProxyType, MethodType, ModuleType
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
_CODE = (FunctionType, type)
_WRAPPERS = (functools.partial, MethodType)
_OF_EVERY_CLASS = frozenset(
    "__module__ __qualname__ __doc__ __dict__ __weakref__ __firstlineno__ __static_attributes__ __slots__ __hash__ "
    "__abstractmethods__ __parameters__ __match_args__ __slotnames__ __annotate_func__ __annotations_cache__ _abc_impl "
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
        if id(one) in seen or type(one) in _PLAIN:
            continue
        seen.add(id(one))
        if is_own(one if isinstance(one, FunctionType | type) else type(one)):
            return True
        if not isinstance(one, FunctionType | type | ModuleType):
            todo.extend(islice(_parts(one), _MOST))
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
            return _reference(value.__name__, value.__name__)
        if not holds_code(value):
            if isinstance(value, FunctionType | type):
                return _reference(f"{value.__module__}.{value.__qualname__}", value.__module__)
            return self._content(value)
        if id(value) in self._met:
            return f"met before: {self._met[id(value)][0]}"
        self._met[id(value)] = len(self._met), value
        return self._of_code(value)

    def _of_code(self, value: Any) -> str:
        if isinstance(value, FunctionType):
            code, kept = self._of_function(value), [(name, self.of(one)) for name, one in _kept_on(value)]
            return digest(code, kept) if kept else code
        if isinstance(value, type):
            return self._of_class(value)
        kind = self.of(type(value))
        if type(value) is dict:
            return digest(kind, [(self.of(key), self.of(item)) for key, item in value.items()])
        if isinstance(value, set | frozenset):
            return digest(kind, sorted(self.of(part) for part in value), [self.of(part) for part in _state(value)])
        is_known = type(value) in _CONTAINERS or isinstance(value, _WRAPPERS) or hasattr(value, "__wrapped__")
        parts = list(_parts(value)) if is_known else _reduced(value)
        return digest(kind, [self.of(part) for part in parts])

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


def _kept_on(func: FunctionType) -> list[tuple[str, Any]]:
    """What was put on a function as attributes: `f.tag = 1`, the implementations of a single dispatch."""
    kept = sorted((name, one) for name, one in vars(func).items() if name != "__wrapped__")
    plain = [(name, dict(one) if isinstance(one, MappingProxyType) else one) for name, one in kept]
    return [(name, one) for name, one in plain if not callable(one) or (isinstance(one, _CODE) and is_own(one))]


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


def _reduced(value: Any) -> list[Any]:
    """What an object is made anew from: all of its state, also what its base class holds outside of `__dict__`."""
    try:
        reduced = value.__reduce_ex__(2)
    except TypeError:  # not to be pickled
        return list(_state(value))
    if isinstance(reduced, str):
        return [reduced]
    made_by, *parts = reduced
    maker = made_by if isinstance(made_by, FunctionType | type) else getattr(made_by, "__qualname__", "")
    return [maker, *(list(part) if isinstance(part, Iterator) else part for part in parts)]


def _state(value: Any) -> Iterator[Any]:
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str))
    state = {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots if hasattr(value, name)}}
    for name in sorted(map(str, state)):
        yield name
        yield state.get(name)


def is_own(code: FunctionType | type) -> bool:
    name = code.__module__ or ""
    return name in ("__main__", "") or locate(name).origin in (Origin.PROJECT, Origin.MISSING)


def _reference(name: str, module: str) -> str:
    """A module, or something that is installed, by its name; with the version of a package, the code of the project."""
    known = [part for _, parts in follow([Target(module)]) for part in parts.items()]
    return digest(name, known)
