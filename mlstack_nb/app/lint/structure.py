"""MLS403, MLS404 and MLS405: how the steps of a notebook fit together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlstack_nb.app.lint.step_codes import needed_outputs, readable
from mlstack_nb.app.notebooks.analysis import Analysis, Reading
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.source.code import Code
from mlstack_nb.source.ipython_syntax import cell_magic, plain
from mlstack_nb.source.lint.findings import Edit, Finding, Place
from mlstack_nb.source.notebook_file import NotebookCell
from mlstack_nb.source.ordinary import Line
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_UNSEEN_NAMES = re.compile(r"^\s*%(?:run|pylab|store|load|recall|macro)\b", re.MULTILINE)


def changed_outputs(analysis: Analysis) -> Iterator[Finding]:
    """MLS403: outputs that an ordinary cell below their step changes in place, though no step reads them after."""
    places = {one.place.label: one.place for one in analysis.cells.ordinary}
    for name in sorted(analysis.makers.names):
        label, maker = analysis.makers.changed(name), analysis.makers.last(name)
        if label is None or maker is None or label not in places:
            continue
        change = next((one for one in analysis.scope.changes(name) if one.label == label), None)
        if change is not None:
            yield Finding(
                "MLS403",
                Place(label, places[label].index),
                change.line,
                f"It changes {name!r}, which step {maker.name!r} ({maker.label}) gives: `{change.text.strip()}`",
                f"Make the change in step {maker.name!r}, or make {label} a step (%%step NAME -> {name}).",
            )


def undefined_names(compiled: CompiledNotebook) -> Iterator[Finding]:
    """MLS403, in a notebook without steps: names that no cell above gives."""
    step = compiled.steps[0]
    parts = [(body.cell, readable(body.text, body.cell.label)) for body in step.body]
    if any(part is None or _UNSEEN_NAMES.search(cell.text) for cell, part in parts):
        return
    nodes = [node for _, part in parts if part is not None for node in part.code.nodes]
    missing = set(reach(Code(nodes), NotebookScope()).undefined)
    whole = Code(nodes).names
    missing |= {name for name in whole.reads if name in whole.binds and name not in whole.optional | whole.maybe_reads}
    missing -= {name for node in nodes for name in _tried(node)}
    for cell, part in parts:
        for name in part.names.reads if part is not None else ():
            if name in missing:
                missing.discard(name)
                below = [one.label for one, other in parts if other is not None and name in other.names.binds]
                how = f"{below[0]} gives it" if below else "no cell gives it"
                hint = f"Move {below[0]} above {cell.label}." if below else "Define it in a cell above."
                line = line_of_read(part.code.nodes, name) if part is not None else 0
                place = Place(cell.label, cell.index)
                yield Finding("MLS403", place, line, f"It reads {name!r}, which no cell above gives; {how}.", hint)


def _tried(node: ast.stmt) -> Iterator[str]:
    """Names that are read to see whether they are there: `try: x` ... `except NameError`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Try):
            yield from (one.id for part in inner.body for one in ast.walk(part) if isinstance(one, ast.Name))


def line_of_read(nodes: tuple[ast.stmt, ...], name: str) -> int:
    """0 where it is not read by its name."""
    found = (
        inner.lineno
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and inner.id == name and isinstance(inner.ctx, ast.Load)
    )
    return min(found, default=0)


def missing_annotations(compiled: CompiledNotebook, analysis: Analysis) -> Iterator[Finding]:
    """MLS404: one finding for a step; of a `%%step` cell without `->` the outputs that something reads."""
    needed = needed_outputs(compiled)
    lines = [line for line in analysis.timeline.items if isinstance(line, Line)]
    for step in compiled.steps:
        if step.call is not None:
            yield from _untyped_function(step, lines, compiled.notebook.cells)
            continue
        reading = analysis.readings[step.name]
        if reading.draft.is_tagged:
            continue
        open_ones = [
            output.name
            for output in step.step.outputs
            if output.type is None and (reading.draft.asked.outputs is not None or (step.name, output.name) in needed)
        ]
        bound = {name: node for name in open_ones if (node := first_binding(reading, name)) is not None}
        if bound:
            names = ", ".join(bound)
            noun, verb = ("Output", "has") if len(bound) == 1 else ("Outputs", "have")
            yield Finding(
                "MLS404",
                place_of(step),
                min(node.lineno for node in bound.values()) + step.body[0].first_line - 1,
                f"{noun} {names} of step {step.name!r} {verb} no type.",
                f"Annotate where it is assigned: {next(iter(bound))}: TYPE = ...",
                steps=(step.name,),
                about=names,
            )


def place_of(step: CompiledStep) -> Place:
    body = step.body[0]
    return Place(body.cell.label, body.cell.index, body.first_line)


def first_binding(reading: Reading, name: str) -> ast.stmt | None:
    """The statement of a step cell that binds an output first, None for a definition or an import."""
    for node in reading.cell.code.nodes:
        if name in Code([node]).names.binds:
            return None if isinstance(node, _DEFINITIONS) else node
    return None


def _untyped_function(step: CompiledStep, lines: list[Line], cells: tuple[NotebookCell, ...]) -> Iterator[Finding]:
    for line in lines:
        for node in line.nodes:
            if (
                step.call is not None
                and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name == step.call.function
            ):
                index = next(cell.index for cell in cells if cell.label == line.cell.label)
                yield from untyped_return(node, Place(line.cell.label, index), step.name)


def untyped_return(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place, step: str) -> Iterator[Finding]:
    """MLS404 of a step function that returns something."""
    if node.returns is not None or not any(one.value is not None for one in returns_of(node)):
        return
    what = f"What step function {node.name!r} returns has no type."
    hint = f"Annotate it: def {node.name}(...) -> TYPE:"
    yield Finding("MLS404", place, node.lineno, what, hint, steps=(step,), about=node.name)


def returns_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Return]:
    """The `return` statements of the function itself."""
    todo: list[ast.AST] = list(node.body)
    while todo:
        inner = todo.pop()
        if isinstance(inner, ast.Return):
            yield inner
        elif not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(inner))


def unused_outputs(compiled: CompiledNotebook, analysis: Analysis) -> Iterator[Finding]:
    """MLS405: of steps that others read from. A result that has a name of its own, or is shown, is meant for people."""
    needed = needed_outputs(compiled)
    for step in compiled.steps:
        reading = analysis.readings.get(step.name)
        if step.call is not None or reading is None or reading.draft.asked.outputs is None:
            continue
        if not any(maker == step.name for maker, _ in needed):
            continue
        for output in step.step.outputs:
            if (
                (step.name, output.name) in needed
                or output.artifact
                or _is_read_by_people(output.name, reading, analysis)
            ):
                continue
            node = _last_binding(reading, output.name)
            yield Finding(
                "MLS405",
                place_of(step),
                (node.lineno if node is not None else 0) + step.body[0].first_line - 1,
                f"Output {output.name!r} of step {step.name!r} is read by no other step and no cell below.",
                f"Leave it out after ->, or name it as a result: {output.name}: Annotated[TYPE, {output.name!r}] = ...",
                last_line=(node.end_lineno or 0) + step.body[0].first_line - 1 if node is not None else 0,
                steps=(step.name,),
                edits=_without(step, output.name),
                about=output.name,
            )


def _is_read_by_people(name: str, reading: Reading, analysis: Analysis) -> bool:
    if any(name in Code([node]).names.reads for node in _shows(reading.cell.code.nodes)):
        return True
    below = (one for one in analysis.cells.ordinary if one.place.index > reading.draft.position)
    if any(name in one.cell.names.reads or one.cell.names.dynamic for one in below):
        return True
    return any(re.search(rf"\b{name}\b", one.place.text) for one in analysis.cells.unreadable)


def _shows(nodes: tuple[ast.stmt, ...]) -> Iterator[ast.stmt]:
    """The statements that print or display something: calls of `print` and `log_metric`, a value at the end."""
    for node in nodes:
        for inner in ast.walk(node):
            match inner:
                case ast.Expr(ast.Call(func)):
                    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                    if name in ("print", "display", "info") or name.startswith("log_"):
                        yield inner
    yield from (node for node in nodes[-1:] if isinstance(node, ast.Expr))


def _last_binding(reading: Reading, name: str) -> ast.stmt | None:
    found = [node for node in reading.cell.code.nodes if name in Code([node]).names.binds]
    return found[-1] if found else None


def _without(step: CompiledStep, name: str) -> tuple[Edit, ...]:
    """The `%%step` line without that output."""
    cell = step.body[0].cell
    magic = cell_magic(cell.text)
    lines = cell.text.split("\n")
    if magic is None or plain(cell.text) != cell.text or magic.before >= len(lines):
        return ()
    line = lines[magic.before]
    head, arrow, tail = line.partition("->")
    found = re.match(r"\s*\w+(?:\s*,\s*\w+)*", tail)
    names = re.findall(r"\w+", found[0]) if found else []
    if found is None or name not in names or len(names) != len(step.step.outputs):
        return ()
    kept = ", ".join(one for one in names if one != name)
    new = f"{head}{arrow} {kept}{tail[found.end() :]}"
    return (Edit(cell.index, magic.before + 1, 0, len(line.encode()), new, old=line),)
