"""Sorting the cells of a notebook: which are steps, which belong to one, and which are ordinary."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack_nb.app.notebooks.compiled import BodyCell
from mlstack_nb.core.step import Resources
from mlstack_nb.errors import ConflictError, StepSyntaxError, UsageError
from mlstack_nb.source.cell import Cell, parse
from mlstack_nb.source.cell_tags import CellTags, Role, parse_tags
from mlstack_nb.source.code import Code
from mlstack_nb.source.ipython_syntax import cell_magic
from mlstack_nb.source.normal_form import shown, shows_value
from mlstack_nb.source.notebook_file import Notebook, NotebookCell
from mlstack_nb.source.step_line import StepLine, split_cell

KALE = "kubeflow_notebook"
"""Where Kale keeps what it knows of a notebook."""
_HOISTED = (Role.IMPORTS, Role.FUNCTIONS)


@dataclass(eq=False, slots=True)
class Draft:
    """A step that is being compiled: its cells, and what was asked of it. `parts` are its cells, read one by one."""

    asked: StepLine
    tags: CellTags
    line: str = ""
    cells: list[BodyCell] = field(default_factory=list)
    parts: list[Cell] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.asked.name

    @property
    def is_tagged(self) -> bool:
        """Whether its outputs are what later steps read; those of a `%%step` cell are written there."""
        return not self.line

    @property
    def label(self) -> str:
        return self.cells[0].cell.label

    @property
    def position(self) -> int:
        return self.cells[0].cell.index


@dataclass(frozen=True, slots=True)
class Ordinary:
    """An ordinary cell; its `role` is what it is tagged as."""

    place: NotebookCell
    cell: Cell
    role: Role = Role.NONE


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An ordinary cell that is no Python. It does not matter unless a step below reads what it may have defined."""

    place: NotebookCell
    error: StepSyntaxError


@dataclass(frozen=True, slots=True)
class SortedCells:
    """`items` in the order they count: as they stand, a step where its first cell stands.

    With tagged steps, cells tagged `imports` come first and those tagged `functions` second, as every step has them.
    """

    items: tuple[Draft | Ordinary, ...]
    metrics: tuple[Ordinary, ...] = ()
    skipped: tuple[NotebookCell, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def drafts(self) -> list[Draft]:
        return [item for item in self.items if isinstance(item, Draft)]

    @property
    def ordinary(self) -> list[Ordinary]:
        return [item for item in self.items if isinstance(item, Ordinary)]


def sort_cells(notebook: Notebook) -> SortedCells:
    """Every code cell in its place. Raises UsageError, ConflictError or StepSyntaxError naming the cell."""
    sorting = _Sorting(_defaults(notebook.metadata))
    for cell in notebook.cells:
        if cell.kind == "code":
            sorting.take(cell)
    made = {name for one in sorting.drafts if one.is_tagged for part in one.parts for name in part.names.binds}
    hoisted = _HOISTED if any(draft.is_tagged for draft in sorting.drafts) else ()
    places: list[tuple[int, int, Draft | Ordinary]] = [(len(hoisted), one.position, one) for one in sorting.drafts]
    for one in sorting.ordinary:
        comes_first = one.role in hoisted and not _works_on(one.cell, made)
        places.append((hoisted.index(one.role) if comes_first else len(hoisted), one.place.index, one))
    items = tuple(item for *_, item in sorted(places, key=lambda place: place[:2]))
    return SortedCells(items, tuple(sorting.metrics), tuple(sorting.skipped), tuple(sorting.unreadable))


def _works_on(cell: Cell, made: set[str]) -> bool:
    """Whether a cell, besides defining functions, does something with names that steps make."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    foreign = made.difference(cell.names.binds)
    others = [node for node in cell.code.nodes if not isinstance(node, definitions)]
    return any(not foreign.isdisjoint(Code([node]).names.reads) for node in others) if foreign else False


def joined(parts: Sequence[Cell]) -> Cell:
    """Several cells of one step as one, for reading: what each displays in between counts, too."""
    if len(parts) == 1:
        return parts[0]
    nodes: list[ast.stmt] = []
    for part in parts:
        last = part.code.nodes[-1:]
        if part is not parts[-1] and last and isinstance(last[0], ast.Expr) and shows_value(last[0]):
            nodes += [*part.code.nodes[:-1], shown(last[0])]
        else:
            nodes += part.code.nodes
    text = "\n\n".join(part.text.rstrip("\n") for part in parts)
    return Cell(parts[0].label, text, ast.Module(nodes, []), Code(nodes, shows_last=True))


class _Sorting:
    def __init__(self, defaults: CellTags) -> None:
        self.defaults = defaults
        self.ordinary: list[Ordinary] = []
        self.metrics: list[Ordinary] = []
        self.skipped: list[NotebookCell] = []
        self.unreadable: list[Unreadable] = []
        self.by_name: dict[str, Draft] = {}
        self.current: Draft | None = None

    @property
    def drafts(self) -> list[Draft]:
        return list(self.by_name.values())

    def take(self, cell: NotebookCell) -> None:
        tags = parse_tags(cell.tags, where=cell.label)
        if tags.role is Role.SKIP:
            self.skipped.append(cell)
            return
        if not cell.text.strip() and tags.role is not Role.STEP:
            return
        found = _step_line(cell)
        if found is not None:
            self._step_cell(cell, *found, tags)
        elif tags.role is Role.STEP:
            self._tagged(cell, tags)
        elif tags.role is Role.NONE:
            _check_belongs(cell, tags)
            if self.current is not None:
                _add(self.current, cell)
            else:
                self._read(cell, self.ordinary)
        else:
            self.current = None
            self._read(cell, self.metrics if tags.role is Role.METRICS else self.ordinary, tags.role)

    def _step_cell(self, cell: NotebookCell, asked: StepLine, body: str, tags: CellTags) -> None:
        self.current = None
        if tags.role not in (Role.NONE, Role.STEP) or tags.step not in ("", asked.name):
            said = tags.step or tags.role.value
            raise ConflictError(
                f"The `%%step` line of {cell.label} makes it step {asked.name!r}, its tag says {said!r}.",
                "Remove the tag, or the `%%step` line.",
            )
        other = self.by_name.get(asked.name)
        if other is not None:
            raise ConflictError(
                f"Two cells are the step {asked.name!r}: {other.label} and {cell.label}.", "Rename one of them."
            )
        magic = cell_magic(cell.text)
        line, first_line = (magic.line.strip(), magic.before + 2) if magic is not None else (asked.name, 1)
        draft = Draft(_configured(asked, tags.over(self.defaults)), tags, line=line)
        draft.cells.append(BodyCell(cell, body, first_line))
        draft.parts.append(parse(body, label=cell.label, first_line=first_line))
        self.by_name[asked.name] = draft

    def _tagged(self, cell: NotebookCell, tags: CellTags) -> None:
        draft = self.by_name.get(tags.step)
        if draft is None:
            asked = _configured(StepLine(tags.step, after=tags.after), tags.over(self.defaults))
            draft = self.by_name[tags.step] = Draft(asked, tags)
        elif not draft.is_tagged:
            raise ConflictError(
                f"Two cells are the step {tags.step!r}: {draft.label} by its `%%step` line, {cell.label} by its tag.",
                "Rename one of them.",
            )
        else:
            draft.tags = tags.over(draft.tags)
            draft.asked = _configured(StepLine(tags.step, after=draft.tags.after), draft.tags.over(self.defaults))
        _add(draft, cell)
        self.current = draft

    def _read(self, cell: NotebookCell, into: list[Ordinary], role: Role = Role.NONE) -> None:
        try:
            read = parse(cell.text, label=cell.label)
        except StepSyntaxError as error:
            if role is Role.PARAMETERS:
                raise
            self.unreadable.append(Unreadable(cell, error))
        else:
            into.append(Ordinary(cell, read, role))


def _add(draft: Draft, cell: NotebookCell) -> None:
    draft.cells.append(BodyCell(cell, cell.text))
    draft.parts.append(parse(cell.text, label=cell.label))


def _step_line(cell: NotebookCell) -> tuple[StepLine, str] | None:
    try:
        return split_cell(cell.text)
    except UsageError as error:
        raise UsageError(f"The `%%step` line of {cell.label}: {error.what}", error.hint) from error


def _configured(asked: StepLine, tags: CellTags) -> StepLine:
    """What was asked, with what the tags say of how the step runs and which steps it waits for."""
    settings = replace(
        asked.settings,
        cache=asked.settings.cache and tags.cache is not False,
        resources=tags.resources,
        report=tags.report,
    )
    return replace(asked, settings=settings, after=tuple(dict.fromkeys((*asked.after, *tags.after))))


def _check_belongs(cell: NotebookCell, tags: CellTags) -> None:
    if tags.after:
        raise UsageError(
            f"The tag prev:{tags.after[0]} of {cell.label} says what a step waits for, but the cell is no step.",
            "Add the tag step:NAME, or remove the other.",
        )
    if not tags.is_plain:
        raise UsageError(
            f"The tags of {cell.label} say how a step runs ({', '.join(_ours(cell))}), but the cell is no step.",
            "Add the tag step:NAME, or put them on the first cell of the step.",
        )


def _ours(cell: NotebookCell) -> Iterator[str]:
    foreign = parse_tags(cell.tags, where=cell.label).foreign
    yield from (tag for tag in cell.tags if tag not in foreign)


def _defaults(metadata: Mapping[str, Any]) -> CellTags:
    """What Kale's own settings say of all steps."""
    kale = metadata.get(KALE)
    kale = kale if isinstance(kale, Mapping) else {}
    given = kale.get("steps_defaults")
    tags = [tag for tag in given if isinstance(tag, str)] if isinstance(given, list) else []
    read = parse_tags(tags, where="the notebook's steps_defaults")
    image = kale.get("base_image")
    base = CellTags(
        resources=Resources(image=image if isinstance(image, str) else ""),
        cache=False if kale.get("enable_caching") is False else None,
    )
    return replace(read.over(base), role=Role.NONE, step="", after=())
