"""The graph of a notebook file with what is recorded of its steps: what a panel draws. Nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.notebooks.staleness import stale_steps
from mlstack_nb.app.parameters import declared_by
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog.runs import last_steps
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.step import FromStep, Output
from mlstack_nb.core.types import named, shown
from mlstack_nb.errors import MlstackError, NotFoundError
from mlstack_nb.source.functions import NO_DEFAULT
from mlstack_nb.source.notebook_file import read_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep, NotebookParameter
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.artifact import Artifact

Record = dict[str, Any]
_PLAIN = (str, int, float, bool, type(None))


def graph_of(workspace: Workspace, path: Path) -> Record:
    """Steps as nodes with the state of their last run in this pipeline, and edges.

    What keeps the notebook from being compiled is its `error`, and then there are no nodes. Raises NotFoundError for a
    file that is not there.
    """
    try:
        notebook = compile_cells(read_notebook(path))
    except MlstackError as error:
        if isinstance(error, NotFoundError) and not path.is_file():
            raise
        return _empty(path.stem, {"what": error.what, "hint": error.hint})
    return graph_of_compiled(workspace, notebook)


def graph_of_compiled(
    workspace: Workspace, notebook: CompiledNotebook, *, stale: frozenset[str] | None = None
) -> Record:
    """`stale` has the steps that have changed since they ran; they are looked for where it is left out."""
    last = last_steps(workspace.catalog, notebook.name)
    stale, notices = _stale(workspace, notebook, last) if stale is None else (stale, [])
    return {
        **_empty(notebook.name, None),
        "notices": [*notebook.notices, *notices],
        "is_whole": notebook.is_whole,
        "parameters": [_parameter(one) for one in notebook.parameters.values()],
        "nodes": [_node(step, notebook, last.get(step.name), is_stale=step.name in stale) for step in notebook.steps],
        "edges": [edge for step in notebook.steps for edge in _edges(step)],
    }


def _empty(name: str, error: Record | None) -> Record:
    nothing: Record = {"notices": [], "is_whole": False, "parameters": [], "nodes": [], "edges": []}
    return {"pipeline": name, "error": error, **nothing}


def _stale(
    workspace: Workspace, notebook: CompiledNotebook, last: Mapping[str, StepRun]
) -> tuple[frozenset[str], list[str]]:
    """Also what keeps that from being known: a stack that is gone, or a store out of reach."""
    try:
        return stale_steps(notebook, last, Runtime.current(workspace=workspace).engine), []
    except MlstackError as error:
        return frozenset(), [f"Whether steps have changed is not known: {error.what}"]


def _parameter(parameter: NotebookParameter) -> Record:
    declared = declared_by(parameter)
    default = declared.default
    known = declared.type if declared.type is not None else None if default is NO_DEFAULT else type(default)
    return {
        "name": parameter.name,
        "value": _plain(parameter.value),
        "type": "" if known in (None, type(None)) else named(known),
        "annotation": parameter.annotation,
        "comment": parameter.comment,
        "label": parameter.label,
    }


def _plain(value: Any) -> Any:
    """As JSON has it; of anything else how it is written."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, _PLAIN) else shown(value)


def _node(step: CompiledStep, notebook: CompiledNotebook, last: StepRun | None, *, is_stale: bool) -> Record:
    cell = step.body[0].cell
    outputs = last.outputs if last is not None else {}
    return {
        "name": step.name,
        "label": step.label,
        "cell_index": cell.index,
        "cell_id": cell.id,
        "state": (last.state if last is not None else State.PENDING).value,
        "stale": is_stale,
        "ran_with": _other_parameters(step, last) if last is not None else {},
        "duration_s": last.duration_s if last is not None else 0.0,
        "saved_s": last.saved_s if last is not None else 0.0,
        "outputs": [_output(one, outputs.get(one.name), notebook.name, step.name) for one in step.step.outputs],
        "parameters": {name: _plain(value) for name, value in step.parameters.items()},
        "run_id": last.run_id if last is not None else None,
    }


def _other_parameters(step: CompiledStep, last: StepRun) -> Record:
    """Plain values that the step had when it ran last, as text, where the notebook now has others."""
    now = {name: value for name, value in step.parameters.items() if isinstance(value, _PLAIN)}
    before = {name: shown(value) for name, value in last.parameters.items()}
    return {name: text for name, text in before.items() if name in now and shown(now[name]) != text}


def _output(output: Output, artifact: Artifact | None, pipeline: str, step: str) -> Record:
    if artifact is None:
        return {"name": output.name}
    name = artifact.name or output.artifact_name(pipeline, step)
    return {"name": output.name, "artifact": name, "type": artifact.type, "size_bytes": artifact.size_bytes}


def _edges(step: CompiledStep) -> list[Record]:
    """One for each step that this one needs, with the outputs that it reads; none for one that it only comes after."""
    read: dict[str, list[str]] = {need: [] for need in step.step.needs}
    for source in step.step.inputs.values():
        if isinstance(source, FromStep) and source.output not in read[source.step]:
            read[source.step].append(source.output)
    return [{"source": need, "target": step.name, "outputs": outputs} for need, outputs in read.items()]
