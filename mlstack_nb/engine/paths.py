"""The content of data files: hashed when it may have changed, else a look at the file's size and time.

What is known of large files is kept in the user's cache folder, so that another process need not read them again.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from mlstack_nb.core.digest import digest
from mlstack_nb.engine.store import file_digest

LARGE = 4 * 1024 * 1024
"""From this size on, in bytes, a digest outlives the process; below it, hashing is as quick as remembering."""
SETTLED_S = 0.1
"""A file changed this recently is hashed each time: it may change again within the resolution of its time stamp."""

_known: dict[str, tuple[list[int], str]] = {}


def path_digest(path: Path) -> str:
    """The content of a file, or of all files below a folder with their names; "missing" where there is nothing."""
    if path.is_dir():
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        return digest("folder", [(file.relative_to(path).as_posix(), path_digest(file)) for file in files])
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "missing"
    place = str(path.absolute())
    signature = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev]
    known = _known.get(place)
    if known is None and stat.st_size >= LARGE:
        known = _recalled(place)
    if known is not None and known[0] == signature:
        return known[1]
    found = file_digest(path)
    if time.time() - stat.st_mtime > SETTLED_S:
        _known[place] = signature, found
        if stat.st_size >= LARGE:
            _remember(place, signature, found)
    return found


def _note(place: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mlstack_nb" / "files" / f"{digest(place)[:32]}.json"


def _recalled(place: str) -> tuple[list[int], str] | None:
    try:
        note = json.loads(_note(place).read_bytes())
        return (note["signature"], note["digest"]) if note["place"] == place else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(place: str, signature: list[int], found: str) -> None:
    """Nothing depends on the note: where it can not be written, the file is read again next time."""
    note = _note(place)
    staged = note.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps({"place": place, "signature": signature, "digest": found}))
        staged.replace(note)
