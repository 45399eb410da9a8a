"""What changes in a workspace while others work in it: the active stack, and runs. Cheap to ask often."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.remote.refreshing import refresh_all
from mlstack_nb.catalog import runs as rows

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.app.workspace import Workspace

NEWEST = 50
"""How many runs are looked at; those that still go on are among the newest."""

Signature = tuple[int, int, int] | None
Change = dict[str, Any]


class WorkspaceChanges:
    """What `look` has told of one workspace; the first look tells nothing. Not for several threads at once.

    A look costs three stats of files. Only when one of these has changed is it read.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._place = str(workspace.root)
        self._active: str | None = None
        self._active_file: Signature = None
        self._catalog_files: tuple[Signature, ...] = ()
        self._runs: dict[str, tuple[str, ...]] = {}
        self._is_first = True
        self._looks_again = False

    @property
    def has_open_runs(self) -> bool:
        """Whether some run had not ended when it was last looked at."""
        return any(signature[0] in rows.GOING_ON for signature in self._runs.values())

    def has_seen(self, run_id: str) -> bool:
        return run_id in self._runs

    def look(self) -> list[Change]:
        """What has changed since the last look. Raises MlstackError."""
        changes = [*self._of_stack(), *self._of_runs()]
        is_first, self._is_first = self._is_first, False
        return [] if is_first else changes

    def look_after_open_runs(self) -> None:
        """Record what became of runs whose process is gone, or that engines outside carry out. May take long."""
        refresh_all(self.workspace)
        rows.list_runs(self.workspace.catalog, limit=1)

    def _of_stack(self) -> Iterator[Change]:
        found = _signature(self.workspace.root / "active_stack")
        if not self._is_first and found == self._active_file:
            return
        self._active_file = found
        active = self.workspace.active_stack_name()[0]
        if active != self._active:
            self._active = active
            yield {"what": "active_stack", "active": active, "workspace": self._place}

    def _of_runs(self) -> Iterator[Change]:
        catalog = self.workspace.root / "catalog.db"
        files = (_signature(catalog), _signature(catalog.with_name("catalog.db-wal")))
        has_changed = files != self._catalog_files
        # once more after a change: another may have followed within the resolution of the file's time
        if not has_changed and not self._looks_again:
            return
        self._catalog_files, self._looks_again = files, has_changed
        found = {} if files[0] is None else self._newest()
        changed = {run_id: signature for run_id, signature in found.items() if self._runs.get(run_id) != signature}
        self._runs = found
        for run_id, (state, *_) in changed.items():
            yield {"what": "runs", "run": run_id, "state": state, "workspace": self._place}

    def _newest(self) -> dict[str, tuple[str, ...]]:
        """Oldest first: state, and how many steps are in each state."""
        found = rows.list_runs(self.workspace.catalog, limit=NEWEST)
        counts = rows.count_steps(self.workspace.catalog, [run.id for run in found])
        return {
            run.id: (run.state.value, *(f"{number} {state}" for state, number in sorted(counts[run.id].items())))
            for run in reversed(found)
        }


def _signature(path: Path) -> Signature:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
