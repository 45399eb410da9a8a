"""Handing over what a process has at hand to the engine of its stack: a function, the cells of a live kernel."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.launch import launch_of_notebook, prepare
from mlstack_nb.app.remote.watch import watch
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.pipeline_wiring import PipelineWiring
    from mlstack_nb.app.session import Session
    from mlstack_nb.core.events import Event, Listener
    from mlstack_nb.core.run import Run
    from mlstack_nb.source.notebook_file import Notebook


def run_function(function: PipelineWiring[Any], values: Mapping[str, Any]) -> tuple[Run, Mapping[str, BaseException]]:
    """Run a `@pipeline` on the active stack's engine, and wait for it; what its steps print is printed here.

    Raises UsageError for one that a node could not import, or values that can not travel.
    """
    return prepare(Request(target_of(function), values=values)).run(_listen, _print)


def target_of(function: PipelineWiring[Any]) -> str:
    """`file.py:name`, or `package.module:name`. Raises UsageError where the function has no such place."""
    module = sys.modules.get(function.function.__module__)
    names = [name for name, value in vars(module).items() if value is function] if module else []
    file = getattr(module, "__file__", None)
    if not names or file is None:
        raise UsageError(
            f"Pipeline {function.name!r} can not be found by another process: it is not at the top level of a module.",
            "Put it there; in a notebook, run the notebook: %pipeline run",
        )
    return f"{file if module is sys.modules['__main__'] else function.function.__module__}:{names[0]}"


def run_cells(
    session: Session, listener: Listener, *, part: Mapping[str, str], use_cache: bool
) -> tuple[Run, Mapping[str, BaseException]]:
    """Run what a live kernel has executed on the active stack's engine; its results are then bound in the kernel.

    The cells travel as a notebook beside the project's files.
    """
    from mlstack_nb.app.notebooks.compile import compile_cells
    from mlstack_nb.app.notebooks.live_cells import live_notebook

    if not session.steps:
        raise UsageError("This notebook has no step yet.", "Run a cell that starts with: %%step NAME")
    cells = live_notebook(session)
    runtime = Runtime.current()
    file = Path.cwd() / f"{session.name}.ipynb"
    chosen: dict[str, Any] = {**part, "use_cache": use_cache}
    request = Request(str(file), stack=runtime.stack.name, run_id=new_run_id(), **chosen)
    launch = launch_of_notebook(compile_cells(cells), request, runtime)
    run, errors = watch(runtime, launch.submit({file: _document(cells, session.name)}).id, listener, _print)
    session.adopt(run)
    return run, errors


def _document(notebook: Notebook, name: str) -> bytes:
    """The cells as a notebook file, which says the pipeline's name itself."""
    texts = [f"%pipeline name {name}", *(cell.text for cell in notebook.cells)]
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": text}
        for n, text in enumerate(texts)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def _listen(_event: Event) -> None:
    pass


def _print(step: str, text: str) -> None:
    for line in text.splitlines():
        sys.stdout.write(f"{step} | {line}\n")
