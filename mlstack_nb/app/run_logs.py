"""What the steps of a run printed, also while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_output import read_log
from mlstack_nb.core.run import REMOTE, State
from mlstack_nb.engine.store import CacheEntry, Store
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run

POLL_S = 0.2


def logs(workspace: Workspace, reference: str, step: str = "", *, follow: bool = False) -> Iterator[tuple[str, str]]:
    """Pieces of text, each with the step that printed it; with `follow` those to come as well, until the run ends.

    Without a step those of all, one after the other. A step from the cache printed what it did when it ran, and that is
    said. Raises NotFoundError for a run or step that is not there.
    """
    run = find_run(workspace, reference)
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
        run = find_run(workspace, run.id)


def _steps(run: Run) -> list[str]:
    return [step.step for step in run.steps]


def _log(workspace: Workspace, run: Run, step: str) -> bytes:
    runtime = Runtime.current(workspace=workspace, stack=run.stack)
    store = runtime.engine.store
    if run.mode == REMOTE:
        from mlstack_nb.app.remote.watch import log_of

        return log_of(runtime, run, step).encode()
    try:
        return read_log(run.id, step, workspace.root / "logs", store)
    except NotFoundError:
        return _recorded(workspace, run, step, store).encode()


def _recorded(workspace: Workspace, run: Run, step: str, store: Store) -> str:
    """What is kept beside the step's result: of a step from the cache what it printed when it ran, marked so."""
    ended = next(one for one in reversed(run.steps) if one.step == step)
    entry = store.look_up(ended.key) if ended.state.is_good and ended.key else None
    if not isinstance(entry, CacheEntry) or (ended.state is State.COMPLETED and entry.run_id != run.id):
        return ""
    try:
        text = read_log(entry.run_id, entry.step, workspace.root / "logs", store).decode("utf-8", "replace")
    except NotFoundError:
        display = store.display(entry.display)
        outputs = display.outputs if display is not None else ()
        text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    return text if entry.run_id == run.id or not text else f"(from the cache, as printed in run {entry.run_id})\n{text}"
