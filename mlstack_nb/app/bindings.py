"""The names of a live kernel: which a step bound, which are not loaded yet, which an ordinary cell changed since."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any

from mlstack_nb.engine.calls import StepResult
from mlstack_nb.engine.values import Value
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.definition import Definition
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope


class Bindings:
    """Step outputs in the kernel's namespace. A cached output is loaded when something is about to read it."""

    def __init__(self, namespace: dict[str, Any], scope: NotebookScope) -> None:
        self.namespace = namespace
        self.scope = scope
        self._owners: dict[str, str] = {}
        self._unloaded: dict[str, Value] = {}
        self._changed: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def bind(self, step: str, result: StepResult, produced: Mapping[str, Any]) -> None:
        """Bind a step's outputs: those just made at once, those from the cache when they are read."""
        for name, value in result.outputs.items():
            self._owners[name] = step
            self._changed.pop(name, None)
            if result.made_here and name in produced:
                self._unloaded.pop(name, None)
                self.namespace[name] = produced[name]
            else:
                # what the kernel still holds under this name is not this step's output
                self.namespace.pop(name, None)
                self._unloaded[name] = value

    def forget(self, step: str) -> None:
        """The outputs of `step` are nobody's any more; those not loaded are gone, the others stay the kernel's."""
        for name in [name for name, owner in self._owners.items() if owner == step]:
            del self._owners[name]
            self._unloaded.pop(name, None)
            self._changed.pop(name, None)

    def load(self, names: Iterable[str]) -> None:
        """Load those of `names` that are bound but not loaded. Raises what loading raises; the name stays bound."""
        for name in names:
            if name in self._unloaded:
                self.namespace[name] = self._unloaded[name].get()
                del self._unloaded[name]

    def load_for(self, cell: Cell) -> None:
        """Load what `cell` is about to read, itself or through functions of the notebook."""
        if self._unloaded:
            found = reach(cell, self.scope, outputs=set(self._unloaded))
            self.load(list(self._unloaded) if found.dynamic else found.inputs)

    def record(self, cell: Cell, *, cell_id: str | None = None) -> None:
        """An ordinary cell was executed: remember what it defines, and which step outputs it rebound or changed.

        What the same cell defined when it was executed before is forgotten: it has been edited since.
        """
        if cell_id is not None:
            self.forget_cells([cell_id])
            self._labels[cell_id] = cell.label
        self.scope.add(cell)
        for name in self._owners:
            if name in cell.names.binds or any(change.label == cell.label for change in self.scope.changes(name)):
                self._changed[name] = cell.label
                self._unloaded.pop(name, None)

    def forget_cells(self, cell_ids: Iterable[str]) -> None:
        """These cells were deleted or edited: the notebook no longer says what they said."""
        for label in [self._labels.pop(cell_id) for cell_id in cell_ids if cell_id in self._labels]:
            self.scope.remove(label)

    def changed(self, name: str) -> str | None:
        """The label of the cell that changed step output `name` after its step ran."""
        return self._changed.get(name)

    def known(self) -> list[str]:
        return [*(definition.name for definition in self.scope), *self._owners]

    def origin(self, name: str) -> str:
        """The label of the ordinary cell that gave `name` its value."""
        definition = self.scope.lookup(name)
        return definition.label if definition is not None else ""

    def outdated(self, name: str) -> tuple[Definition, Definition] | None:
        """What `name` is, and what it was computed from that has changed since; None when it is up to date.

        A cell was executed again, or out of order, and the one that computes `name` was not.
        """
        todo, seen = [name], set()
        while todo:
            made = self.scope.lookup(todo.pop())
            if made is None or made.name in seen:
                continue
            seen.add(made.name)
            for read in made.reads:
                source = self.scope.lookup(read)
                if source is None or source.kind is Kind.IMPORT:
                    continue
                if made.kind is Kind.VALUE and source.order > made.order:
                    return made, source
                todo.append(read)
        return None

    def holds(self, name: str) -> bool:
        return name in self.namespace

    def value(self, name: str) -> Any:
        return self.namespace[name]

    def fresh(self, definitions: Iterable[str]) -> dict[str, Any]:
        """A new namespace with these definitions, whose functions see it instead of the kernel's."""
        namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        for name in definitions:
            if name in self.namespace:
                namespace[name] = self._moved(self.namespace[name], namespace)
        return namespace

    def _moved(self, value: Any, namespace: dict[str, Any]) -> Any:
        """A plain notebook function with `namespace` for its globals; anything else as it is."""
        if not isinstance(value, types.FunctionType) or value.__globals__ is not self.namespace:
            return value
        moved = types.FunctionType(value.__code__, namespace, value.__name__, value.__defaults__, value.__closure__)
        moved.__kwdefaults__ = value.__kwdefaults__
        moved.__annotations__ = value.__annotations__
        moved.__qualname__ = value.__qualname__
        moved.__module__ = value.__module__
        moved.__doc__ = value.__doc__
        moved.__dict__.update(value.__dict__)
        return moved
