"""The workspace: the `.mlstack` folder where the catalog, the active stack's name and embedded components live."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.core.stack import MANDATORY, Component, Stack
from mlstack_nb.errors import ConfigError, NotFoundError, StoreUnwritableError, UsageError, nearest

if TYPE_CHECKING:
    from mlstack_nb.catalog.database import Catalog

FOLDER = ".mlstack"
WORKSPACE_VARIABLE = "MLSTACK_WORKSPACE"
STACK_VARIABLE = "MLSTACK_STACK"
DEFAULT = "default"
DEFAULT_STACK = Stack(DEFAULT, tuple(Component(kind, "local", DEFAULT) for kind in MANDATORY))
"""What the catalog holds under that name from the start; it can be neither changed nor deleted."""


class Workspace:
    """`root` is the folder itself. An empty one is a valid new workspace; an absent one is made by the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._catalog: Catalog | None = None
        self._lock = threading.Lock()

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """`MLSTACK_WORKSPACE`, else the nearest `.mlstack` folder from `start` upward, else the home directory's.

        `start` is the working directory by default. Raises UsageError for what is no folder.
        """
        named = os.environ.get(WORKSPACE_VARIABLE)
        if named:
            root = Path(named).expanduser().absolute()
            if root.exists() and not root.is_dir():
                raise UsageError(f"{WORKSPACE_VARIABLE} is {named!r}, which is no folder.", "Set it to a folder.")
            return cls(root)
        here = start.absolute() if start is not None else _working_directory()
        for folder in (here, *here.parents):
            place = folder / FOLDER
            if place.is_dir():
                return cls(place)
            if place.exists():
                raise UsageError(
                    f"{place} is a file, where the folder of a workspace should be.", f"Move it: mv {place} {place}.old"
                )
        return cls(Path.home() / FOLDER)

    @property
    def catalog(self) -> Catalog:
        """The catalog, opened on first use, and again when its file was removed or replaced since.

        Raises CatalogError, or StoreUnwritableError for the folder.
        """
        with self._lock:
            if self._catalog is not None and not self._catalog.is_in_place:
                self._catalog.close()
                self._catalog = None
            if self._catalog is None:
                from mlstack_nb.catalog.database import Catalog

                self.ensure()
                self._catalog = Catalog.open(self.catalog_file)
            return self._catalog

    @property
    def catalog_file(self) -> Path:
        """Where the catalog is, or will be."""
        return self.root / "catalog.db"

    def ensure(self) -> None:
        """Make the folder, for its owner only. Raises StoreUnwritableError."""
        if self.root.is_dir():
            return
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        with self._lock:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None

    def active_stack(self, explicit: str | None = None, *, notebook: str | None = None) -> Stack:
        """The stack to run on. Raises NotFoundError that tells who named it."""
        name, source = self.active_stack_name(explicit, notebook=notebook)
        if name == DEFAULT:
            return DEFAULT_STACK
        from mlstack_nb.catalog import stacks

        with self.catalog.read() as connection:
            found = stacks.find_stack(connection, name)
            if found is not None:
                return found
            near = nearest(name, stacks.stack_names(connection))
        raise NotFoundError(
            f"No stack is called {name!r}, which {source} names.",
            f"Did you mean {near!r}?" if near else "Run: mlstack stack list",
        )

    def active_stack_name(self, explicit: str | None = None, *, notebook: str | None = None) -> tuple[str, str]:
        """The name, and who gives it: `--stack` before `MLSTACK_STACK` before the notebook before the workspace."""
        variable = os.environ.get(STACK_VARIABLE)
        if explicit:
            return explicit, "--stack"
        if variable:
            return variable, STACK_VARIABLE
        if notebook:
            return notebook, "the notebook's metadata"
        return self.stored_stack_name() or DEFAULT, f"the workspace {self.root}"

    def stored_stack_name(self) -> str:
        """The name that `set_active_stack` wrote, "" when it never did. Raises ConfigError."""
        place = self.root / "active_stack"
        try:
            return place.read_text(encoding="utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            raise ConfigError(
                f"The name of the active stack can not be read from {place}: {error.strerror}.",
                f"Make it a file that you can read, or remove it: rm -r {place}",
            ) from error

    def set_active_stack(self, name: str) -> None:
        """Write the name atomically. Whether there is such a stack is `stacks.activate`'s business."""
        self.ensure()
        target = self.root / "active_stack"
        aside = self.root / f".active_stack-{os.getpid()}-{threading.get_ident()}"
        try:
            aside.write_text(f"{name}\n", encoding="utf-8")
            aside.replace(target)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StoreUnwritableError:
        return StoreUnwritableError(
            f"The workspace {self.root} can not be written: {error.strerror}.",
            f"Make it writable (chmod -R u+rwX {self.root}), or set {WORKSPACE_VARIABLE} to another folder.",
        )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("The working directory has been removed.", "Change to a folder that exists.") from error
