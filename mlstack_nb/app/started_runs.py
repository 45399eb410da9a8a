"""Runs in processes of their own that a server began: known from the first moment, also when they fail early."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.background_runs import arguments_of, said, start_process
from mlstack_nb.app.launch import resumed
from mlstack_nb.app.notebooks.compile import compile_notebook
from mlstack_nb.app.parameters import declared_by, typed
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.app.scheduling.wanted import check_target
from mlstack_nb.app.targets import is_notebook
from mlstack_nb.core.run import State, iso
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.request import Request
    from mlstack_nb.app.workspace import Workspace

SHOWN_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class _Started:
    workspace: Workspace
    pipeline: str
    stack: str
    at: float
    process: subprocess.Popen[bytes]


class StartedRuns:
    """Safe for threads; the runs outlive it."""

    def __init__(self) -> None:
        self._started: dict[str, _Started] = {}
        self._ended: list[str] = []

    def start(self, workspace: Workspace, request: Request, *, pipeline: str) -> str:
        """Begin what `check_request` has let pass, in the target's folder; returns the run's id at once."""
        request = replace(request, run_id=new_run_id())
        folder = _place(request).parent
        self._start(workspace, request, arguments_of(workspace, request), pipeline=pipeline, folder=folder)
        return request.run_id

    def resume(self, workspace: Workspace, reference: str, *, folders: Iterable[Path]) -> str:
        """Begin what is missing of a run; returns the new id. One that was started by a relative path is looked for
        in `folders`.

        Raises NotFoundError, ConflictError or UsageError.
        """
        request = resumed(workspace, reference)
        before, place = request.resumes[-1], _place(request)
        folders = [place.parent] if place.is_absolute() else folders
        folder = next((folder for folder in folders if (folder / place).is_file()), None)
        if folder is None:
            raise UsageError(
                f"Run {before} was started as {request.target!r}, which is not where it is looked for.",
                f"Go on in a terminal, in its folder: mlstack resume {before}",
            )
        request = replace(request, run_id=new_run_id())
        pipeline = find_run(workspace, before).pipeline
        self._start(workspace, request, ["resume", "--", before], pipeline=pipeline, folder=folder)
        return request.run_id

    def unrecorded(self, workspace: Workspace, run_id: str) -> dict[str, Any] | None:
        """A run that was begun here, as `app.runs.show` would have it, for as long as the catalog does not know it.

        Its `failure` has what its process said, if that has ended.
        """
        started = self._of(workspace, run_id)
        if started is None:
            return None
        code = started.process.returncode
        return {
            "id": run_id,
            "pipeline": started.pipeline,
            "stack": started.stack,
            "mode": "pipeline",
            "state": (State.PENDING if code is None else State.FAILED).value,
            "started_at": iso(started.at),
            "ended_at": None,
            "duration_s": 0.0,
            "step_counts": {},
            "parameters": {},
            "steps": [],
            "failure": None if code is None else _last_words(said(workspace, run_id)),
        }

    def stop(self, workspace: Workspace, run_id: str) -> bool:
        """End a run that the catalog does not know yet; False where there is no such run."""
        started = self._of(workspace, run_id)
        if started is None or started.process.returncode is not None:
            return False
        started.process.terminate()
        started.process.wait()
        return True

    def ended(self) -> list[tuple[Workspace, str]]:
        """Workspace and id of each run whose process has ended since this was asked the last time."""
        ended, self._ended = self._ended, []
        return [(self._started[run_id].workspace, run_id) for run_id in ended]

    def _of(self, workspace: Workspace, run_id: str) -> _Started | None:
        started = self._started.get(run_id)
        return started if started is not None and started.workspace.root == workspace.root else None

    def _start(self, workspace: Workspace, request: Request, words: list[str], *, pipeline: str, folder: Path) -> None:
        run_id = request.run_id
        stack = workspace.active_stack_name(request.stack)[0]
        try:
            process = start_process(workspace, words, run_id, folder)
        except OSError as error:
            what = f"No process can be started for {request.target}: {error.strerror}."
            raise UsageError(what, "Check the folder, and the length of the parameters.") from error
        self._started[run_id] = _Started(workspace, pipeline, stack, time.time(), process)
        threading.Thread(target=self._wait, args=(run_id, process), name=f"run {run_id}", daemon=True).start()

    def _wait(self, run_id: str, process: subprocess.Popen[bytes]) -> None:
        """Else an ended process would stay until this one ends."""
        process.wait()
        self._ended.append(run_id)


def check_request(workspace: Workspace, request: Request) -> str:
    """The name of the pipeline that a file has. A `@pipeline` of a module is not looked into: that would import it.

    Raises what keeps the run from beginning: stack, parameters, names of steps, code that does not fit together.
    """
    runtime = Runtime.current(workspace=workspace, stack=request.stack)
    if not is_notebook(request.target):
        check_target(request.target, _place(request).parent)
        return request.target.partition(":")[2] or _place(request).stem
    notebook = compile_notebook(request.target, whole=request.whole)
    declared = [declared_by(one) for one in notebook.parameters.values()]
    typed(request.texts, declared, of=Path(request.target).name, texts=request.texts)
    part, _ = notebook.pipeline.part(first=request.first, only=request.only, until=request.until)
    for step in part.steps:
        runtime.check_tracker(step)
    return notebook.name


def as_texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Values from JSON as they would be typed after `-p`: texts as they are, the rest as YAML."""
    import yaml

    def text(value: Any) -> str:
        written: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**9)
        return written.removesuffix("\n").removesuffix("\n...")

    return {name: value if isinstance(value, str) else text(value) for name, value in parameters.items()}


def _place(request: Request) -> Path:
    return Path(request.target.partition(":")[0]) if not is_notebook(request.target) else Path(request.target)


def _last_words(text: str) -> dict[str, str]:
    """What the command line said before it ended, as `what` and `hint`."""
    said_last = text.strip().rpartition("Error: ")[2]
    what, _, hint = said_last.rpartition("\n  -> ")
    what, hint = (what, hint) if what else (hint, "")
    return {"what": what[-SHOWN_CHARACTERS:] or "The run's process ended without a word.", "hint": hint}
