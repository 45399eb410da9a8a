"""The notebooks that steps were executed as: to look at, and to debug in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.explain import step_of
from mlstack_nb.app.notebooks.function_step import function_notebook
from mlstack_nb.app.notebooks.live_step import leave_notebook
from mlstack_nb.app.notebooks.step_calls import SETUP
from mlstack_nb.app.notebooks.step_notebooks import BODY, OUTPUTS, TRACKING
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog.step_history import run_before
from mlstack_nb.engine.store import CacheEntry, Store
from mlstack_nb.errors import ConflictError, MissingPackageError, NotFoundError, StoreUnwritableError

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run, StepRun

_LEFT_OUT = frozenset({TRACKING, OUTPUTS})


def notebook_of(workspace: Workspace, reference: str, step: str) -> bytes:
    """The executed notebook of a step, with its outputs; for a step from the cache that of the run which made it.

    Raises NotFoundError.
    """
    return _found(workspace, reference, step)[1]


def debug_notebook(workspace: Workspace, reference: str, step: str) -> bytes:
    """A notebook in which that step's parameters, inputs and code are as they were, to be run up to where it failed.

    Nothing that is run in it changes the run or its results. Raises NotFoundError.
    """
    run = find_run(workspace, reference)
    ended = step_of(run, step)
    document = function_notebook(workspace, run, ended) if ended.key else None
    if document is None:
        ended, content = _found(workspace, run.id, step)
        document = json.loads(content)
    cells = [_bare(cell) for cell in document["cells"] if _LEFT_OUT.isdisjoint(cell["metadata"].get("tags", ()))]
    begin = next((index for index, cell in enumerate(cells) if BODY in cell["metadata"].get("tags", ())), len(cells))
    cells[begin:begin] = [_text(_story(ended), "mlstack-debug")]
    document["cells"] = cells
    document["metadata"].pop("papermill", None)
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def debug_notebook_of_session(workspace: Workspace, session: Session, step: str) -> bytes:
    """`debug_notebook` of the newest step run of a live notebook's pipeline, in this kernel or elsewhere.

    Raises NotFoundError, and what keeps a step of the kernel from being written as a notebook.
    """
    here = session.states.get(step)
    newest = run_before(workspace.catalog, pipeline=session.name, step=step, before=math.inf)
    if here is not None and here.key and newest in (None, here.run_id):
        newest, store = here.run_id, Runtime.current().engine.store
        if store.notebook(newest, step) is None and _of_maker(here, store) is None:
            leave_notebook(session, here)
    if newest is None:
        known = ", ".join(session.steps) or "none yet"
        raise NotFoundError(f"Step {step!r} of pipeline {session.name!r} has not run.", f"Steps so far: {known}.")
    return debug_notebook(workspace, newest, step)


def as_html(content: bytes) -> str:
    """The notebook as a page. Raises MissingPackageError."""
    try:
        import nbformat
        from nbconvert import HTMLExporter
    except ModuleNotFoundError as error:
        raise MissingPackageError("--html needs the package nbconvert.", "Run: pip install nbconvert") from error
    exporter: Any = HTMLExporter
    read: Any = nbformat.reads
    page: str = exporter().from_notebook_node(read(content.decode(), as_version=4))[0]
    return page


def write(content: bytes, path: Path, *, force: bool = False) -> None:
    """Raises ConflictError for a file that is there, unless `force`; StoreUnwritableError."""
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError:
        raise ConflictError(f"{path} is there already.", "Give another name with -o, or --force.") from None
    except OSError as error:
        raise StoreUnwritableError(
            f"{path} can not be written: {error.strerror}.", "Give another path with -o."
        ) from error


def _found(workspace: Workspace, reference: str, step: str) -> tuple[StepRun, bytes]:
    run = find_run(workspace, reference)
    found = step_of(run, step)
    store = Runtime.current(workspace=workspace, stack=run.stack).engine.store
    content = store.notebook(run.id, step) or _of_maker(found, store) or store.notebook(run.id, f"{SETUP} for {step}")
    if content is None:
        what = f"Step {step!r} of run {run.id} has no notebook of its own: it {_why(found)}."
        raise NotFoundError(what, _elsewhere(run, step, store))
    return found, content


def _elsewhere(run: Run, step: str, store: Store) -> str:
    """Where there is a notebook all the same."""
    if run.mode == "interactive":
        return f"Have one written in the notebook that ran it: %pipeline debug {step}"
    for other in run.steps:
        if store.notebook(run.id, f"{SETUP} for {other.step}") is not None and not step_of(run, step).key:
            return f"Ordinary cells failed, for {other.step!r}, too: mlstack runs notebook {run.id} {other.step}"
        if other.step != step and store.notebook(run.id, other.step) is not None:
            return f"It ran in that of step {other.step!r}: mlstack runs notebook {run.id} {other.step}"
    return "Run its notebook by the command line, and every step leaves one: mlstack run NB.ipynb"


def _of_maker(step: StepRun, store: Store) -> bytes | None:
    entry = store.look_up(step.key) if step.key else None
    return store.notebook(entry.run_id, step.step) if isinstance(entry, CacheEntry) else None


def _why(step: StepRun) -> str:
    return "ran in the process of its run" if step.key else f"was {step.state}"


def _story(step: StepRun) -> str:
    told = f"## Step {step.step} of run {step.run_id}: {step.state}\n\nRun all cells above, then go on here."
    if step.failure is None:
        return told
    return f"{told}\n\n```\n{step.failure.traceback.strip() or step.failure.message}\n```"


def _bare(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in cell["metadata"].items() if name in ("tags", "mlstack")}
    kept = {**cell, "metadata": metadata}
    if cell["cell_type"] == "code":
        kept |= {"outputs": [], "execution_count": None}
    return kept


def _text(source: str, name: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}
