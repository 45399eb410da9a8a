"""The names that ordinary code defines: of a notebook's ordinary cells, or of one module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from mlstack_nb.source.cell import Cell
from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import Change, Definition, Statement
from mlstack_nb.source.effects import (
    Bind,
    Call,
    Delete,
    Effect,
    Kind,
    Star,
    Touch,
    effects_of,
)

_EFFECTS: WeakKeyDictionary[Code, tuple[tuple[Effect, ...], ...]] = WeakKeyDictionary()
_LASTING = (Kind.FUNCTION, Kind.CLASS, Kind.IMPORT)


class Scope:
    """What each name is after the cells ran one after the other.

    `version` grows with every change; `memo` is for what others derive of the scope and is emptied then.
    `package` is what relative imports start from.
    """

    package = ""

    def __init__(self) -> None:
        self.version = 0
        self.memo: dict[Any, Any] = {}
        self._cells: dict[str, Cell] = {}
        self._clear()

    def add(self, cell: Cell) -> None:
        """Run `cell` after all others; one of the same label is gone, as if it had never run."""
        if cell.label in self._cells:
            del self._cells[cell.label]
            self._cells[cell.label] = cell
            self._rebuild()
        else:
            self._cells[cell.label] = cell
            self._apply(cell)

    def replace(self, cell: Cell) -> None:
        """Put `cell` where the one of the same label stands. Raises KeyError when there is none."""
        self._cells[self._cells[cell.label].label] = cell
        self._rebuild()

    def remove(self, label: str) -> None:
        """Raises KeyError when no cell has this label."""
        del self._cells[label]
        self._rebuild()

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(self._cells.values())

    def __iter__(self) -> Iterator[Definition]:
        """Every definition, as they stand in the code."""
        yield from sorted(self._table.values(), key=lambda definition: definition.order)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def lookup(self, name: str) -> Definition | None:
        """What `name` is: its last binding wins. Names that only `import *` may give are not found here."""
        return self._table.get(name)

    @property
    def stars(self) -> tuple[Statement, ...]:
        """The `from module import *` statements, latest first."""
        return tuple(reversed(self._stars))

    def changes(self, name: str) -> tuple[Change, ...]:
        """Where the object behind `name` is changed in place or deleted, whoever defined it."""
        return tuple(self._changes.get(name, ()))

    @property
    def calls(self) -> tuple[tuple[Call, Statement], ...]:
        """The calls at top level that may change what they do not name, in order."""
        return tuple(self._calls)

    def _clear(self) -> None:
        self._table: dict[str, Definition] = {}
        self._stars: list[Statement] = []
        self._calls: list[tuple[Call, Statement]] = []
        self._changes: dict[str, list[Change]] = {}

    def _rebuild(self) -> None:
        self._clear()
        for cell in self._cells.values():
            self._apply(cell)

    def _apply(self, cell: Cell) -> None:
        self.version += 1
        self.memo.clear()
        place = self.version
        known = _EFFECTS.get(cell.code)
        if known is None:
            has_globals = "global " in cell.text
            known = tuple(tuple(effects_of(node, has_globals=has_globals)) for node in cell.code.nodes)
            _EFFECTS[cell.code] = known
        for index, (node, effects) in enumerate(zip(cell.code.nodes, known, strict=True)):
            statement = Statement(cell.label, (place, index), node, cell.text)
            for effect in effects:
                self._take(effect, statement)

    def _take(self, effect: Effect, statement: Statement) -> None:
        match effect:
            case Bind():
                self._bind(effect, statement)
            case Touch(name, code):
                self._changed(name, statement)
                old = self._table.get(name)
                # what decorates with a method of an import (`@app.route`) changes nothing in the import
                if old and not (old.kind is Kind.IMPORT and _defines(statement.node)):
                    self._grow(old, old.kind if old.kind in _LASTING else Kind.VALUE, code, statement)
            case Delete(name):
                self._changed(name, statement)
                self._table.pop(name, None)
            case Star(node):
                self._stars.append(Statement(statement.label, statement.order, node, statement.cell_text))
            case Call():
                self._calls.append((effect, statement))

    def _bind(self, bind: Bind, statement: Statement) -> None:
        if bind.kind is Kind.IMPORT:
            statement = Statement(statement.label, statement.order, bind.code.nodes[0], statement.cell_text)
        old = self._table.get(bind.name)
        if isinstance(statement.node, ast.AugAssign):
            self._changed(bind.name, statement)
        if old is None or not bind.keeps:
            self._table[bind.name] = Definition(bind.name, bind.kind, bind.code, (statement,), bind.value)
            return
        kind = next((one for one in (bind.kind, old.kind) if one in _LASTING), Kind.VALUE)
        self._grow(old, kind, bind.code, statement)

    def _grow(self, old: Definition, kind: Kind, code: Code, statement: Statement) -> None:
        last = old.statements[-1]
        if last.node is statement.node and last.order == statement.order:  # cells of equal text share their nodes
            return
        joined = Code([*old.code.nodes, *code.nodes])
        self._table[old.name] = Definition(old.name, kind, joined, (*old.statements, statement))

    def _changed(self, name: str, statement: Statement) -> None:
        change = Change(name, statement.label, statement.line, statement.text)
        self._changes.setdefault(name, []).append(change)


class NotebookScope(Scope):
    """The ordinary cells of a notebook: in a file in their order, in a kernel as they were executed."""


def _defines(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
