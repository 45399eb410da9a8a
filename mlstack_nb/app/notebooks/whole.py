"""A notebook as one step: what runs where it has no steps, or where somebody wants it whole."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlstack_nb.app.live_run import WHOLE_RUN_VARIABLE
from mlstack_nb.app.notebooks.assembly import assembled
from mlstack_nb.app.notebooks.cells import joined
from mlstack_nb.app.notebooks.compiled import BodyCell, CompiledNotebook, CompiledStep
from mlstack_nb.app.notebooks.parameters import Parameters
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.step import Settings
from mlstack_nb.errors import UsageError
from mlstack_nb.kernels import SESSION_VARIABLE
from mlstack_nb.source.cell import Cell, parse
from mlstack_nb.source.cell_tags import Role, parse_tags
from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import Bind, Kind, effects_of
from mlstack_nb.source.notebook_file import Notebook, NotebookCell
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope
from mlstack_nb.source.step_line import StepLine, split_cell


def compile_whole(notebook: Notebook, name: str, given: Mapping[str, Any]) -> CompiledNotebook:
    """One step that is the notebook, cells tagged `skip` left out. Its inputs are the constants tagged `parameters`.

    It has no outputs by name: its result is the executed notebook. With `%%step` cells in it, it always runs, for these
    cells have the cache. Raises StepSyntaxError naming the cell.
    """
    places = [cell for cell in notebook.cells if cell.kind == "code" and cell.text.strip() and not _is_skipped(cell)]
    if not places:
        raise UsageError(f"Notebook {notebook.name!r} has no code.", "Write a cell that starts with: %%step NAME")
    parts = [parse(cell.text, label=cell.label) for cell in places]
    scope = NotebookScope()
    rest = []
    for cell, part in zip(places, parts, strict=True):
        if parse_tags(cell.tags, where=cell.label).role is Role.PARAMETERS:
            constants, part = _split(part)  # noqa: PLW2901
            scope.add(constants)
        rest.append(part)
    whole = joined(rest)
    found = reach(whole, scope, through_values=False)
    declared = {one.name: one for one in scope}
    parameters = Parameters.of([], declared, given)
    steps = steps_in(cell.text for cell in places)
    asked = StepLine(_free_name(name, steps), outputs=(), settings=Settings(cache=not steps))
    step = assembled(asked, whole, found, scope, producers={}, source=whole.text)
    values = {name: parameters.value(name, declared[name]) for name in found.constants}
    body = tuple(BodyCell(cell, cell.text) for cell in places)
    compiled = CompiledStep(step=step, order=(0, 0), body=body, parameters=values)
    pipeline = Pipeline(name, (step,), parameters.values)
    return CompiledNotebook(notebook, pipeline, (compiled,), parameters.described(), is_whole=True)


def steps_in(texts: Iterable[str]) -> list[str]:
    """The names of the `%%step` cells among these."""
    return [found[0].name for text in texts if (found := split_cell(text)) is not None]


def environment_of(notebook: CompiledNotebook, run_id: str, *, use_cache: bool) -> dict[str, str]:
    """What a kernel is to know that executes a whole notebook: its file, and the run that its steps are to be in."""
    if not notebook.is_whole:
        return {}
    origin = notebook.notebook
    path = os.path.join(origin.folder or "", f"{origin.name}.ipynb")  # noqa: PTH118 - a folder of its own is none
    return {SESSION_VARIABLE: path, WHOLE_RUN_VARIABLE: run_id, **({} if use_cache else {"MLSTACK_CACHE": "off"})}


def _free_name(wanted: str, taken: Sequence[str]) -> str:
    while wanted in taken:
        wanted += "_notebook"
    return wanted


def _is_skipped(cell: NotebookCell) -> bool:
    return parse_tags(cell.tags, where=cell.label).role is Role.SKIP


def _split(part: Cell) -> tuple[Cell, Cell]:
    """The statements that only set a constant, and the others."""
    constants = [node for node in part.code.nodes if _sets_constant(node)]
    others = [node for node in part.code.nodes if not _sets_constant(node)]
    return _with(part, constants), _with(part, others)


def _with(part: Cell, nodes: list[ast.stmt]) -> Cell:
    return replace(part, tree=ast.Module(nodes, []), code=Code(nodes, shows_last=True))


def _sets_constant(node: ast.stmt) -> bool:
    match list(effects_of(node, has_globals=False)):
        case [Bind(kind=Kind.CONSTANT)]:
            return True
    return False
