"""What a step reaches: every name it reads, followed through functions, classes and values of ordinary code."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.source.cell import Cell
from mlstack_nb.source.code import Code
from mlstack_nb.source.companions import companions, module_changes, project_changes
from mlstack_nb.source.definition import Definition, Statement
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.module_scope import star_source, star_sources
from mlstack_nb.source.scope import Scope


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Where each name comes from that `code` reads, directly or through others.

    `inputs` are outputs of other steps and `parameters` of the pipeline, both in order of first read; `constants`
    are literals of ordinary code, which become parameters of the step. `definitions` are functions, classes and
    imports in source order; `values` are names of ordinary code whose live value the caller captures. `undefined`
    are names that nothing defines. `dynamic`: names are looked up at run time, so every definition counts.
    """

    code: Code
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    constants: Mapping[str, Any]
    definitions: tuple[Definition, ...]
    values: tuple[str, ...]
    undefined: tuple[str, ...]
    dynamic: bool
    value_definitions: tuple[Definition, ...] = ()
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def prelude(self) -> tuple[Statement, ...]:
        """The statements that make `definitions` and `values`, each once, in source order; constants are not made."""
        found = {
            (statement.order, ast.dump(statement.node) if isinstance(statement.node, _IMPORT) else ""): statement
            for definition in (*self.definitions, *self.value_definitions)
            for statement in definition.statements
        }
        return tuple(found[key] for key in sorted(found))


_IMPORT = (ast.Import, ast.ImportFrom)


def reach(
    code: Cell | Code,
    scope: Scope,
    *,
    outputs: Collection[str] = (),
    parameters: Collection[str] = (),
    through_values: bool = True,
) -> Reach:
    """Follow what `code` reads: other steps' `outputs` first, then `parameters`, then what `scope` defines.

    Without `through_values`, what the code that made a value reads is left out: for callers that have the value.
    Remembered as long as the scope does not change.
    """
    if isinstance(code, Cell):
        code = code.code
    settle(scope)
    key = id(code), frozenset(outputs), frozenset(parameters), through_values
    known: Reach | None = scope.memo.get(key)
    if known is None:
        known = scope.memo[key] = _Search(code, scope, key[1], key[2], through_values).result()
    return known


def settle(scope: Scope) -> None:
    """Forget what was derived of a scope whose `import *` may give other names now: the file it names has changed."""
    if scope.stars:
        sources = star_sources(scope)
        if scope.memo.get("star sources", sources) != sources:
            scope.memo.clear()
        scope.memo["star sources"] = sources


class _Search:
    def __init__(
        self, code: Code, scope: Scope, outputs: frozenset[str], parameters: frozenset[str], through_values: bool
    ) -> None:
        self.through_values = through_values
        self.code = code
        self.scope = scope
        self.outputs = outputs
        self.parameters = parameters
        self.inputs: dict[str, None] = {}
        self.used_parameters: dict[str, None] = {}
        self.found: dict[str, Definition] = {}
        self.missing: dict[str, bool] = {}
        self.dynamic = False
        self.todo = deque([code])

    def result(self) -> Reach:
        while self.todo:
            self._follow(self.todo.popleft())
        by_kind: dict[Kind, list[Definition]] = {kind: [] for kind in Kind}
        for definition in sorted(self.found.values(), key=lambda one: one.order):
            by_kind[definition.kind].append(definition)
        values = by_kind.pop(Kind.VALUE)
        constants = by_kind.pop(Kind.CONSTANT)
        definitions = sorted((one for some in by_kind.values() for one in some), key=lambda one: one.order)
        return Reach(
            code=self.code,
            inputs=tuple(self.inputs),
            parameters=tuple(self.used_parameters),
            constants={one.name: one.value for one in constants},
            definitions=tuple(definitions),
            values=tuple(one.name for one in values),
            undefined=self._undefined(),
            dynamic=self.dynamic,
            value_definitions=tuple(values),
        )

    def _follow(self, code: Code) -> None:
        names = code.names
        if names.dynamic and not self.dynamic:
            self.dynamic = True
            for definition in self.scope:
                self._found(definition)
        for change in module_changes(code, self.scope):
            self._found(change)
        for name in names.reads:
            if name in self.outputs:
                self.inputs[name] = None
            elif name in self.parameters:
                self.used_parameters[name] = None
            elif name not in self.found:
                self._look_up(name, needed=name not in names.optional and name not in names.maybe_reads)

    def _look_up(self, name: str, *, needed: bool) -> None:
        definition = self.scope.lookup(name)
        if definition is not None:
            self._found(definition)
            return
        star = self._from_stars(name)
        if star is not None:
            self._found(star)
        else:
            self.missing[name] = self.missing.get(name, False) or needed

    def _found(self, definition: Definition) -> None:
        name = definition.name
        if name in self.found or name in self.outputs or name in self.parameters:
            return
        together = companions(definition, self.scope)
        if together and definition.kind is Kind.CONSTANT:  # it is not what was written any more
            definition = replace(definition, kind=Kind.VALUE, value=None)
        self.found[name] = definition
        if definition.kind is Kind.VALUE and not self.through_values:
            self._found_changes(definition)
            return
        self.todo.append(definition.code)
        for companion in together:
            self._found(companion)

    def _found_changes(self, value: Definition) -> None:
        """What changes modules that functions in a captured value may look at: the value itself does not show it."""
        changes = project_changes(self.scope)
        if changes:
            use = Code([ast.Expr(ast.Name(value.name, ast.Load()))])
            behind = reach(use, self.scope, outputs=self.outputs, parameters=self.parameters)
            for change in changes:
                if change in behind.definitions:
                    self._found(change)

    def _from_stars(self, name: str) -> Definition | None:
        """The import behind `import *` that gives `name`; where that can not be told, every one that may."""
        unsure: list[Statement] = []
        for star in self.scope.stars:
            node = star.node
            if not isinstance(node, ast.ImportFrom):
                continue
            inner = star_source(star, self.scope)
            gives = None if inner is None else inner.gives(name)
            if gives is False:
                continue
            if gives and not unsure:
                single = ast.copy_location(ast.ImportFrom(node.module, [ast.alias(name)], node.level), node)
                return Definition(name, Kind.IMPORT, Code([single]), (star,))
            unsure.append(star)
        if not unsure:
            return None
        unsure.reverse()
        return Definition(name, Kind.IMPORT, Code([star.node for star in unsure]), tuple(unsure))

    def _undefined(self) -> tuple[str, ...]:
        own = self.code.names
        if own.star_imports or self.dynamic:
            return ()
        return tuple(name for name, needed in self.missing.items() if needed and name not in own.binds)
