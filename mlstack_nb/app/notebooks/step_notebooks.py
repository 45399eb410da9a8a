"""A step as a small notebook: parameters, what ordinary cells it needs, its inputs, its own cells, its outputs.

It is read by people: it is the record of what ran, and it runs again anywhere the store is reached.
"""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep, Piece, Setup
from mlstack_nb.app.notebooks.whole import steps_in
from mlstack_nb.core.step import FromStep

PARAMETERS, TRACKING, BODY, OUTPUTS = "injected-parameters", "mlstack-tracking", "mlstack-body", "mlstack-outputs"
_DOOR = "mlstack_nb.step_notebook"

Document = dict[str, Any]


def step_notebook(notebook: CompiledNotebook, step: CompiledStep, *, run_id: str) -> Document:
    """The notebook that runs `step` of that run."""
    inputs = [name for name, source in step.step.inputs.items() if isinstance(source, FromStep)]
    written = literals(step.parameters)
    inputs += [name for name in step.parameters if name not in written]
    cells = [_text(f"# {step.name}\n\n{step.label} of {notebook.name}, run {run_id}")]
    parameters = [_code(setting(written), PARAMETERS)] if written else []
    if not notebook.is_whole:
        cells += parameters
    if inputs:
        cells.append(_code(taking(inputs, run_id=run_id, step=step.name)))
    elif step.step.settings.tracker is None and not notebook.is_whole:
        cells.append(_code(f"from {_DOOR} import begin\nbegin({_quoted(run_id, step.step.name)})", TRACKING))
    if step.step.settings.tracker is not None:
        cells.append(_code(f"from {_DOOR} import track\ntrack({_quoted(run_id, step.name)})", TRACKING))
    pieces = [piece for piece in step.prelude if piece.constant not in step.parameters]
    cells += _in_order(pieces, step.values, run_id=run_id, step=step.name)
    cells += _whole(step, parameters) if notebook.is_whole else _body(step)
    names = {output.name: _variable(output.name, at) for at, output in enumerate(step.step.outputs)}
    kept = "".join(f", {name}={name}" for name, variable in names.items() if name == variable)
    odd = ", ".join(f"{_quoted(name)}: {variable}" for name, variable in names.items() if name != variable)
    kept += f", **{{{odd}}}" if odd else ""
    cells.append(_code(f"from {_DOOR} import save\nsave({_quoted(run_id, step.name)}{kept})", OUTPUTS))
    return document(notebook, cells)


def setup_notebook(
    notebook: CompiledNotebook, setup: Setup, *, run_id: str, name: str, values: Iterable[str]
) -> Document:
    """The notebook that executes what ordinary cells compute before steps can read it, and keeps the `values`."""
    cells = [_text(f"# {name}\n\nwhat ordinary cells of {notebook.name} compute for its steps, run {run_id}")]
    if setup.inputs:
        cells.append(_code(taking(list(setup.inputs), run_id=run_id, step=name)))
    cells += _in_order(setup.pieces, {}, run_id=run_id, step=name)
    kept = "".join(f", {value}={value}" for value in values)
    cells.append(_code(f"from {_DOOR} import keep\nkeep({_quoted(run_id, name)}{kept})", OUTPUTS))
    return document(notebook, cells)


def literals(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Those parameters that can be written as code, as that code; paths as what `pathlib.Path` is called with."""
    found = {}
    for name, value in parameters.items():
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            found[name] = _written(value)
    return found


def _written(value: Any) -> str:
    """Raises ValueError for what is neither a literal nor a path nor a container of these."""
    if type(value) is type(Path()):
        return f"pathlib.Path({str(value)!r})"
    if type(value) in (list, tuple, set) and value:
        inner = ", ".join(map(_written, value))
        return f"[{inner}]" if type(value) is list else f"({inner},)" if type(value) is tuple else f"{{{inner}}}"
    if type(value) is dict:
        return f"{{{', '.join(f'{_written(key)}: {_written(one)}' for key, one in value.items())}}}"
    text = repr(value)
    ast.literal_eval(text)
    return text


def setting(written: Mapping[str, str]) -> str:
    """The lines that set parameters."""
    lines = [f"{name} = {text}" for name, text in written.items()]
    return "\n".join(["import pathlib\n", *lines] if any("pathlib.Path(" in line for line in lines) else lines)


def document(notebook: CompiledNotebook, cells: list[dict[str, Any]]) -> Document:
    """A notebook file's content; the kernel is that of the notebook it was made from."""
    metadata = notebook.notebook.metadata
    kept = {name: metadata[name] for name in ("kernelspec", "language_info") if name in metadata}
    for number, cell in enumerate(cells):
        cell["id"] = f"mlstack-{number}"
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": kept, "cells": cells}


def _in_order(
    pieces: Iterable[Piece], values: Mapping[str, Any], *, run_id: str, step: str
) -> Iterator[dict[str, Any]]:
    """Pieces of ordinary cells, each after the values that stand above it; neighbours share a cell."""
    todo: list[tuple[Any, Piece | str]] = [(piece.order, piece) for piece in pieces]
    todo += [(order, name) for name, order in values.items()]
    names: list[str] = []
    joined: list[Piece] = []
    for _, item in sorted(todo, key=lambda pair: pair[0]):
        if joined and (isinstance(item, str) or item.is_alone):
            yield _of_pieces(joined)
            joined = []
        if isinstance(item, str):
            names.append(item)
            continue
        if names:
            yield _code(taking(names, run_id=run_id, step=step))
            names = []
        if item.is_alone:
            yield _of_pieces([item])
        else:
            joined.append(item)
    if names:
        yield _code(taking(names, run_id=run_id, step=step))
    if joined:
        yield _of_pieces(joined)


def _of_pieces(pieces: list[Piece]) -> dict[str, Any]:
    """A cell that knows from which cells its lines are, and how many each of them gave."""
    cell = _code("\n".join(piece.text for piece in pieces))
    cell["metadata"]["mlstack"] = {"pieces": [[piece.label, len(piece.text.splitlines())] for piece in pieces]}
    return cell


def _body(step: CompiledStep) -> Iterator[dict[str, Any]]:
    if step.call is not None:
        arguments = ", ".join(f"{name}={name}" for name in step.call.arguments)
        outputs = ", ".join(_variable(output.name, at) for at, output in enumerate(step.step.outputs))
        yield _code(f"{outputs} = {step.call.function}({arguments})", BODY)
        return
    for one in step.body:
        cell = _code(one.text, BODY)
        cell["metadata"]["mlstack"] = {"cell": one.cell.index, "id": one.cell.id, "first_line": one.first_line}
        yield cell


def _variable(output: str, position: int) -> str:
    """What an output is bound to: its name, where Python takes that for one."""
    return output if output.isidentifier() and not keyword.iskeyword(output) else f"output_{position}"


def _whole(step: CompiledStep, parameters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The cells of a whole notebook; parameters come after the cell that is tagged so, as papermill has it.

    Step cells find their magic, as they do when they are run one by one.
    """
    texts = [one.text for one in step.body]
    if steps_in(texts) and not any("load_ext mlstack_nb" in text for text in texts):
        yield _code("%load_ext mlstack_nb")
    for one, cell in zip(step.body, _body(step), strict=True):
        yield cell
        if "parameters" in one.cell.tags or "pipeline-parameters" in one.cell.tags:
            yield from parameters
            parameters = []


def taking(names: list[str], *, run_id: str, step: str) -> str:
    bound = ", ".join(names) + ("," if len(names) == 1 else "")
    return f"from {_DOOR} import take\n{bound} = take({_quoted(run_id, step, *names)})"


def _quoted(*texts: str) -> str:
    """As arguments, in the quotes that formatters prefer."""
    return ", ".join(json.dumps(text, ensure_ascii=False) for text in texts)


def _code(source: str, *tags: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}
