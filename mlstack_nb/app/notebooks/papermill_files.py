"""papermill's way to notebooks in the active stack's store: `papermill mlstack://train.ipynb mlstack://out.ipynb`.

`mlstack://NAME` is `notebooks/NAME` in the store; below `mlstack://runs/` are the notebooks of executed steps, which
can only be read.
"""

from __future__ import annotations

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.errors import NotFoundError, ObjectMissingError, UsageError
from mlstack_nb.ports.artifact_store import ArtifactStore

SCHEME = "mlstack://"
RUNS = "runs/"


class StoreNotebooks:
    """A handler as `papermill.iorw` wants it; registered by the entry point `papermill.io`."""

    @staticmethod
    def read(path: str) -> str:
        """Raises NotFoundError."""
        try:
            return _files().read(_place(path)).decode()
        except ObjectMissingError:
            raise NotFoundError(f"There is no notebook {path} in the store.", "See: mlstack runs list") from None

    @staticmethod
    def listdir(path: str) -> list[str]:
        place = _place(path).rstrip("/")
        return [found.rpartition("/")[2] for found in _files().paths(place)]

    @staticmethod
    def write(content: str, path: str) -> None:
        """Whole or not at all. Raises UsageError for the notebook of a run."""
        place = _place(path)
        if place.startswith(RUNS):
            raise UsageError(f"{path} is the record of a run.", f"Write elsewhere: {SCHEME}NAME.ipynb")
        _files().write(place, content.encode())

    @staticmethod
    def pretty_path(path: str) -> str:
        return path


def _files() -> ArtifactStore:
    return Runtime.current().engine.store.files


def _place(path: str) -> str:
    name = path.removeprefix(SCHEME)
    if not name or name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise UsageError(f"{path!r} names no notebook in the store.", f"Write it so: {SCHEME}FOLDER/NAME.ipynb")
    return name if name.startswith(RUNS) else f"notebooks/{name}"
