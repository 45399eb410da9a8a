"""Artifact store flavor `local`: a folder. Writes go to `staging/` in it and are renamed into place.

Nothing is fsynced: after a power cut a file may be empty or short, which its digest shows when it is read.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mlstack_nb.errors import ObjectMissingError, StoreError, StoreUnwritableError
from mlstack_nb.ports.artifact_store import ArtifactStore

STAGING = "staging"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_numbers = itertools.count()


class LocalArtifactStore(ArtifactStore):
    @dataclass(frozen=True)
    class Config:
        path: str | None = field(
            default=None,
            metadata={
                "description": "The folder, relative to the one that holds the workspace; "
                "without it, `store` in the workspace."
            },
        )

    def __init__(self, name: str, configuration: Config, workspace: Path) -> None:
        super().__init__(name, configuration, workspace)
        # once and for all: a step may change the working directory and HOME
        path = configuration.path
        self.root = _absolute(path, workspace.parent) if path else str(workspace / "store")

    @property
    def uri(self) -> str:
        return self.root

    def portable(self) -> dict[str, str]:
        return {"path": self.root}

    def read(self, path: str) -> bytes:
        try:
            with open(self._at(path), "rb", buffering=0) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectMissingError(
                f"Nothing is stored at {path!r} in artifact store {self.name!r}.", "Run the step again to make it."
            ) from error
        except OSError as error:
            raise self._failure(error) from error

    def write(self, path: str, data: bytes, *, if_absent: bool = False) -> bool:
        target = self._at(path)
        staged = self._staged_name()
        with self._explained():
            try:
                _write_all(_created(staged), data)
                return _place(staged, target, replace=not if_absent)
            except BaseException:
                _remove(staged)
                raise

    def exists(self, path: str) -> bool:
        return os.path.exists(self._at(path))

    def paths(self, prefix: str) -> Iterator[str]:
        top = self._at(prefix)
        with self._explained():
            for folder, folders, files in os.walk(top):
                folders.sort()
                for name in sorted(files):
                    yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def delete(self, path: str) -> None:
        target = self._at(path)
        with self._explained():
            if os.path.isdir(target):
                # aside first: a reader sees the folder whole or not at all
                aside = self._staged_name()
                _place(target, aside, replace=True)
                shutil.rmtree(aside)
            else:
                _remove(target)

    def staging(self) -> Path:
        folder = self._staged_name()
        with self._explained():
            os.makedirs(folder)
        return Path(folder)

    def put_folder(self, folder: Path, path: str) -> bool:
        with self._explained():
            for parent, _, files in os.walk(folder):
                for name in files:
                    file = os.path.join(parent, name)
                    os.chmod(file, os.stat(file).st_mode & 0o555)
            try:
                return _place(str(folder), self._at(path), replace=False)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def local_folder(self, path: str) -> Path:
        folder = self._at(path)
        if not os.path.isdir(folder):
            raise ObjectMissingError(
                f"Nothing is stored at {path!r} in artifact store {self.name!r}.", "Run the step again to make it."
            )
        return Path(folder)

    def _at(self, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/"):
            raise StoreError(f"{path!r} is not a path inside a store.", "Use a relative path without '..'.")
        return f"{self.root}/{path}"

    def _staged_name(self) -> str:
        """A name nobody else uses. The first call sweeps what dead processes of this machine left behind."""
        if not hasattr(self, "_prefix"):
            staging = f"{self.root}/{STAGING}"
            prefix = f"{staging}/{socket.gethostname()}-"
            _sweep(staging, prefix)
            self._prefix = prefix  # last, since other threads look for it
        return f"{self._prefix}{os.getpid()}-{next(_numbers)}"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> StoreError:
        place = f"artifact store {self.name!r} ({self.root})"
        if error.errno in _FULL:
            return StoreUnwritableError(f"The disk of {place} is full.", "Free some space, then run the step again.")
        if error.errno in _FORBIDDEN:
            return StoreUnwritableError(
                f"No permission in {place}: {error.strerror}: {error.filename}.",
                f"Make the folder writable (chmod -R u+rwX {self.root}), or set a stack with another store.",
            )
        return StoreError(f"{place} failed: {error}.", "Check the folder, then run the step again.")


def _absolute(path: str, project: Path) -> str:
    return os.path.abspath(project / os.path.expanduser(path))


def _created(path: str) -> int:
    """The descriptor of the new file `path`; its folder is made when it is not there yet."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write and close. A disk that fills up takes a part first, and fails at the next call."""
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    finally:
        os.close(descriptor)


def _place(staged: str, target: str, *, replace: bool) -> bool:
    """Rename into place, atomically; returns whether `staged` is there now."""
    try:
        return _rename(staged, target, replace=replace)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return _rename(staged, target, replace=replace)


def _rename(staged: str, target: str, *, replace: bool) -> bool:
    if replace:
        os.replace(staged, target)
        return True
    try:
        if os.path.isdir(staged):
            os.rename(staged, target)  # refuses a target that is a folder with files
        else:
            os.link(staged, target)  # the one call that refuses an existing file
            os.unlink(staged)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        _remove(staged)
        return False
    return True


def _remove(path: str) -> None:
    with suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(path)


def _sweep(staging: str, prefix: str) -> None:
    """Remove what processes of this machine that have ended left there."""
    if not os.path.isdir(staging):
        return
    for entry in os.scandir(staging):
        owner = entry.path.removeprefix(prefix).partition("-")[0]
        if entry.path.startswith(prefix) and owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(entry.path, ignore_errors=True) if entry.is_dir() else _remove(entry.path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
