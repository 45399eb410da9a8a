"""Some statements, and what they are: the names they read and bind, their digest, their imports, what they touch."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from mlstack_nb.source.embedded import embedded_in
from mlstack_nb.source.names import Names, names_of
from mlstack_nb.source.normal_form import Form, ImportNode

Chain = tuple[str, ...]
_T = TypeVar("_T")
_DEEP = 100_000


class Code:
    """Statements that run one after the other at module scope. Each fact is found once, on first use.

    Equal to itself only, so that it can be remembered by identity. The nodes must not be changed.
    """

    def __init__(self, nodes: Sequence[ast.stmt], *, shows_last: bool = False) -> None:
        """`shows_last`: the value of the last statement is displayed, as that of a cell is."""
        self.nodes = tuple(nodes)
        self._shows_last = shows_last

    @cached_property
    def names(self) -> Names:
        return _deep(lambda: names_of(self.nodes))

    @property
    def digest(self) -> str:
        """What the code means: formatting, comments and docstrings do not count."""
        return self._form.digest

    @cached_property
    def imports(self) -> tuple[ImportNode, ...]:
        """Every import inside, also those in functions, after `%time`, and calls such as `import_module("a.b")`."""
        return (*self._form.imports, *(Form(self._embedded).imports if self._embedded else ()))

    @cached_property
    def chains(self) -> Mapping[str, frozenset[Chain]]:
        """How each name is used: `np.random.rand(n)` gives `np: {("random", "rand")}, n: {()}`.

        An empty chain is a use of the whole thing; `getattr(m, "f")` is a use of `m.f`.
        """
        found: dict[str, set[Chain]] = {}
        for node in (*self.nodes, *self._embedded):
            _deep(lambda node=node: _collect_chains(node, found))  # type: ignore[misc]
        return {name: frozenset(chains) for name, chains in found.items()}

    @cached_property
    def _form(self) -> Form:
        return _deep(lambda: Form(self.nodes, shows_last=self._shows_last))

    @cached_property
    def _embedded(self) -> tuple[ast.stmt, ...]:
        if "get_ipython" not in self.names.reads:
            return ()
        calls = (node for root in self.nodes for node in ast.walk(root) if isinstance(node, ast.Call))
        return tuple(stmt for call in calls if (inner := embedded_in(call)) for stmt in inner.statements)


def parsed(text: str) -> ast.Module:
    """The tree of Python source. Raises SyntaxError, or ValueError for null bytes; gives no warnings."""
    if "\\" not in text:
        return ast.parse(text)
    with warnings.catch_warnings():  # the one who runs the code hears of a stray backslash
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _deep(compute: Callable[[], _T]) -> _T:
    """`compute()`, also where an expression is nested deeper than Python's own limit lets us follow."""
    try:
        return compute()
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _DEEP)
        try:
            return compute()
        finally:
            sys.setrecursionlimit(limit)


def _collect_chains(node: Any, found: dict[str, set[Chain]]) -> None:
    kind = node.__class__
    if kind is ast.Attribute or kind is ast.Name:
        attributes: list[str] = []
        while node.__class__ is ast.Attribute:
            attributes.append(node.attr)
            node = node.value
        if node.__class__ is ast.Name:
            found.setdefault(node.id, set()).add(tuple(reversed(attributes)))
            return
    elif kind is ast.Call and (chain := _literal_getattr(node)):
        found.setdefault(chain[0], set()).add(chain[1:])
        return
    for child in ast.iter_child_nodes(node):
        _collect_chains(child, found)


def _literal_getattr(call: ast.Call) -> Chain | None:
    match call:
        case ast.Call(func=ast.Name("getattr"), args=[ast.Name(root), ast.Constant(str(name)), *_]):
            return root, name
    return None


def inner_blocks(node: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """The blocks of a compound statement that run in its own scope."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, ())
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body
