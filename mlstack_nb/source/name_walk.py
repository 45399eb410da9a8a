"""One walk over statements that finds which names are read from outside and which are bound, path by path."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlstack_nb.source.name_frames import FUNCTION, INNER, MODULE, Frame, Loop, State, joined

# how sure a read from outside is; smaller is surer
CERTAIN, MAYBE, DEFERRED = range(3)
# what bound a name last
ASSIGNED, IMPORTED, DEFINED, LOOPED = range(4)

_LEAF_FIELDS = frozenset({"ctx", "op", "ops", "id", "attr", "arg", "kind", "value_type", "conversion", "type_comment"})
_FIELDS: dict[type, tuple[str, ...]] = {}

Rule = Callable[["NameWalk", Any], None]


class NameWalk:
    """Feed it with `block`; then read its attributes. `reads` and `ever_bound` are in order of first sight.

    `rules` say what the node types do that are more than the sum of their children.
    """

    def __init__(self, rules: Mapping[type, Rule], lazy_annotations: bool) -> None:
        self._rules = rules
        self.module = self.frame = Frame(MODULE)
        self.lazy_annotations = lazy_annotations
        self.reads: dict[str, int] = {}
        self.needed: set[str] = set()
        self.ever_bound: dict[str, int] = {}
        self.annotations: dict[str, ast.expr] = {}
        self.star_imports: list[str] = []
        self.awaits = self.dynamic = False
        self.functions = 0
        self.is_dead = False
        self.loops: list[Loop] = []
        self._is_optional = False
        self._fresh: list[str] = []

    def block(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    def visit(self, node: ast.AST) -> None:
        rule = self._rules.get(node.__class__)
        if rule is not None:
            rule(self, node)
        else:
            self.children(node)

    def children(self, node: ast.AST) -> None:
        kind = node.__class__
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _LEAF_FIELDS)
        for name in fields:
            value = getattr(node, name)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    # reading and binding

    def read(self, name: str) -> None:
        frame, surest = self.frame, CERTAIN
        while True:
            kind = frame.kind
            if kind == FUNCTION:
                frame.loads[name] = self._is_optional and frame.loads.get(name, True)
                return
            if kind == MODULE:
                self._read_outside(name, surest)
                return
            bound = frame.state.get(name)
            if bound:
                return
            if bound is False:  # some path through a class body binds it
                surest = MAYBE
            frame = self.module if name in frame.globals else frame.enclosing()

    def _read_outside(self, name: str, strength: int) -> None:
        """`strength` is the surest that the read can be; DEFERRED when it happens in a function, whenever it runs."""
        if strength != DEFERRED:
            bound = self.module.state.get(name)
            if bound:
                return
            if bound is False:
                strength = MAYBE
        old = self.reads.get(name)
        if old is None or strength < old:
            self.reads[name] = strength
            if strength == CERTAIN:
                self._fresh.append(name)
        if not self._is_optional:
            self.needed.add(name)

    def bind(self, name: str, how: int = ASSIGNED) -> None:
        frame = self.frame
        while frame.kind == INNER:  # only a walrus gets here: it binds outside the comprehension
            frame = frame.outer
        if name in frame.globals:
            self.module.state.setdefault(name, False)
            self.ever_bound[name] = how
        elif name in frame.nonlocals:
            frame.loads.setdefault(name, False)
        else:
            frame.state[name] = True
            if frame.kind == MODULE:
                self.ever_bound[name] = how

    def target(self, node: ast.AST, how: int = ASSIGNED) -> None:
        """Bind what an assignment target binds; what it only goes through (`x` of `x[0]`) is read."""
        if isinstance(node, ast.Name):
            self.bind(node.id, how)
        elif isinstance(node, ast.Tuple | ast.List):
            for item in node.elts:
                self.target(item, how)
        elif isinstance(node, ast.Starred):
            self.target(node.value, how)
        else:
            self.children(node)

    def optionally(self, node: ast.AST) -> None:
        """Walk what is not evaluated here, but may be looked up by a library later."""
        before, self._is_optional = self._is_optional, True
        self.visit(node)
        self._is_optional = before

    def annotation(self, node: ast.expr | None) -> None:
        if node is None:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                self.optionally(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return
        elif self.lazy_annotations:
            self.optionally(node)
        else:
            self.visit(node)

    # scopes

    def inside(self, kind: int, walk: Callable[[], None], names: Iterable[str] = ()) -> None:
        """Run `walk` in a new scope where `names` are bound; what a function leaves free is read outside it."""
        frame = Frame(kind, self.frame)
        frame.state.update(dict.fromkeys(names, True))
        self.frame = frame
        if kind == FUNCTION:
            dead, self.functions, self.is_dead = self.is_dead, self.functions + 1, False
            walk()
            self.functions, self.is_dead = self.functions - 1, dead
            self._read_free(frame)
        else:
            walk()
        self.frame = frame.outer

    def _read_free(self, frame: Frame) -> None:
        before = self._is_optional
        for name, is_optional in frame.loads.items():
            self._is_optional = is_optional
            if name in frame.globals:
                self._read_outside(name, DEFERRED)
            elif name not in frame.state:
                outer = frame.enclosing()
                while outer.kind == INNER and name not in outer.state:
                    outer = outer.enclosing()
                if outer.kind == FUNCTION:
                    outer.loads[name] = is_optional and outer.loads.get(name, True)
                elif outer.kind == MODULE:
                    self._read_outside(name, DEFERRED)
        self._is_optional = before

    # paths

    @property
    def is_flat(self) -> bool:
        """Inside a function the order of statements does not matter: its names are local or they are not."""
        return self.frame.kind == FUNCTION

    def paths(self, walks: Iterable[Callable[[], None]], *, may_skip: bool = False) -> None:
        """Run alternative `walks` from the same state, then join; with `may_skip` none of them may happen."""
        frame, start = self.frame, self.frame.state
        if self.is_flat:
            for walk in walks:
                walk()
            return
        ends = [start] if may_skip else []
        was_dead = self.is_dead
        for walk in walks:
            frame.state, self.is_dead = dict(start), False
            walk()
            if not self.is_dead:
                ends.append(frame.state)
        self.is_dead = was_dead or not ends
        frame.state = joined(ends) if ends else start

    def loop(self, body: Callable[[], None], orelse: Callable[[], None], *, endless: bool) -> None:
        """Run a loop's body none to many times; `endless` loops end by `break` alone."""
        if self.is_flat:
            body()
            orelse()
            return
        frame, start = self.frame, self.frame.state
        fresh, was_dead, loop = len(self._fresh), self.is_dead, Loop()
        self.loops.append(loop)
        frame.state = dict(start)
        body()
        self.loops.pop()
        rounds = [*loop.nexts, *([] if self.is_dead else [frame.state])]
        self._later_in_loop(self._fresh[fresh:], [*rounds, *loop.exits])
        exits, self.is_dead = loop.exits, False
        frame.state = joined([start, *rounds])
        if not endless:
            orelse()
            exits = exits if self.is_dead else [*exits, frame.state]
        self.is_dead = was_dead or not exits
        if exits:
            frame.state = joined(exits)

    def _later_in_loop(self, fresh: Iterable[str], ends: Sequence[State]) -> None:
        """What a round reads may come from the round before."""
        for name in fresh:
            if any(name in end for end in ends):
                self.reads[name] = MAYBE

    def stop(self, states: str = "") -> None:
        """The path ends here; that of `break` (exits) and `continue` (nexts) lives on in the loop."""
        if self.is_flat:
            return
        if states and self.loops:
            getattr(self.loops[-1], states).append(dict(self.frame.state))
        self.is_dead = True
