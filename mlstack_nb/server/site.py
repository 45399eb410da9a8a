"""What all requests share: the folder that the server shows, its workspaces, the runs that it began."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from mlstack_nb.app.started_runs import StartedRuns
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.errors import NotFoundError

LONGEST_NAME_BYTES = 255


class Site:
    """Safe for threads. `reading` is held while a notebook is compiled: that changes where modules are looked for."""

    def __init__(self, root: Path) -> None:
        self.root: Path = Path(os.path.abspath(root))  # noqa: PTH100 - a link stays a link, as in Jupyter's own listing
        self.runs = StartedRuns()
        self.reading = threading.Lock()
        self._workspaces: dict[Path, Workspace] = {}
        self._lock = threading.Lock()

    def path_of(self, address: str) -> Path:
        """The file that the browser calls `address`. Raises NotFoundError for what is outside the server's folder."""
        path = Path(os.path.abspath(self.root / address.lstrip("/")))  # noqa: PTH100 - likewise
        if not path.is_relative_to(self.root):
            raise NotFoundError(
                f"{address!r} is outside the folder that this server shows.", "Give a path as the file browser has it."
            )
        if "\0" in address or any(len(os.fsencode(part)) > LONGEST_NAME_BYTES for part in path.parts):
            raise NotFoundError(f"{address!r} can not be the path of a file.", "Give a shorter path, of plain text.")
        return path

    def address_of(self, path: Path) -> str:
        """The path as the browser has it. Raises NotFoundError for one outside the server's folder."""
        if not path.is_relative_to(self.root):
            raise NotFoundError(f"{path} is outside the folder that this server shows.", "Open it in a terminal.")
        return path.relative_to(self.root).as_posix()

    def workspace(self, folder: Path | None = None) -> Workspace:
        """The workspace of a notebook in `folder`, by default of the server's folder. Raises UsageError."""
        found = Workspace.find(folder or self.root)
        with self._lock:
            return self._workspaces.setdefault(found.root, found)

    def workspaces(self) -> list[Workspace]:
        """Those that somebody has asked for."""
        with self._lock:
            return list(self._workspaces.values())

    def close(self) -> None:
        for workspace in self.workspaces():
            workspace.close()
