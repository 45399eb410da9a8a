"""The store's layout over an artifact store: objects and displays by digest, cache entries, run records."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blake3 import blake3

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.digest import HEX_LENGTH, digest, digest_bytes
from mlstack_nb.core.display import Display
from mlstack_nb.core.run import Reason, iso
from mlstack_nb.core.step import Fingerprint
from mlstack_nb.engine.masking import masked_display
from mlstack_nb.engine.run_records import RunRecords
from mlstack_nb.errors import DamagedObjectError, ObjectMissingError, StoreError
from mlstack_nb.ports.artifact_store import ArtifactStore

VERSION = 1
_CHECKED = b'{"digest": "%b", '
_CHECKED_LENGTH = len(_CHECKED % (b"0" * HEX_LENGTH))
LONGEST_SOURCE = 20_000
CUT = "# ... the rest is not kept"


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The commit point of a step: once it is there, the step's work is done, and every object it names exists.

    `display` is the address of what the step showed, empty for nothing; a result is good without it.
    """

    key: str
    step: str
    run_id: str
    ended_at: float
    duration_s: float
    outputs: Mapping[str, Artifact]
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    display: str = ""

    def to_json(self) -> bytes:
        """JSON that begins with the digest of the rest."""
        rest = json.dumps(
            {
                "version": VERSION,
                "key": self.key,
                "step": self.step,
                "run_id": self.run_id,
                "ended_at": self.ended_at,
                "ended": iso(self.ended_at),
                "duration_s": self.duration_s,
                "outputs": {name: artifact.to_json() for name, artifact in self.outputs.items()},
                "fingerprint": dict(self.fingerprint),
                "inputs": dict(self.inputs),
                "display": self.display,
            }
        ).encode()[1:]
        return _CHECKED % digest_bytes(rest).encode() + rest

    @classmethod
    def from_json(cls, data: bytes) -> CacheEntry | None:
        """None for what another version wrote, and for a torn or changed file: to the cache, a miss."""
        rest = data[_CHECKED_LENGTH:]
        if data[:_CHECKED_LENGTH] != _CHECKED % digest_bytes(rest).encode():
            return None
        try:
            entry = json.loads(data)
            if entry["version"] != VERSION:
                return None
            outputs = {name: Artifact.from_json(artifact) for name, artifact in entry["outputs"].items()}
            return cls(
                key=entry["key"],
                step=entry["step"],
                run_id=entry["run_id"],
                ended_at=entry["ended_at"],
                duration_s=entry["duration_s"],
                outputs=outputs,
                fingerprint=entry["fingerprint"],
                inputs=entry["inputs"],
                display=entry.get("display", ""),
            )
        except (ValueError, KeyError, TypeError):
            return None


class Store(RunRecords):
    """Objects are immutable; entries and records appear whole or not at all. Safe for any number of processes."""

    def __init__(self, files: ArtifactStore) -> None:
        super().__init__(files)
        self._verified: dict[str, tuple[tuple[str, int, int], ...]] = {}
        self._damaged: set[str] = set()
        self._explained: set[str] = set()

    def put_object(self, folder: Path, *, known: Mapping[str, str], keep: bool = True) -> tuple[str, int]:
        """Store a staged folder under the digest of its files; returns that address and the size in bytes.

        `known` has digests of files hashed while they were written. `folder` is gone afterwards, unless the
        digest alone was wanted (`keep` is False).
        """
        address, size = tree_digest(folder, known=known)
        if not keep:
            return address, size
        path = _object_path(address)
        self.files.put_folder(folder, path)
        with suppress(ObjectMissingError):
            self._verified[address] = _signature(self.files.local_folder(path))
        return address, size

    def open_object(self, address: str) -> Path:
        """A local, read-only folder whose files have that digest.

        Raises ObjectMissingError, or DamagedObjectError after removing the damaged object, so that the step
        that made it is a cache miss and stores it anew. Files are hashed once in a process, then trusted as
        long as their size and time stay.
        """
        path = _object_path(address)
        folder = self.files.local_folder(path)
        signature = _signature(folder)
        if self._verified.get(address) != signature:
            try:
                found, _ = tree_digest(folder, known={})
            except OSError as error:
                raise StoreError(
                    f"Object {address[:12]} in artifact store {self.files.name!r} can not be read: {error}.",
                    f"Make it readable: chmod -R u+rX {folder}",
                ) from error
            if found != address:
                self.files.delete(path)
                self._damaged.add(address)
                raise DamagedObjectError(
                    f"Object {address[:12]} in artifact store {self.files.name!r} was changed or damaged on disk.",
                    "It has been removed: run the step that makes it again, and it heals.",
                )
            self._verified[address] = signature
        return folder

    def has_object(self, address: str) -> bool:
        return self.files.exists(_object_path(address))

    def delete_object(self, address: str) -> None:
        """What made it is a cache miss from now on. Absent is fine."""
        self.files.delete(_object_path(address))
        self._verified.pop(address, None)

    def entry(self, key: str) -> CacheEntry | None:
        """The entry of `key` if it is readable and all its objects are there."""
        found = self.look_up(key)
        return found if isinstance(found, CacheEntry) else None

    def look_up(self, key: str) -> CacheEntry | Reason:
        """`entry`, or what is the matter with it. That an object was damaged only the process knows that found it."""
        try:
            entry = CacheEntry.from_json(self.files.read(_entry_path(key)))
        except ObjectMissingError:
            return Reason.NO_ENTRY
        if entry is None:
            return Reason.NO_ENTRY
        for artifact in entry.outputs.values():
            address = artifact.object
            if address is not None and not self.files.exists(_object_path(address)):
                return Reason.DAMAGED if address in self._damaged else Reason.OBJECTS_MISSING
        return entry

    def commit(self, entry: CacheEntry, *, replace: bool) -> CacheEntry:
        """Make `entry` the truth of its key; returns the entry that is: another process may have been first."""
        path = _entry_path(entry.key)
        if self.files.write(path, entry.to_json(), if_absent=not replace):
            return entry
        first = self.entry(entry.key)
        if first is not None:
            return first
        self.files.write(path, entry.to_json())
        return entry

    def forget(self, key: str) -> None:
        self.files.delete(_entry_path(key))

    def put_display(self, display: Display | None) -> str:
        """Keep what a step showed, equal ones once; returns its address, empty for nothing."""
        if display is None:
            return ""
        data = masked_display(display).to_json()
        address = digest_bytes(data)
        self.files.write(_display_path(address), data)
        return address

    def display(self, address: str) -> Display | None:
        """None where it is gone, damaged or unreadable: nothing depends on it."""
        try:
            data = self.files.read(_display_path(address)) if address else b""
        except StoreError:
            return None
        return Display.from_json(data) if digest_bytes(data) == address else None

    def put_sources(self, fingerprint: Fingerprint) -> None:
        """Keep the source of a step's code, once for each fingerprint; long parts are cut."""
        code = fingerprint.digest
        if not fingerprint.sources or code in self._explained:
            return
        kept = {label: cut(text) for label, text in fingerprint.sources.items()}
        self.files.write(_sources_path(code), json.dumps(kept).encode(), if_absent=True)
        self._explained.add(code)

    def sources(self, code: str) -> dict[str, str]:
        """The source of each part of the fingerprint with that digest; empty where none is kept."""
        try:
            found: dict[str, str] = json.loads(self.files.read(_sources_path(code)))
        except (ObjectMissingError, ValueError):
            return {}
        return found

    def discard(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)


def tree_digest(folder: Path, *, known: Mapping[str, str]) -> tuple[str, int]:
    """The digest of every file below `folder` by relative path, and their bytes together.

    Permissions and times do not count. `known` saves reading files that were hashed already.
    """
    rows: list[list[Any]] = []
    total = 0
    for name in _files(folder):
        path = folder / name
        size = path.stat().st_size
        rows.append([name, size, known.get(name) or file_digest(path)])
        total += size
    return digest("tree", rows), total


def file_digest(path: Path) -> str:
    """BLAKE3 of a file's bytes, memory-mapped: 64 hex characters."""
    return blake3().update_mmap(path).hexdigest()


def _files(folder: Path) -> list[str]:
    found: list[str] = []
    for parent, _, names in os.walk(folder):
        inside = os.path.relpath(parent, folder)
        found.extend(name if inside == "." else f"{inside}/{name}" for name in names)
    return sorted(found)


def _signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    stats = ((name, (folder / name).stat()) for name in _files(folder))
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _object_path(address: str) -> str:
    return f"objects/{address[:2]}/{address}"


def cut(text: str) -> str:
    """A part's source as it is kept."""
    return text if len(text) <= LONGEST_SOURCE else f"{text[:LONGEST_SOURCE]}\n{CUT}\n"


def _display_path(address: str) -> str:
    return f"displays/{address[:2]}/{address}.json"


def _sources_path(code: str) -> str:
    return f"sources/{code[:2]}/{code}.json"


def _entry_path(key: str) -> str:
    return f"cache/{key[:2]}/{key}.json"
