"""Which ordinary statements must be executed, and which step outputs be there, to get the values of some names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mlstack_nb.source.code import Code
from mlstack_nb.source.companions import companions
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.mutations import Aliases, alias_sets, mutated
from mlstack_nb.source.ordinary import Line, Order, Trace, uses_generator
from mlstack_nb.source.reach import Reach, reach
from mlstack_nb.source.scope import Scope


class Given(NamedTuple):
    """A step in its place among the ordinary lines: it gives `names`."""

    step: str
    names: frozenset[str]


class Timeline:
    """The ordinary lines of a notebook and its steps among them, from the top."""

    def __init__(self) -> None:
        self.items: list[Line | Given] = []
        self.outputs: set[str] = set()
        self.aliases = Aliases()

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.items.append(line)
            for names in alias_sets(line.nodes):
                self.aliases.join(names)

    def give(self, step: str, names: Iterable[str]) -> None:
        self.items.append(Given(step, frozenset(names)))
        self.outputs.update(names)


@dataclass(frozen=True, slots=True)
class SetupSlice:
    """`lines` in the order they stand; `inputs` maps the step outputs that they read to their steps.

    `torn` are outputs that they read of several steps, in one place of one and in another place of another. `watched`
    are the names whose change anywhere below would change the values.
    """

    lines: tuple[Line, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    torn: dict[str, tuple[str, str]] = field(default_factory=dict)
    watched: frozenset[str] = frozenset()

    def place(self, name: str) -> Order:
        """Where a name gets its value, which may be changed further down; the very top when no line says."""
        return next((line.order for line in reversed(self.lines) if name in line.code.names.binds), (-1, 0))


def setup_slice(wanted: Iterable[str], timeline: Timeline, scope: Scope, *, traces: bool = True) -> SetupSlice:
    """What gives the `wanted` names their values at the end of `timeline`, which `scope` has seen.

    Each line is taken that binds a needed name or may change its object; with one of them, those above that leave files
    or settings behind (`traces`); with one that draws random numbers, those that drew before.
    """
    search = _Backwards(set(wanted), timeline, scope, traces=traces)
    watched = frozenset(search.near)
    for item in reversed(timeline.items):
        search.meet(item)
    return SetupSlice(tuple(reversed(search.lines)), search.inputs, search.torn, watched)


def changes(line: Line, names: frozenset[str], scope: Scope) -> bool:
    """Whether a line binds one of the names anew, or may change its object."""
    if line.mentions.isdisjoint(names):
        return False
    return not (names.isdisjoint(line.code.names.binds) and names.isdisjoint(mutated(line.code, scope)))


class _Backwards:
    """The walk from the last line up: `needed` are the names whose value at this place matters, `near` those and all
    other names that their objects may have.
    """

    def __init__(self, needed: set[str], timeline: Timeline, scope: Scope, *, traces: bool) -> None:
        self.scope = scope
        self.traces = traces
        self.outputs = frozenset(timeline.outputs)
        self.aliases = timeline.aliases
        self.lines: list[Line] = []
        self.inputs: dict[str, str] = {}
        self.torn: dict[str, tuple[str, str]] = {}
        self.companions: set[int] = set()
        self.is_drawing = False
        self.needed: set[str] = set()
        self.near: set[str] = set()
        self._need(needed | self._held(needed))

    def _held(self, wanted: set[str]) -> set[str]:
        """Functions and classes that the values may hold, and what those read: as they are in the end, they count."""
        code = Code([ast.Expr(ast.Name(name, ast.Load())) for name in sorted(wanted)])
        found = reach(code, self.scope, outputs=self.outputs)
        held = [one for one in found.definitions if one.kind in (Kind.FUNCTION, Kind.CLASS)]
        held += [one for one in found.value_definitions if any(isinstance(n, ast.Lambda) for n in _nodes(one))]
        return {name for one in held for name in (one.name, *one.reads) if name in self.scope}

    def meet(self, item: Line | Given) -> None:
        if isinstance(item, Given):
            taken = self.needed & item.names
            self.torn |= {name: (item.step, self.inputs[name]) for name in taken if name in self.inputs}
            self.inputs |= dict.fromkeys(sorted(taken), item.step)
            self._settle(taken)
        elif self._matters(item):
            self._take(item)

    def _need(self, names: set[str]) -> None:
        for name in names - self.needed:
            definition = self.scope.lookup(name)
            together = companions(definition, self.scope) if definition is not None else ()
            self.companions |= {id(statement.node) for one in together for statement in one.statements}
            self.near |= self.aliases.of(name)
        self.needed |= names

    def _settle(self, names: set[str]) -> None:
        """What these names were further up plays no part."""
        if not names.isdisjoint(self.needed):
            self.needed -= names
            self.near = {other for name in self.needed for other in self.aliases.of(name)}

    def _matters(self, line: Line) -> bool:
        if self.companions and any(id(node) in self.companions for node in line.nodes):
            return True
        if self.is_drawing and self._draws(line):
            return True
        if self.traces and self.lines and line.trace is not Trace.NONE:
            return True
        if line.mentions.isdisjoint(self.near):
            return False
        return not (self.needed.isdisjoint(line.code.names.binds) and self.near.isdisjoint(self._changes(line)))

    def _changes(self, line: Line) -> frozenset[str]:
        found = mutated(line.code, self.scope)
        if line.called_on and (line.called_on in self.outputs or self._is_value(line.called_on)):
            return found | {line.called_on}
        return found

    def _is_value(self, name: str) -> bool:
        definition = self.scope.lookup(name)
        return definition is not None and definition.kind in (Kind.VALUE, Kind.CONSTANT)

    def _take(self, line: Line) -> None:
        names, found = line.code.names, self._reached(line)
        self.lines.append(line)
        self._settle(set(names.binds) - names.maybe_binds)
        self._need({*names.reads, *found.inputs, *found.constants, *found.values})
        self._need({one.name for one in found.definitions})
        self.companions |= {
            id(statement.node)
            for one in found.definitions
            for statement in one.statements
            if one.kind is Kind.STATEMENT or _is_star(statement.node)
        }
        self.is_drawing = self.is_drawing or self._draws(line)

    def _draws(self, line: Line) -> bool:
        return line.draws or any(
            uses_generator(one.code) for one in self._reached(line).definitions if one.kind is Kind.FUNCTION
        )

    def _reached(self, line: Line) -> Reach:
        return reach(line.code, self.scope, outputs=self.outputs, through_values=False)


def _nodes(definition: Definition) -> Iterator[ast.AST]:
    return (node for root in definition.code.nodes for node in ast.walk(root))


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
