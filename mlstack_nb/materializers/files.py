"""Files that are hashed while they are written, and files that are read as private memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from types import TracebackType
from typing import Any

from blake3 import blake3

from mlstack_nb.errors import MaterializerError

HASH_CHUNK = 512 * 1024
MAP_FROM = 256 * 1024
_AGAIN = "Run the step that made it again, with --no-cache."


class HashedFile:
    """A file for writing whose BLAKE3 is known when it is closed: one pass over memory serves disk and digest.

    Without a path nothing is written and only the digest is made. Buffers are taken as they are, uncopied.
    It has what pyarrow asks of a Python file.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = open(path, "wb", buffering=0) if path else None  # noqa: SIM115 - closed by close()
        self._hash = blake3()
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), HASH_CHUNK):
            chunk = view[start : start + HASH_CHUNK]
            self._hash.update(chunk)
            self._write_out(chunk)
        self._size += len(view)
        return len(view)

    def _write_out(self, chunk: memoryview) -> None:
        # a raw file may take less than it is given, at a full disk or past 2 GiB
        while self._file and chunk:
            chunk = chunk[self._file.write(chunk) or 0 :]

    @property
    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True
        if self._file:
            self._file.close()

    def __enter__(self) -> HashedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_hashed(path: Path, *buffers: Any) -> str:
    """Write the buffers one after the other; returns the file's BLAKE3 in hex."""
    with HashedFile(path) as file:
        for buffer in buffers:
            file.write(buffer)
    return file.hexdigest


def stored(folder: Path, *names: str) -> Path:
    """The first of `names` that is in `folder`. Raises MaterializerError when none is."""
    for name in names:
        path = folder / name
        if path.exists():
            return path
    raise MaterializerError(
        f"The stored value has no file {' or '.join(names)} in {folder}.",
        _AGAIN,
    )


def private_memory(path: Path) -> bytearray | mmap.mmap:
    """The file's bytes as writable memory that is never written back.

    Large files are mapped copy-on-write, small ones read: a map holds a file descriptor for its lifetime.
    """
    with open(path, "rb") as file:
        size = path.stat().st_size
        if size < MAP_FROM:
            return bytearray(file.read())
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def damaged(path: Path, error: Exception) -> MaterializerError:
    """What to raise when a stored file can not be understood."""
    return MaterializerError(
        f"{path} does not hold what its materializer writes: {type(error).__name__}: {error}.", _AGAIN
    )
