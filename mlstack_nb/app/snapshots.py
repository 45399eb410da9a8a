"""Running what a notebook was at some moment, by a copy of it, where the notebook itself stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.app.launch import Launch, launch_of_notebook, with_parameters
from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.source.notebook_file import read_notebook

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.app.request import Request


def prepare_snapshot(request: Request, snapshot: Path) -> tuple[Launch, CompiledNotebook]:
    """The run, and the notebook that it is of. The target's folder counts for modules and data; its cells do not.

    Raises MlstackError for what can not run.
    """
    target = Path(request.target)
    request = replace(request, run_id=request.run_id or new_run_id())
    cells = replace(read_notebook(snapshot), name=target.stem, folder=str(target.parent))
    notebook = with_parameters(lambda given: compile_cells(cells, given, whole=request.whole), request)
    launch = launch_of_notebook(notebook, request, Runtime.current(stack=request.stack))
    return replace(launch, documents={target: snapshot.read_bytes()}), notebook
