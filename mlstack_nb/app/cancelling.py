"""Stopping a run that another process carries out, as Ctrl-C there would."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from mlstack_nb.app.launch import launch_of
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.catalog import runs as rows
from mlstack_nb.core.run import REMOTE
from mlstack_nb.errors import ConflictError
from mlstack_nb.ports.owner import Owner

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run

PATIENCE_S = 20.0
POLL_S = 0.05
LOOK_S = 0.5


def cancel(workspace: Workspace, reference: str) -> Run:
    """Ask the process of a run to stop, or its engine, and wait until it has. Returns the run as it then is.

    Raises NotFoundError, or ConflictError for a run that has ended, is another machine's, or does not stop in 20 s.
    """
    run = find_run(workspace, reference)
    if run.state.is_final:
        raise ConflictError(f"Run {run.id} is not running: it is {run.state}.", "See it: mlstack runs show " + run.id)
    if run.mode == REMOTE:
        return _cancelled_outside(workspace, run)
    owner = rows.owner_of(workspace.catalog, run.id)
    if not owner.is_here:
        raise ConflictError(
            f"Run {run.id} is carried out on {owner.host}.", f"Cancel it there: mlstack cancel {run.id}"
        )
    # a kernel that gets SIGTERM is gone; a process of `mlstack run` may have been started with SIGINT ignored
    os.kill(owner.pid, signal.SIGTERM if launch_of(workspace, run) else signal.SIGINT)
    return _stopped(workspace, run, owner)


def _cancelled_outside(workspace: Workspace, run: Run) -> Run:
    from mlstack_nb.app.remote.watch import cancel as cancel_outside
    from mlstack_nb.app.runtime import Runtime

    cancel_outside(Runtime.current(workspace=workspace, stack=run.stack), run)
    deadline = time.monotonic() + PATIENCE_S
    while not (now := find_run(workspace, run.id)).state.is_final:
        if time.monotonic() > deadline:
            raise ConflictError(
                f"Run {run.id} was told to stop, but its engine still works on it.",
                f"Look again: mlstack runs show {run.id}",
            )
        time.sleep(LOOK_S)
    return now


def _stopped(workspace: Workspace, run: Run, owner: Owner) -> Run:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        now = rows.get_run(workspace.catalog, run.id)
        if now.state.is_final:
            return now
        time.sleep(POLL_S)
    raise ConflictError(
        f"Run {run.id} was told to stop, but its process {owner.pid} still works on it.",
        f"End the process, and the run counts as failed: kill -9 {owner.pid}",
    )
