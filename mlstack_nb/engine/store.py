"""The store's layout over an artifact store: objects by digest, cache entries, run records."""

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
from mlstack_nb.core.digest import digest
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, StepRun, iso
from mlstack_nb.errors import DamagedObjectError, ObjectMissingError
from mlstack_nb.ports.artifact_store import ArtifactStore

VERSION = 1


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The commit point of a step: once it is there, the step's work is done, and every object it names exists."""

    key: str
    step: str
    run_id: str
    ended_at: float
    duration_s: float
    outputs: Mapping[str, Artifact]
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        return json.dumps(
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
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CacheEntry | None:
        """None for what another version wrote, or what is no entry at all (a torn file): to the cache, a miss."""
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
            )
        except (ValueError, KeyError, TypeError):
            return None


class Store:
    """Objects are immutable; entries and records appear whole or not at all. Safe for any number of processes."""

    def __init__(self, files: ArtifactStore) -> None:
        self.files = files
        self._verified: dict[str, tuple[tuple[str, int, int], ...]] = {}

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
            found, _ = tree_digest(folder, known={})
            if found != address:
                self.files.delete(path)
                raise DamagedObjectError(
                    f"Object {address[:12]} in artifact store {self.files.name!r} was changed or damaged on disk.",
                    "It has been removed: run the step that makes it again, and it heals.",
                )
            self._verified[address] = signature
        return folder

    def has_objects(self, artifacts: Mapping[str, Artifact]) -> bool:
        return all(a.object is None or self.files.exists(_object_path(a.object)) for a in artifacts.values())

    def entry(self, key: str) -> CacheEntry | None:
        """The entry of `key` if it is readable and all its objects are there."""
        try:
            entry = CacheEntry.from_json(self.files.read(_entry_path(key)))
        except ObjectMissingError:
            return None
        return entry if entry is not None and self.has_objects(entry.outputs) else None

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

    def put_plan(self, plan: Plan) -> None:
        self.files.write(f"runs/{plan.run_id}/plan.json", plan.to_json().encode())

    def put_run(self, run: Run) -> None:
        """The whole run in one file, once it has ended: the only record of a step that came from the cache."""
        self.files.write(f"runs/{run.id}/run.json", json.dumps(run.to_json()).encode())

    def put_step(self, step: StepRun) -> None:
        self.files.write(f"runs/{step.run_id}/steps/{step.step}.json", json.dumps(step.to_json()).encode())

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


def _entry_path(key: str) -> str:
    return f"cache/{key[:2]}/{key}.json"
