"""The notebook that a run was of, each step's outputs at the cells that people wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.notebooks.executed import notebook_of
from mlstack_nb.app.notebooks.step_notebooks import BODY
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.types import shown
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run, StepRun

Outputs = list[dict[str, Any]]


def filled_notebook(
    content: bytes, notebook: CompiledNotebook, run: Run, *, workspace: Workspace, given: Iterable[str] = ()
) -> bytes:
    """`content`, which `notebook` was compiled from, with what the steps of `run` showed, and a note on top.

    A step from the cache has what it showed when it ran. Ordinary cells, which run where a step needs them, have no
    outputs. `given` are names of parameters for the note.
    """
    document = json.loads(content)
    cells: list[dict[str, Any]] = document["cells"]
    found = dict(_shown(notebook, run, workspace))
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            cell |= {"outputs": found.get(index, []), "execution_count": None}
    document["cells"] = [_note(notebook, run, given, has_ids="id" in (cells or [{}])[0]), *cells]
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _shown(notebook: CompiledNotebook, run: Run, workspace: Workspace) -> Iterator[tuple[int, Outputs]]:
    """For the index of each cell of a step its outputs."""
    ended = {step.step: step for step in run.steps}
    for compiled in notebook.steps:
        step = ended.get(compiled.name)
        if step is None:
            continue
        places = [one.cell.index for one in compiled.body]
        outputs = _outputs(step, workspace, run, count=len(places))
        if step.failure is not None and not any(one["output_type"] == "error" for cell in outputs for one in cell):
            outputs[0].append(_error(step.failure))
        yield from zip(places, outputs, strict=True)


def _outputs(step: StepRun, workspace: Workspace, run: Run, *, count: int) -> list[Outputs]:
    """Those of each of its cells; of a step without a notebook all of them at the last one."""
    found: list[Outputs] = [[] for _ in range(count)]
    try:
        executed = json.loads(notebook_of(workspace, run.id, step.step))
    except NotFoundError:
        display = Runtime.current(workspace=workspace, stack=run.stack).engine.store.display(step.display)
        found[-1] += [dict(output) for output in display.outputs] if display is not None else []
        return found
    body = [cell for cell in executed["cells"] if BODY in cell["metadata"].get("tags", ())]
    for outputs, cell in zip(found, body, strict=False):
        outputs.extend(cell["outputs"])
    return found


def _error(failure: Any) -> dict[str, Any]:
    lines = failure.traceback.splitlines() or [f"{failure.type}: {failure.message}"]
    return {"output_type": "error", "ename": failure.type, "evalue": failure.message, "traceback": lines}


def _note(notebook: CompiledNotebook, run: Run, given: Iterable[str], *, has_ids: bool) -> dict[str, Any]:
    values: Mapping[str, Any] = notebook.pipeline.parameters
    settings = [f"{name} = {shown(values[name])}".replace("`", "'") for name in given]
    with_values = ", ".join(f"`{setting}`" for setting in settings)
    lines = [
        f"Run `{run.id}` of pipeline `{notebook.name}` on stack `{run.stack}`: **{run.state}**"
        + (f", with {with_values}" if with_values else ""),
        "",
        "| step | state | seconds |",
        "| --- | --- | --- |",
        *(f"| {step.step} | {step.state} | {step.duration_s:.1f} |" for step in run.steps),
        "",
        f"More of it: `mlstack runs show {run.id}`",
    ]
    cell = {"cell_type": "markdown", "metadata": {"tags": ["mlstack-run"]}, "source": "\n".join(lines)}
    return {**cell, "id": "mlstack-run"} if has_ids else cell
