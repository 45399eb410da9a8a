"""Runs as they are now: those of engines outside are looked after before they are shown.

One whose engine is out of reach stays as it was last known, and a line on standard error says so.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mlstack_nb.catalog import runs as rows
from mlstack_nb.core.run import REMOTE, Run
from mlstack_nb.errors import MlstackError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace


def find_run(workspace: Workspace, reference: str) -> Run:
    """The run with its steps, by id, the beginning of one, or `last`. Raises NotFoundError or UsageError."""
    run = rows.get_run(workspace.catalog, reference)
    return _refreshed(workspace, run) if run.mode == REMOTE and not run.state.is_final else run


def refresh_all(workspace: Workspace) -> None:
    """Look after every run that goes on outside."""
    for run in rows.going_on(workspace.catalog, mode=REMOTE):
        _refreshed(workspace, run)


def _refreshed(workspace: Workspace, run: Run) -> Run:
    from mlstack_nb.app.remote.watch import refresh
    from mlstack_nb.app.runtime import Runtime

    try:
        return refresh(Runtime.current(workspace=workspace, stack=run.stack), run.id)
    except MlstackError as error:
        sys.stderr.write(f"run {run.id} is shown as it was last known: {error.what}\n")
        return run
