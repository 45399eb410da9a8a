"""What a panel asks for: to switch the stack, to run the notebook, to cancel a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app import stacks
from mlstack_nb.app.cancelling import cancel
from mlstack_nb.app.request import Request
from mlstack_nb.app.started_runs import StartedRuns, check_request
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.app.workspace import Workspace

STARTED = StartedRuns()
"""All panels of a kernel know the runs that one of them has begun."""


class Requests:
    """Safe for threads. A request is JSON: what to `do`, and what with."""

    def __init__(self, workspace: Workspace, file: Path | None) -> None:
        self._workspace, self._file = workspace, file
        self._known: dict[str, Callable[[Mapping[str, Any]], str]] = {
            "activate": self._activate,
            "run": self._run,
            "cancel": self._cancel,
        }

    def serve(self, request: Mapping[str, Any]) -> str:
        """Do it; returns the id of the run that it is about, "" for none. Raises MlstackError."""
        do = self._known.get(str(request.get("do")))
        if do is None:
            raise UsageError(f"The panel does not know {str(request.get('do'))!r}.", "Run the cell of the panel again.")
        return do(request)

    def _activate(self, request: Mapping[str, Any]) -> str:
        name = str(request.get("name", ""))
        stacks.activate(self._workspace, name)
        active, source = self._workspace.active_stack_name()
        if active != name:
            raise UsageError(
                f"Stack {name} is set, but {source} asks for {active}, which comes first.", f"Unset {source}."
            )
        return ""

    def _run(self, request: Mapping[str, Any]) -> str:
        """As `mlstack run` in a shell: the file as it is saved, in a process of its own."""
        if self._file is None:
            raise UsageError("The file of this notebook is not known here.", "Run it in this kernel: %pipeline run")
        wanted = Request(str(self._file), use_cache=bool(request.get("use_cache", True)))
        pipeline = check_request(self._workspace, wanted)
        return STARTED.start(self._workspace, wanted, pipeline=pipeline)

    def _cancel(self, request: Mapping[str, Any]) -> str:
        run_id = str(request.get("run", ""))
        try:
            cancel(self._workspace, run_id)
        except NotFoundError:
            if not STARTED.stop(self._workspace, run_id):
                raise
        return run_id
