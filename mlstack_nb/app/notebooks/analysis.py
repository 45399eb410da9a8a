"""From sorted cells to steps: which step gives each name, what ordinary code travels with it, what must run before."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlstack_nb.app.notebooks.assembly import assembled
from mlstack_nb.app.notebooks.cells import Draft, Ordinary, SortedCells, joined
from mlstack_nb.app.notebooks.makers import Makers
from mlstack_nb.app.notebooks.mapped_cells import reach_cell
from mlstack_nb.app.notebooks.mistakes import check_after, check_names, check_setups
from mlstack_nb.core.step import Step
from mlstack_nb.source.cell import Cell, outputs_of
from mlstack_nb.source.cell_tags import Role
from mlstack_nb.source.code import Code
from mlstack_nb.source.definition import Definition, Statement
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.mutations import mutated
from mlstack_nb.source.ordinary import Line, Trace, lines_of, search_paths
from mlstack_nb.source.reach import Reach
from mlstack_nb.source.scope import NotebookScope
from mlstack_nb.source.setup_slice import SetupSlice, Timeline, changes, setup_slice

_CODE = (Kind.IMPORT, Kind.FUNCTION, Kind.CLASS)


@dataclass(eq=False, slots=True)
class Reading:
    """A step as it was read in its place. `rank` counts the items above it.

    `origins` are the definitions of the constants and values that it reads, `setups` what gives each of the values,
    `bare` the same without what leaves only files and settings.
    `makes` are names that later steps may take from it, `may_pass` those of them that only some path binds, while
    something above gives them, too.
    """

    draft: Draft
    rank: int
    cell: Cell
    found: Reach
    step: Step
    prelude: tuple[Line, ...]
    setups: Mapping[str, SetupSlice]
    bare: Mapping[str, SetupSlice]
    origins: Mapping[str, Definition]
    makes: tuple[str, ...] = ()
    may_pass: frozenset[str] = frozenset()
    needed: set[str] = field(default_factory=set)

    def outputs(self) -> tuple[str, ...] | None:
        """What a tagged step gives: what others need, and the name that it ends with. None for a `%%step` cell."""
        if not self.draft.is_tagged:
            return None
        last = self.cell.code.nodes[-1:]
        shown = last[0].value if last and isinstance(last[0], ast.Expr) else None
        ends_with = shown.id if isinstance(shown, ast.Name) and shown.id in self.cell.names.binds else ""
        return tuple(name for name in self.makes if name in self.needed or name == ends_with)


class Analysis:
    """The cells of one notebook, read from the top."""

    def __init__(self, cells: SortedCells, folder: str | None, passed: Mapping[str, set[str]]) -> None:
        """`passed`: names that a step must take in, because it may leave them as they are, by step."""
        self.cells = cells
        self.folder = folder
        self.passed = passed
        self.scope = NotebookScope()
        self.makers = Makers(is_ordered=any(draft.tags.after for draft in cells.drafts))
        self.readings: dict[str, Reading] = {}
        self.declared: dict[str, Definition] = {}
        self.timeline = Timeline()
        self._lines: dict[str, tuple[Line, ...]] = {}
        self._session: list[Line] = []

    @classmethod
    def of(cls, cells: SortedCells, folder: str | None) -> Analysis:
        """Read until every step takes in what it may leave as it is."""
        passed: dict[str, set[str]] = {}
        while True:
            analysis = cls(cells, folder, passed)
            analysis._read_all()
            more = {
                name: one.needed & one.may_pass - passed.get(name, set()) for name, one in analysis.readings.items()
            }
            if not any(more.values()):
                return analysis
            passed = {name: passed.get(name, set()) | names for name, names in more.items()}

    def _read_all(self) -> None:
        for rank, item in enumerate(self.cells.items):
            if isinstance(item, Ordinary):
                self._ordinary(item, rank)
            else:
                self._step(item, rank)
        for cell in (item.cell for item in self.cells.metrics):
            for name in cell.names.reads:
                maker = self.makers.last(name)
                if maker is not None:
                    self.readings[maker.name].needed.add(name)

    def _ordinary(self, item: Ordinary, rank: int) -> None:
        cell = item.cell
        self._add(cell, rank)
        self.makers.ordinary_cell(cell, self.scope)
        if item.role is Role.PARAMETERS:
            for name in cell.names.binds:
                definition = self.scope.lookup(name)
                if definition is not None and definition.label == cell.label:
                    self.declared[name] = definition

    def spoilers(self, reading: Reading) -> frozenset[int]:
        """The ranks of cells below a step that would change the values it reads, were they executed before it."""
        watched = frozenset(name for setup in reading.setups.values() for name in setup.watched)
        return frozenset(
            item.order[0]
            for item in (self.timeline.items if watched else ())
            if isinstance(item, Line) and item.order[0] > reading.rank and changes(item, watched, self.scope)
        )

    def _add(self, cell: Cell, rank: int) -> None:
        self.scope.add(cell)
        lines = lines_of(cell, rank)
        self.timeline.add(lines)
        self._lines[cell.label] = lines
        if "%" in cell.text or "sys.path" in cell.text or "__future__" in cell.text:
            for line in lines:
                if line.trace is Trace.SESSION:
                    self._set_up_session(line)

    def _set_up_session(self, line: Line) -> None:
        names = line.code.names
        needed = [name for name in names.reads if name not in names.optional]
        self._session.extend([*setup_slice(needed, self.timeline, self.scope, traces=False).lines, line])
        for path in search_paths([line]):
            _add_to_search_path(str((Path(self.folder or ".") / path).resolve()))

    def _step(self, draft: Draft, rank: int) -> None:
        check_after(draft, self.cells, self.readings)
        cell, scope, asked = joined(draft.parts), self.scope, draft.asked
        given = self.makers.names_for(draft)
        passed = sorted(self.passed.get(draft.name, ()))
        loads = [ast.Expr(ast.Name(name, ast.Load())) for name in passed]
        code = Code([*loads, *cell.code.nodes], shows_last=True) if passed else cell.code
        allowed = given if asked.inputs is None else asked.inputs
        found = reach_cell(asked, code, scope, outputs=set(allowed), lists=given)
        check_names(draft, found, cells=self.cells, makers=self.makers, scope=scope)
        lists = [of for _, of in asked.over if of in found.inputs]
        producers = {name: self.makers.maker(draft, name) for name in (*(asked.inputs or found.inputs), *lists)}
        step = assembled(asked, cell, found, scope, producers=producers, source=cell.text)
        setups = {name: setup_slice([name], self.timeline, scope) for name in found.values}
        bare = {name: setup_slice([name], self.timeline, scope, traces=False) for name in found.values}
        check_setups(draft, setups.values())
        read = [(name, maker) for setup in setups.values() for name, maker in setup.inputs.items()]
        waits = [maker for _, maker in read if maker not in step.needs]
        step = replace(step, after=tuple(dict.fromkeys((*step.after, *waits))))
        origins = {name: one for name in (*found.constants, *found.values) if (one := scope.lookup(name)) is not None}
        reading = Reading(draft, rank, cell, found, step, tuple(self.prelude(found.definitions)), setups, bare, origins)
        for name, maker in [*producers.items(), *read]:
            self.readings[maker].needed.add(name)
        self.readings[draft.name] = reading
        self._register(reading)

    def prelude(self, definitions: Iterable[Definition]) -> Iterator[Line]:
        """The lines that make `definitions`, and those above that set up the session, in order."""
        wanted = {
            line.order: line
            for definition in definitions
            for statement in definition.statements
            for line in self._lines.get(statement.label, ())
            if line.first <= statement.line <= line.last
        }
        wanted |= {line.order: line for line in self._session}
        yield from (wanted[order] for order in sorted(wanted))

    def _register(self, reading: Reading) -> None:
        draft, cell = reading.draft, reading.cell
        if draft.is_tagged:
            reading.makes, code = self._made_by_tagged(reading)
            reading.may_pass = frozenset(
                name for name in reading.makes if name in cell.names.maybe_binds and self._is_given(name, draft)
            )
        else:
            reading.makes, code = tuple(output.name for output in outputs_of(cell, draft.asked.outputs)), []
        self.makers.step(draft, reading.makes, needs=reading.step.needs)
        self.timeline.give(draft.name, reading.makes)
        for part in code:
            self.makers.defined_in(part)
            self._add(part, reading.rank)

    def _is_given(self, name: str, draft: Draft) -> bool:
        definition = self.scope.lookup(name)
        is_value = definition is not None and definition.kind not in _CODE
        return is_value or name in self.makers.names_for(draft)

    def _made_by_tagged(self, reading: Reading) -> tuple[tuple[str, ...], list[Cell]]:
        """The names of data that a tagged step binds or changes, and its definitions, which travel as code."""
        own = NotebookScope()
        own.add(reading.cell)
        defined = {one.name for one in own if one.kind in _CODE and one.name in reading.cell.names.binds}
        made = [name for name in reading.cell.names.binds if name not in defined]
        changed = mutated(reading.cell.code, self.scope)
        made += [name for name in reading.cell.names.reads if name in changed and self._is_given(name, reading.draft)]
        nodes = {id(statement.node) for name in defined for statement in _statements(own, name)}
        return tuple(dict.fromkeys(made)), [
            part for one in reading.draft.parts if (part := _only(one, nodes)).code.nodes
        ]


def _statements(scope: NotebookScope, name: str) -> tuple[Statement, ...]:
    definition = scope.lookup(name)
    return () if definition is None else definition.statements


def _only(part: Cell, nodes: set[int]) -> Cell:
    """The statements of a cell that define functions, classes and imports."""
    kept = [
        node
        for node in part.code.nodes
        if id(node) in nodes or (isinstance(node, ast.Import | ast.ImportFrom) and node.names[0].name != "*")
    ]
    return replace(part, tree=ast.Module(kept, []), code=Code(kept))


@contextmanager
def importing_from(folder: str | None) -> Iterator[None]:
    """With the notebook's folder where its kernel has it: in front of what Python searches for modules."""
    before = list(sys.path)
    if folder is not None:
        _add_to_search_path(folder)
    try:
        yield
    finally:
        sys.path[:] = before


def _add_to_search_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)
