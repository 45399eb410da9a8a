"""`zenml.io.fileio` and a materializer's `artifact_store`: files, always on this machine.

A materializer's `uri` is a local folder whatever the store is, so ZenML's calls come down to the standard library's.
"""

from __future__ import annotations

import glob as patterns
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any


class LocalFiles:
    """ZenML's names of what is done to files and folders. Raises OSError as the standard library does."""

    def open(self, path: str | Path, mode: str = "r", **options: Any) -> IO[Any]:
        return Path(path).open(mode, **options)

    def exists(self, path: str | Path) -> bool:
        return Path(path).exists()

    def isdir(self, path: str | Path) -> bool:
        return Path(path).is_dir()

    def makedirs(self, path: str | Path) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)

    def mkdir(self, path: str | Path) -> None:
        Path(path).mkdir(exist_ok=True)

    def listdir(self, path: str | Path, only_file_names: bool = True) -> list[str]:
        return sorted(one.name if only_file_names else str(one) for one in Path(path).iterdir())

    def glob(self, pattern: str) -> list[str]:
        return sorted(patterns.glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns

    def remove(self, path: str | Path) -> None:
        Path(path).unlink()

    def rmtree(self, path: str | Path) -> None:
        shutil.rmtree(path)

    def rename(self, src: str | Path, dst: str | Path, overwrite: bool = False) -> None:
        _check_free(dst, overwrite)
        Path(src).replace(dst)

    def copy(self, src: str | Path, dst: str | Path, overwrite: bool = False) -> None:
        _check_free(dst, overwrite)
        shutil.copyfile(src, dst)

    copyfile = copy

    def size(self, path: str | Path) -> int:
        """Of a file, or of all files below a folder."""
        place = Path(path)
        return place.stat().st_size if place.is_file() else sum(one.stat().st_size for one in place.rglob("*"))

    def stat(self, path: str | Path) -> os.stat_result:
        return Path(path).stat()

    def walk(
        self, top: str | Path, topdown: bool = True, onerror: Callable[[OSError], Any] | None = None
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        return os.walk(top, topdown, onerror)


def _check_free(path: str | Path, overwrite: bool) -> None:
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"There is a file {path} already; overwrite=True takes its place.")


fileio = LocalFiles()
