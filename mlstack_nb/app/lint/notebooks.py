"""What the rules find in a notebook. One that can not be compiled gives that as a finding, not as an error."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mlstack_nb.app.lint.step_codes import codes_of, codes_without_compiling, readable
from mlstack_nb.app.lint.structure import (
    changed_outputs,
    line_of_read,
    missing_annotations,
    undefined_names,
    unused_outputs,
)
from mlstack_nb.app.notebooks.analysis import Analysis, importing_from
from mlstack_nb.app.notebooks.cells import sort_cells
from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.notebooks.compiled import CompiledNotebook
from mlstack_nb.errors import GraphError, MlstackError, StepSyntaxError, UndefinedNameError
from mlstack_nb.source.cell import parse
from mlstack_nb.source.cell_tags import Role, parse_tags
from mlstack_nb.source.code import Code
from mlstack_nb.source.effects import changed_names
from mlstack_nb.source.lint.checks import check_code, is_silenced
from mlstack_nb.source.lint.findings import Finding, Place
from mlstack_nb.source.lint.passages import StepCode
from mlstack_nb.source.notebook_file import Notebook, NotebookCell
from mlstack_nb.source.step_line import split_cell

_CELL = re.compile(r"\b[Cc]ell (\d+)\b(?:, line (\d+))?")
_PREFIX = re.compile(r"^Cell \d+(?:, line \d+)?: ")
_CHANGES = re.compile(r"reads '(\w+)' of step '[\w-]+', which (cell \d+) changes")
_READS = re.compile(r"\(cell (\d+)\) reads '(\w+)'")


def lint_cells(notebook: Notebook) -> list[Finding]:
    """Everything, in the order of the cells, less what comments switch off. Raises nothing for what cells hold."""
    texts = {cell.index: cell.text for cell in notebook.cells}
    found = [one for one in _found(notebook) if not is_silenced(one, texts.get(one.place.index, ""))]
    return sorted(found, key=lambda one: one.order)


def analysed(notebook: Notebook) -> tuple[CompiledNotebook, Analysis | None]:
    """Raises what compiling raises. There is no analysis of a notebook that is one step."""
    compiled = compile_cells(notebook)
    if compiled.is_whole:
        return compiled, None
    with importing_from(notebook.folder):
        analysis = Analysis.of(sort_cells(notebook), notebook.folder)
    return compiled, analysis


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Those of several steps about one piece of code as one."""
    found: dict[tuple[str, tuple[int, int, int, str], str], Finding] = {}
    for one in findings:
        key = (one.rule, one.order, one.message)
        known = found.get(key)
        found[key] = one if known is None else replace(known, steps=tuple(dict.fromkeys((*known.steps, *one.steps))))
    yield from found.values()


def _found(notebook: Notebook) -> Iterator[Finding]:
    unreadable = list(_unreadable(notebook))
    yield from unreadable
    if not any(cell.kind == "code" and cell.text.strip() for cell in notebook.cells):
        return
    try:
        compiled, analysis = analysed(notebook)
    except StepSyntaxError as error:
        if not unreadable:
            yield _of_error(error, notebook)
        yield from _of_codes(codes_without_compiling(notebook))
        return
    except MlstackError as error:
        yield _of_error(error, notebook)
        yield from _of_codes(codes_without_compiling(notebook))
        return
    yield from _of_codes(codes_of(compiled, analysis))
    if analysis is None:
        yield from undefined_names(compiled)
    else:
        yield from changed_outputs(analysis)
        yield from missing_annotations(compiled, analysis)
        yield from unused_outputs(compiled, analysis)


def _of_codes(codes: Iterable[StepCode]) -> Iterator[Finding]:
    return merged(finding for code in codes for finding in check_code(code))


def _unreadable(notebook: Notebook) -> Iterator[Finding]:
    """MLS401: one for each cell that is no Python."""
    for cell in notebook.cells:
        if cell.kind != "code" or not cell.text.strip() or _is_skipped(cell):
            continue
        try:
            found = split_cell(cell.text)
            first = cell.text.count("\n") - found[1].rstrip("\n").count("\n") + 1 if found is not None else 1
            parse(found[1] if found is not None else cell.text, label=cell.label, first_line=max(first, 1))
        except StepSyntaxError as error:
            yield _of_error(error, notebook)
        except MlstackError:
            continue  # compiling tells it


def _is_skipped(cell: NotebookCell) -> bool:
    try:
        return parse_tags(cell.tags, where=cell.label).role is Role.SKIP
    except MlstackError:
        return False


def _of_error(error: MlstackError, notebook: Notebook) -> Finding:
    """The error as a finding, in the cell that is to be changed."""
    rule = "MLS401" if isinstance(error, StepSyntaxError) else "MLS402"
    cells = {cell.index + 1: cell for cell in notebook.cells}
    found = _CELL.search(error.what)
    number, line = (int(found[1]), int(found[2] or 0)) if found is not None else (0, 0)
    changes, reads = _CHANGES.search(error.what), _READS.search(error.what)
    if isinstance(error, UndefinedNameError) and reads is not None:
        rule, number = "MLS403", int(reads[1])
        line = _line_of_read(cells[number], reads[2])
    elif isinstance(error, UndefinedNameError):
        rule = "MLS403"
    elif isinstance(error, GraphError) and changes is not None:
        rule, number = "MLS403", int(changes[2].removeprefix("cell "))
        line = _line_of_change(cells[number], changes[1])
    place = Place(cells[number].label, number - 1) if number in cells else Place()
    message = _PREFIX.sub("", error.what)
    return Finding(rule, place, line, message[:1].upper() + message[1:], error.hint, last_line=line)


def _line_of_read(cell: NotebookCell, name: str) -> int:
    """0 where it can not be told."""
    found = split_cell(cell.text)
    part = readable(found[1] if found is not None else cell.text, cell.label)
    line = line_of_read(part.code.nodes, name) if part is not None else 0
    return line + _lines_above(cell) if line else 0


def _lines_above(cell: NotebookCell) -> int:
    found = split_cell(cell.text)
    return 0 if found is None else cell.text.rstrip("\n").count("\n") - found[1].rstrip("\n").count("\n")


def _line_of_change(cell: NotebookCell, name: str) -> int:
    part = readable(cell.text, cell.label)
    for node in part.code.nodes if part is not None else ():
        if name in changed_names(node):
            return node.lineno
    return next((node.lineno for node in (part.code.nodes if part is not None else ()) if _binds(node, name)), 0)


def _binds(node: object, name: str) -> bool:
    return isinstance(node, ast.stmt) and name in Code([node]).names.binds
