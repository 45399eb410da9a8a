"""Types for outputs that have none: where a literal or the runs so far make them certain."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mlstack_nb.app.lint.notebooks import analysed
from mlstack_nb.app.lint.structure import first_binding, place_of, returns_of
from mlstack_nb.app.notebooks.analysis import Analysis, Reading
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.errors import MlstackError
from mlstack_nb.source.effects import Kind
from mlstack_nb.source.lint.findings import Edit, Finding
from mlstack_nb.source.notebook_file import Notebook
from mlstack_nb.source.ordinary import Line

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

_MADE_BY = {
    **{name: name for name in ("int", "float", "str", "bool", "list", "dict", "set", "tuple", "bytes")},
    "len": "int",
    "sorted": "list",
}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
Recorded = Mapping[tuple[str, str], Collection[str]]


def annotations_for(finding: Finding, notebook: Notebook, workspace: Workspace | None) -> Iterator[tuple[Edit, ...]]:
    """At most one way: every output of the step whose type is certain annotated."""
    try:
        compiled, analysis = analysed(notebook)
        step = compiled.step(finding.steps[0])
    except MlstackError:
        return
    if analysis is None:
        return
    recorded = _recorded(compiled, workspace)
    if step.call is not None:
        edits = tuple(_of_function(analysis, finding))
    else:
        names = str(finding.about).split(", ")
        edits = tuple(edit for name in names for edit in _of_cell(name, step, analysis, recorded))
    if edits:
        yield edits


def _recorded(compiled: CompiledNotebook, workspace: Workspace | None) -> Recorded:
    if workspace is None:
        return {}
    from mlstack_nb.app.export.annotations import recorded_types

    return recorded_types(compiled, workspace.catalog)


def _of_cell(name: str, step: CompiledStep, analysis: Analysis, recorded: Recorded) -> Iterator[Edit]:
    reading = analysis.readings[step.name]
    node, place = first_binding(reading, name), place_of(step)
    kind = _certain(name, node, reading)
    if not kind and not step.step.over:  # what runs have recorded of a mapped step are lists
        kind = _written(name, step, analysis, recorded)
    if node is None or not kind:
        return
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    line = node.lineno + place.first_line - 1
    if isinstance(target, ast.Name):
        end = target.end_col_offset or 0
        yield Edit(place.index, line, end, end, f": {kind}")
    elif isinstance(node, ast.Assign | ast.With | ast.For):
        yield Edit(place.index, line, 0, -1, f"{name}: {kind}")


def _certain(name: str, node: ast.stmt | None, reading: Reading) -> str:
    """By a literal, where nothing else is ever assigned to the name."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return ""
    stores = [one for root in reading.cell.code.nodes for one in ast.walk(root) if _binds(one, name)]
    return literal_type(node.value, reading) if len(stores) == 1 else ""


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    return name in (getattr(node, "name", None), getattr(node, "asname", None))


def literal_type(node: ast.expr | None, reading: Reading | None = None) -> str:
    """Empty where it is not certain."""
    match node:
        case ast.Constant(value) if isinstance(value, bool | int | float | str | bytes):
            return type(value).__name__
        case ast.JoinedStr():
            return "str"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Tuple():
            return "tuple"
        case ast.Call(ast.Name(function)) if function in _MADE_BY:
            own = reading is not None and function not in {*reading.cell.names.binds, *reading.step.inputs}
            is_builtin = own and reading is not None and all(one.name != function for one in reading.found.definitions)
            return _MADE_BY[function] if is_builtin else ""
    return ""


def _written(name: str, step: CompiledStep, analysis: Analysis, recorded: Recorded) -> str:
    """By the runs so far, when the cells above import what the type is called by."""
    from mlstack_nb.app.export.annotations import Annotations, may_be_none
    from mlstack_nb.app.export.imports import Imports

    kinds = recorded.get((step.name, name), ())
    output = next(one for one in step.step.outputs if one.name == name)
    imports = Imports()
    for node in _imports_above(step, analysis):
        imports.add(node)
    known = dict(imports.found)
    nodes = analysis.readings[step.name].cell.code.nodes
    text = Annotations(imports).output(output, kinds, may_be_none=may_be_none(name, nodes))
    return text if imports.found == known else ""


def _imports_above(step: CompiledStep, analysis: Analysis) -> Iterator[ast.Import | ast.ImportFrom]:
    index = {one.place.label: one.place.index for one in analysis.cells.ordinary}
    for one in analysis.scope:
        is_above = index.get(one.label, -1) >= 0 and index[one.label] < step.body[0].cell.index
        if one.kind is Kind.IMPORT and is_above and isinstance(one.node, ast.Import | ast.ImportFrom):
            yield one.node


def _of_function(analysis: Analysis, finding: Finding) -> Iterator[Edit]:
    for line in (item for item in analysis.timeline.items if isinstance(item, Line)):
        for node in line.nodes:
            if isinstance(node, _Function) and node.name == finding.about:
                yield from return_type(node, finding.place.index)


def return_type(node: _Function, index: int) -> Iterator[Edit]:
    """`-> int`, where every `return` is a literal of one type, and the end is never reached without one."""
    kinds = {literal_type(one.value) for one in returns_of(node)}
    if len(kinds) != 1 or "" in kinds or not isinstance(node.body[-1], ast.Return):
        return
    arguments = _last(node)
    if node.body[0].lineno == arguments[0]:
        return  # all of it on one line: the colon is not to be found without reading text
    yield Edit(index, arguments[0], arguments[1], arguments[1] + 2, f") -> {kinds.pop()}:", old="):")


def _last(node: _Function) -> tuple[int, int]:
    """Where the bracket of the arguments would close, when nothing stands between it and the last of them."""
    inner = node.args
    ends: Iterable[ast.expr | ast.arg | None] = (
        *inner.posonlyargs,
        *inner.args,
        *inner.kwonlyargs,
        *inner.defaults,
        *inner.kw_defaults,
        inner.vararg,
        inner.kwarg,
    )
    found = [(one.end_lineno or 0, one.end_col_offset or 0) for one in ends if one is not None]
    name_end = node.col_offset + len("async def " if isinstance(node, ast.AsyncFunctionDef) else "def ")
    return max(found, default=(node.lineno, name_end + len(node.name.encode()) + 1))
