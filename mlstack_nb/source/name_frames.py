"""Where names live while code is walked: frames of scopes, and the state of a scope as control flow goes on.

A state maps a name to True when it is certainly bound here, to False when only some path binds it.
"""

from __future__ import annotations

from collections.abc import Iterable

MODULE, CLASS, FUNCTION, INNER = range(4)

State = dict[str, bool]


class Frame:
    """A scope being walked. INNER are comprehensions and type parameters: they hide names and bind none outside."""

    __slots__ = ("globals", "kind", "loads", "nonlocals", "outer", "state")

    def __init__(self, kind: int, outer: Frame | None = None) -> None:
        self.kind = kind
        self.outer = outer or self  # outside the module is nothing
        self.state: State = {}
        # of functions: names read, and whether every read of the name is an optional one
        self.loads: dict[str, bool] = {}
        self.globals: frozenset[str] = frozenset()
        self.nonlocals: frozenset[str] = frozenset()

    def enclosing(self) -> Frame:
        """The next frame out that this one can see: class scopes are not seen from what is nested in them."""
        frame = self.outer
        while frame.kind == CLASS:
            frame = frame.outer
        return frame


class Loop:
    """States in which a loop is left by `break`, or goes on after `continue`."""

    __slots__ = ("exits", "nexts")

    def __init__(self) -> None:
        self.exits: list[State] = []
        self.nexts: list[State] = []


def joined(states: Iterable[State]) -> State:
    """The state where paths meet: certain is what every path binds."""
    first, *others = states
    result = dict(first)
    for other in others:
        for name in result.keys() - other.keys():
            result[name] = False
        for name, certain in other.items():
            result[name] = certain and result.get(name, False)
    return result
