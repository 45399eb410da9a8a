"""Running the notebook that is open in a kernel as `mlstack run` would: apart from the kernel, or by an engine outside.

The saved file runs where it is what was executed; otherwise the executed cells do, and it is said which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.launch import Launch, launch_of_notebook, prepare, with_parameters
from mlstack_nb.app.notebooks.compile import compile_cells, compile_notebook
from mlstack_nb.app.notebooks.live_cells import live_notebook
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.core.step import Captured
from mlstack_nb.errors import MlstackError, UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
    from mlstack_nb.app.session import Session
    from mlstack_nb.source.notebook_file import Notebook


def prepare_live(session: Session, request: Request, file: Path | None) -> tuple[Launch, str]:
    """The run, and what it runs, in words. `file` is the notebook's, None where nobody knows it; it is the target.

    Raises UsageError where only a saved notebook will do, and what preparing a run raises.
    """
    if not session.steps:
        raise UsageError("This notebook has no step yet.", "Run a cell that starts with: %%step NAME")
    cells = live_notebook(session)
    if file is not None and is_current(file, cells):
        return prepare(replace(request, target=str(file))), f"the saved notebook {file.name}"
    if request.whole:
        raise UsageError("What was executed is not what is saved, and only a saved notebook runs whole.", "Save it.")
    target = file or Path.cwd() / f"{session.name}.ipynb"
    request = replace(request, target=str(target), run_id=request.run_id or new_run_id())
    notebook = with_parameters(lambda given: compile_cells(cells, given), request)
    launch = launch_of_notebook(notebook, request, Runtime.current(stack=request.stack))
    why = "its file is not known" if file is None else f"{file.name} is not saved as they are"
    return replace(launch, documents={target: _document(cells, session.name)}), f"the executed cells, since {why}"


def is_current(file: Path, cells: Notebook) -> bool:
    """Whether the saved notebook has the same steps, to the last line that they reach."""
    try:
        return _shape(compile_notebook(file)) == _shape(compile_cells(cells))
    except MlstackError:
        return False


def _shape(notebook: CompiledNotebook) -> tuple[str, dict[str, tuple[Any, ...]]]:
    return notebook.pipeline.name, {step.name: _step_shape(step) for step in notebook.steps}


def _step_shape(compiled: CompiledStep) -> tuple[Any, ...]:
    step = compiled.step
    inputs = {name: "" if isinstance(one, Captured) else one for name, one in step.inputs.items()}
    setup = [line.text for line in compiled.setup.lines]
    return step.fingerprint, inputs, step.outputs, step.settings, step.after, dict(compiled.parameters), setup


def _document(notebook: Notebook, name: str) -> bytes:
    """The cells as a notebook file, which says the pipeline's name itself."""
    texts = [f"%pipeline name {name}", *(cell.text for cell in notebook.cells)]
    cells: list[Mapping[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": text}
        for n, text in enumerate(texts)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
