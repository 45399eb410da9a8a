"""Which step of a notebook file gives a name to another.

For a `%%step` cell it is the last one above that has the name among its outputs, as in a live kernel after *Run All*.
For a tagged step the tags `prev:` count first: two branches do not see each other's names.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlstack_nb.app.notebooks.cells import Draft
from mlstack_nb.core.graph import ancestors
from mlstack_nb.errors import GraphError
from mlstack_nb.source.cell import Cell
from mlstack_nb.source.scope import NotebookScope


class Makers:
    """`is_ordered`: the notebook has `prev:` tags, so tagged steps stand in the order that these give."""

    def __init__(self, *, is_ordered: bool) -> None:
        self._is_ordered = is_ordered
        self._makers: dict[str, list[Draft]] = {}
        self._needs: dict[str, set[str]] = {}
        self._changed: dict[str, str] = {}

    def step(self, draft: Draft, makes: Iterable[str], *, needs: Iterable[str]) -> None:
        """A step that `makes` these names."""
        self._needs[draft.name] = set(needs)
        for name in makes:
            self._makers.setdefault(name, []).append(draft)
            self._changed.pop(name, None)

    def ordinary_cell(self, cell: Cell, scope: NotebookScope) -> None:
        """An ordinary cell below the steps so far, which `scope` has seen: it may bind or change their names."""
        for name, makers in self._makers.items():
            changes = any(change.label == cell.label for change in scope.changes(name))
            if not makers or not (changes or name in cell.names.binds):
                continue
            if makers[-1].is_tagged and not changes and name not in cell.names.reads:
                makers.clear()  # the name is the ordinary cell's from here on
            else:
                self._changed[name] = cell.label

    def defined_in(self, cell: Cell) -> None:
        """Code that a tagged step defines: its names are no data from here on."""
        for name in cell.names.binds:
            self._makers.pop(name, None)

    @property
    def names(self) -> set[str]:
        """The names that some step gives."""
        return {name for name, makers in self._makers.items() if makers}

    def names_for(self, draft: Draft) -> set[str]:
        """The names that some other step above gives."""
        return {name for name, makers in self._makers.items() if any(maker is not draft for maker in makers)}

    def changed(self, name: str) -> str | None:
        """The label of the ordinary cell that changed a step's output below that step."""
        return self._changed.get(name)

    def last(self, name: str) -> Draft | None:
        return next(reversed(self._makers.get(name, ())), None)

    def maker(self, draft: Draft, name: str) -> str:
        """The step that gives `name` to `draft`. Raises GraphError when several do, none of which comes last."""
        known = [maker for maker in self._makers[name] if maker is not draft]
        if not draft.is_tagged:
            return known[-1].name
        before = ancestors({**self._needs, draft.name: draft.asked.after}, draft.name)
        candidates = [maker for maker in known if maker.name in before] or known
        last = [one for one in candidates if not any(self._comes_before(one, other) for other in candidates)]
        if len(last) == 1:
            return last[0].name
        one, other = last[-2:]
        raise GraphError(
            f"Step {draft.name!r} ({draft.label}) reads {name!r}, which both {one.name!r} ({one.label}) and "
            f"{other.name!r} ({other.label}) give, and neither of them comes after the other.",
            f"Tag {other.label} with prev:{one.name}, or give one of the two another name.",
        )

    def _comes_before(self, one: Draft, other: Draft) -> bool:
        if one is other:
            return False
        if one.name in ancestors(self._needs, other.name):
            return True
        return not (self._is_ordered and one.is_tagged and other.is_tagged) and one.position < other.position
