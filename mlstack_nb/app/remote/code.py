"""A project's files as they travel to the nodes of a run: one archive in the store, under the digest of what is in it.

What `.mlstackignore` names (in the words of `.gitignore`) stays at home, as do hidden files, virtual environments and
what tools leave behind. Equal files give an equal archive, so nothing is stored twice.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlstack_nb.app.workspace import FOLDER, Workspace
from mlstack_nb.core.digest import digest_bytes
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import UsageError

IGNORE_FILE = ".mlstackignore"
MOST_BYTES = 100_000_000
"""Of all files together; what is larger belongs into the artifact store, as what a step gives."""
_LEFT = ("__pycache__", "node_modules")


def project_root(workspace: Workspace, folder: Path) -> Path:
    """The folder that travels: the one that holds the workspace, where `folder` is in it, else `folder` itself."""
    holder = workspace.root.resolve().parent
    folder = folder.resolve()
    is_project = workspace.root.name == FOLDER and holder != Path.home().resolve() and folder.is_relative_to(holder)
    return holder if is_project else folder


def put_code(store: Store, root: Path, *, others: Mapping[str, bytes]) -> str:
    """Store the files below `root`, with `others` (by relative path) in place of what is there; returns their address.

    Raises UsageError when they are too large together.
    """
    files = {name: root / name for name in _names(root)}
    _check_size(files, root)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*files, *others}):
            is_program = name in files and os.access(files[name], os.X_OK)
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755 if is_program else 0o644
            content = others[name] if name in others else files[name].read_bytes()
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    data = packed.getvalue()
    address = digest_bytes(data)
    store.files.write(_path(address), _compressed(data), if_absent=True)
    return address


def unpack_code(store: Store, address: str, folder: Path) -> None:
    """Put the files there. Raises ObjectMissingError; what would land outside `folder` is refused by `tarfile`."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(store.files.read(_path(address))), "zstd") as stream:
        data = stream.read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")


def _names(root: Path) -> Iterator[str]:
    ignored = _ignored(root)
    for parent, folders, files in os.walk(root):
        inside = Path(parent).relative_to(root)
        folders[:] = sorted(
            name for name in folders if _travels(Path(parent, name)) and not ignored(f"{inside / name}/")
        )
        for name in files:
            file = Path(parent, name)
            if not name.startswith(".") and name[-4:] != ".pyc" and file.is_file() and not ignored(str(inside / name)):
                yield (inside / name).as_posix()


def _travels(folder: Path) -> bool:
    return not (folder.name.startswith(".") or folder.name in _LEFT or (folder / "pyvenv.cfg").exists())


def _ignored(root: Path) -> Callable[[str], bool]:
    try:
        lines = (root / IGNORE_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return lambda _path: False
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines).match_file


def _check_size(files: Mapping[str, Path], root: Path) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if sum(sizes.values()) <= MOST_BYTES:
        return
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:3]
    told = ", ".join(f"{name} ({sizes[name] / 1e6:,.0f} MB)" for name in largest)
    raise UsageError(
        f"The files of {root}, which go along with the run, have {sum(sizes.values()) / 1e6:,.0f} MB together, "
        f"{MOST_BYTES / 1e6:,.0f} are allowed. The largest: {told}.",
        f"Leave out what no step reads: echo {largest[0]!r} >> {root / IGNORE_FILE}",
    )


def _compressed(data: bytes) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _path(address: str) -> str:
    return f"code/{address}.tar.zst"
