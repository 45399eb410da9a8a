"""Saving a notebook while it runs: whole or not at all, and not so often that the saving takes the time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mlstack_nb.errors import UsageError
from mlstack_nb.kernels import documents

SHORTEST_PAUSE_S = 1.0
PAUSE_PER_SAVE = 20  # at most a twentieth of the time goes into saving


class NotebookFile:
    """Where an executed notebook is kept: `write` puts its text there. Of one thread."""

    def __init__(self, name: object, write: Callable[[str], None]) -> None:
        self._name = name
        self._write = write
        self._next = 0.0

    @classmethod
    def at(cls, path: Path) -> NotebookFile:
        return cls(path, partial(write_whole, path))

    def save_now(self, document: Mapping[str, Any]) -> None:
        """Raises UsageError, naming the path, when it can not be written."""
        began = time.monotonic()
        try:
            self._write(documents.text(document))
        except OSError as error:
            raise UsageError(
                f"The executed notebook can not be written to {self._name}: {error.strerror}.",
                "Give a file in a folder that exists and can be written to.",
            ) from error
        ended = time.monotonic()
        self._next = ended + max(SHORTEST_PAUSE_S, PAUSE_PER_SAVE * (ended - began))

    def save(self, document: Mapping[str, Any]) -> None:
        """Save unless that was done a moment ago. What can not be written now may be at the end."""
        if time.monotonic() >= self._next:
            with suppress(UsageError):
                self.save_now(document)


def write_whole(path: Path, text: str) -> None:
    """Put the text there in one step, so that who reads sees the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        # JSON's own escapes for what UTF-8 can not hold, halves of surrogate pairs
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
