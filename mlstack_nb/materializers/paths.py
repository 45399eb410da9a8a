"""Files and folders: a step that returns a `Path` returns what is there, not the place."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.errors import MaterializerError
from mlstack_nb.materializers.files import damaged, stored
from mlstack_nb.materializers.previews import shortened
from mlstack_nb.ports.materializer import BaseMaterializer

_PREVIEW_NAMES = 20


class PathMaterializer(BaseMaterializer):
    """Content, names and the executable bit come back, as a copy of the process's own that lasts until it exits.

    Links inside a folder stay links; a link that leads out of it becomes a copy of the file it leads to. What is
    neither file, folder nor link is refused, and so is a path where nothing is.
    """

    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: Any) -> None:
        root = _resolved(data)
        contents = _Contents(root.name)
        content = self.folder / "content"
        content.mkdir()
        if root.is_dir():
            contents.is_folder = True
            if self.folder.resolve().is_relative_to(root):
                raise MaterializerError(f"The folder {data} holds the store itself.", "Return a folder below it.")
            _copy_folder(root, content, contents)
        else:
            _copy_file(root, content / "file", "file", contents)
        (self.folder / "path.json").write_text(json.dumps(contents.to_json()), encoding="utf-8")

    def load(self, data_type: type[Any]) -> Any:
        path = stored(self.folder, "path.json")
        try:
            contents = _Contents.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(path, error) from error
        target = Path(tempfile.mkdtemp(dir=_own_folder())) / contents.name
        if contents.is_folder:
            _restore_folder(self.folder, target, contents)
        else:
            shutil.copyfile(stored(self.folder, "content/file"), target)
            target.chmod(0o755 if contents.executables else 0o644)
        return target

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        if data.is_dir():
            return {"name": data.resolve().name, "files": sum(len(files) for _, _, files in os.walk(data))}
        return {"name": data.resolve().name, "bytes": data.stat().st_size}

    def preview(self, data: Any) -> dict[str, str]:
        if not data.is_dir():
            return {"text/plain": f"file {data.name}"}
        names = sorted(entry.name for entry in data.iterdir())
        return {"text/plain": f"folder {data.name} with {len(names)} entries: {shortened(names[:_PREVIEW_NAMES])}"}


@dataclass(slots=True)
class _Contents:
    """What the copied files alone do not say. Paths are relative, with `/`."""

    name: str
    is_folder: bool = False
    files: int = 0
    executables: list[str] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "is_folder": self.is_folder,
            "files": self.files,
            "executables": sorted(self.executables),
            "empty_folders": sorted(self.empty_folders),
            "links": dict(sorted(self.links.items())),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> _Contents:
        """Raises ValueError for paths that would lead out of the folder they are restored to."""
        contents = cls(**document)
        for relative in (contents.name, *contents.executables, *contents.empty_folders, *contents.links):
            path = PurePosixPath(relative)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"it names the unsafe path {relative!r}")
        if len(PurePosixPath(contents.name).parts) != 1:
            raise ValueError(f"it names the unsafe path {contents.name!r}")
        return contents


def _resolved(path: Any) -> Path:
    try:
        root = Path(path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise MaterializerError(
            f"The step returned the path {str(path)!r}, where nothing can be read: {error}.",
            "Write the file before the step ends, or return str(path) if the name alone is meant.",
        ) from error
    if not root.name:
        raise MaterializerError(f"The path {str(path)!r} is the whole file system.", "Return a folder below it.")
    return root


def _copy_folder(root: Path, content: Path, contents: _Contents) -> None:
    for here, folders, files in os.walk(root):
        entries = sorted(folders + files)
        relative_here = Path(here).relative_to(root)
        if not entries:
            contents.empty_folders.append(relative_here.as_posix())
        for name in entries:
            source, relative = Path(here, name), relative_here / name
            if source.is_symlink():
                _copy_link(source, root, content / relative, relative, contents)
            elif source.is_dir():
                (content / relative).mkdir()
            else:
                _copy_file(source, content / relative, relative.as_posix(), contents)


def _copy_link(source: Path, root: Path, target: Path, relative: Path, contents: _Contents) -> None:
    leads_to = _resolved(source)
    if leads_to.is_relative_to(root):
        inside = os.path.relpath(leads_to, source.parent.resolve())
        contents.links[relative.as_posix()] = Path(inside).as_posix()
    elif leads_to.is_dir():
        raise MaterializerError(
            f"The link {str(source)!r} leads to a folder outside of the one that the step returned.",
            "Copy that folder to where the link is, or remove the link.",
        )
    else:
        _copy_file(leads_to, target, relative.as_posix(), contents)


def _copy_file(source: Path, target: Path, relative: str, contents: _Contents) -> None:
    mode = source.stat().st_mode
    if not stat.S_ISREG(mode):
        raise MaterializerError(
            f"{str(source)!r} is neither a file nor a folder.", "Remove it from what the step returns."
        )
    shutil.copyfile(source, target)
    contents.files += 1
    if mode & stat.S_IXUSR:
        contents.executables.append(relative)


def _restore_folder(folder: Path, target: Path, contents: _Contents) -> None:
    if contents.files:  # a store need not know folders that hold no file
        shutil.copytree(stored(folder, "content"), target, copy_function=shutil.copyfile)
    target.mkdir(exist_ok=True)
    for here, _, files in os.walk(target):
        Path(here).chmod(0o755)
        for name in files:
            Path(here, name).chmod(0o644)
    for relative in contents.empty_folders:
        (target / relative).mkdir(parents=True, exist_ok=True)
    for relative in contents.executables:
        (target / relative).chmod(0o755)
    for relative, leads_to in contents.links.items():
        link = target / relative
        link.parent.mkdir(parents=True, exist_ok=True)
        if not Path(os.path.normpath(link.parent / leads_to)).is_relative_to(target):
            raise damaged(folder, ValueError(f"the link {relative!r} leads out of it"))
        link.symlink_to(leads_to)


@cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mlstack-paths-"))
    atexit.register(_remove_in, os.getpid(), folder)
    return folder


def _remove_in(process: int, folder: Path) -> None:
    """A forked child inherits the exit handler; only the process that made the folder removes it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
