"""What the steps of a run printed, also while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_output import read_log
from mlstack_nb.catalog import runs as rows
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run

POLL_S = 0.2


def logs(workspace: Workspace, reference: str, step: str = "", *, follow: bool = False) -> Iterator[tuple[str, str]]:
    """Pieces of text, each with the step that printed it; with `follow` those to come as well, until the run ends.

    Without a step those of all, one after the other. Raises NotFoundError for a run or step that is not there.
    """
    run = rows.get_run(workspace.catalog, reference)
    if step and step not in _steps(run):
        known = _steps(run)
        raise NotFoundError.of("step", step, known, f"Steps of run {run.id}: {', '.join(known)}.")
    shown: dict[str, int] = {}
    while True:
        is_over = run.state.is_final
        for name in [step] if step else _steps(run):
            new = _log(workspace, run, name)[shown.get(name, 0) :]
            if new:
                shown[name] = shown.get(name, 0) + len(new)
                yield name, new.decode("utf-8", "replace")
        if is_over or not follow:
            return
        time.sleep(POLL_S)
        run = rows.get_run(workspace.catalog, run.id)


def _steps(run: Run) -> list[str]:
    return [step.step for step in run.steps]


def _log(workspace: Workspace, run: Run, step: str) -> bytes:
    store = Runtime.current(workspace=workspace, stack=run.stack).engine.store
    try:
        return read_log(run.id, step, workspace.root / "logs", store)
    except NotFoundError:
        return b""
