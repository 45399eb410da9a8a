"""The artifact store: bytes under slash-separated paths, local or in a bucket."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import DamagedObjectError
from mlstack_nb.ports.component import StackComponent


class ArtifactStore(StackComponent, ABC):
    """Paths are relative to the store, with `/`, and never contain `..`.

    Any number of processes use one store at once. What `write` and `put_folder` store appears whole or not
    at all. Failures are StoreError: ObjectMissingError for an absent path, StoreUnwritableError when there is
    no permission or no space.
    """

    kind: ClassVar[Kind] = Kind.ARTIFACT_STORE

    def check(self) -> str:
        """Write, read and delete an object. Raises StoreError."""
        place = f"checks/{secrets.token_hex(8)}"
        content = secrets.token_bytes(64)
        self.write(place, content)
        try:
            found = self.read(place)
        finally:
            self.delete(place)
        if found != content:
            raise DamagedObjectError(
                f"Artifact store {self.name!r} ({self.uri}) gives back other bytes than were written.",
                "Look for what else writes there, or changes what is sent.",
            )
        return f"{self.uri}: wrote, read and deleted an object"

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where the store is, for people and for equality: two stores with one uri are the same store."""

    @abstractmethod
    def read(self, path: str) -> bytes: ...

    @abstractmethod
    def write(self, path: str, data: bytes, *, if_absent: bool = False) -> bool:
        """Store a small object. With `if_absent` an existing one stays; returns whether `data` is stored now."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether a file or a folder is there."""

    @abstractmethod
    def paths(self, prefix: str) -> Iterator[str]:
        """Every file's path below the folder `prefix`, sorted."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all below it. Absent is fine."""

    @abstractmethod
    def staging(self) -> Path:
        """A new empty local folder, to be filled and given to `put_folder`, or removed by the caller."""

    @abstractmethod
    def put_folder(self, folder: Path, path: str) -> bool:
        """Move a staged folder to `path`. Where `path` exists already that one stays; `folder` is gone either way.

        Returns whether it was stored now.
        """

    @abstractmethod
    def local_folder(self, path: str) -> Path:
        """A local folder with what is stored at `path`; read-only for the caller. May be the store's own."""
