"""Events for every browser that is connected: the active stack was switched, a run began, went on or ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.workspace_changes import Change, WorkspaceChanges
from mlstack_nb.core.run import State
from mlstack_nb.errors import MlstackError

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from mlstack_nb.server.site import Site

SCHEMA_ID = "https://mlstack-nb.readthedocs.io/schemas/changed/v1"
SCHEMA = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "Something changed in a workspace",
    "type": "object",
    "properties": {
        "what": {"enum": ["active_stack", "runs"]},
        "workspace": {"type": "string", "description": "The folder of the workspace."},
        "active": {"type": "string", "description": "The name of the active stack."},
        "run": {"type": "string", "description": "The id of a run."},
        "state": {"type": "string", "description": "The state of that run."},
    },
    "required": ["what", "workspace"],
}
LOOK_S = 0.25
LOOK_AFTER_S = 2.0


class ChangeStream:
    """Looks at the workspaces that somebody has asked for, in threads of its own: slow requests do not hold it up."""

    def __init__(self, site: Site, events: EventLogger, log: Any) -> None:
        self._site, self._events, self._log = site, events, log
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="mlstack-changes")
        self._known: dict[Path, WorkspaceChanges] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._warned = ""

    def start(self) -> None:
        """From within the running loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._every(LOOK_S, self._look)),
            loop.create_task(self._every(LOOK_AFTER_S, self._look_after)),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _every(self, seconds: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
            except (MlstackError, OSError) as error:
                self._warn(str(error))
            except Exception:  # noqa: BLE001 - logged; what comes later is still to be seen
                self._log.exception("mlstack_nb: changes can not be seen")
            await asyncio.sleep(seconds)

    def _warn(self, what: str) -> None:
        """Once, not several times a second."""
        if what != self._warned:
            self._warned = what
            self._log.warning("mlstack_nb: changes can not be seen: %s", what)

    async def _look(self) -> None:
        self._site.workspace()  # another one, when somebody has made one since
        for workspace in self._site.workspaces():
            changes = self._known.setdefault(workspace.root, WorkspaceChanges(workspace))
            for change in await self._in_thread(changes.look):
                self._emit(change)
        for workspace, run_id in self._site.runs.ended():
            if not self._known[workspace.root].has_seen(run_id):
                place, failed = str(workspace.root), State.FAILED.value
                self._emit({"what": "runs", "run": run_id, "state": failed, "workspace": place})

    async def _look_after(self) -> None:
        for changes in list(self._known.values()):
            if changes.has_open_runs:
                await self._in_thread(changes.look_after_open_runs)

    def _emit(self, change: Change) -> None:
        self._events.emit(schema_id=SCHEMA_ID, data=change)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
