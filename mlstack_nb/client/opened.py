"""The workspace a client works in: opened once in a process, for all clients."""

from __future__ import annotations

import os
from pathlib import Path

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.core.notes import notes

_opened: dict[tuple[int, str], Workspace] = {}


class Opened:
    """What every part of the client stands on."""

    def __init__(self, root: Path | str | None = None) -> None:
        found = Workspace.find() if root is None else Workspace(Path(root))
        # after a fork a connection of the parent must not be used
        self._workspace = _opened.setdefault((os.getpid(), str(found.root)), found)

    @property
    def workspace(self) -> Workspace:
        """As it is now: in a step, what the steps before it gave is recorded."""
        if notes() is not None:
            Runtime.here(self._workspace).recorder.flush()
        return self._workspace

    @property
    def catalog(self) -> Catalog:
        return self.workspace.catalog
