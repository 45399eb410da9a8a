"""Which installed distribution a module comes from, and its version, read from the folders on `sys.path`.

Reads no more than file names where an import's name is its distribution's name, and imports nothing for it.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field

_INFO = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info$")
# where the two names differ, and are asked for most; checked against what is installed like any other guess
_USUAL = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def installed_by(module: str) -> str:
    """What to install for a module that is missing: as it is called itself, where nothing else is known."""
    top = module.partition(".")[0]
    return _USUAL.get(top, top)


@dataclass(frozen=True, slots=True)
class Distribution:
    """`name` as normalised for comparison (`scikit-learn`)."""

    name: str
    version: str
    place: str = field(repr=False)
    """Its `.dist-info` folder: a text, because hundreds of these are made when a folder is listed."""


class Installed:
    """What is installed at one moment. The same object as long as nothing changed."""

    def __init__(self, folders: tuple[_Folder, ...]) -> None:
        self.folders = folders
        self._known: dict[str, Distribution | None] = {}

    def distribution_of(self, module: str) -> Distribution | None:
        """The distribution that provides `module` (dotted; names below it may follow), or None.

        Of several that share a namespace (`google.cloud`), the one with the longest part of the name.
        """
        if module not in self._known:
            self._known[module] = self._named_like(module) or self._owning(module)
        return self._known[module]

    def _named_like(self, module: str) -> Distribution | None:
        top = module.partition(".")[0]
        for name in (normalised(top), normalised(_USUAL.get(top, top))):
            for folder in self.folders:
                if found := folder.installed.get(name):
                    return found
        return None

    def _owning(self, module: str) -> Distribution | None:
        return next((found for folder in self.folders if (found := _owner(folder, module))), None)


@dataclass(slots=True, eq=False)
class _Folder:
    """The distributions listed in one folder of `sys.path`, as of one modification time."""

    modified: int
    installed: dict[str, Distribution]


_folders: dict[str, _Folder] = {}
_now = Installed(())


def installed() -> Installed:
    """What is installed now: one `stat` per entry of `sys.path`, and a listing of those that changed."""
    global _now
    folders = tuple(folder for entry in sys.path if (folder := _folder(entry)))
    if folders != _now.folders:
        _now = Installed(folders)
    return _now


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _folder(entry: str) -> _Folder | None:
    try:
        modified = os.stat(entry or ".").st_mtime_ns
    except OSError:
        return None
    known = _folders.get(entry)
    if known is None or known.modified != modified:
        known = _folders[entry] = _Folder(modified, _listed(entry or "."))
    return known


def _listed(entry: str) -> dict[str, Distribution]:
    try:
        names = os.listdir(entry)
    except OSError:  # a zip file, or no permission: nothing to list
        return {}
    found = {}
    for info in names:
        if info.endswith("-info") and (match := _INFO.match(info)):
            name = normalised(match["name"])
            found[name] = Distribution(name, match["version"], f"{entry}/{info}")
    return found


def _owner(folder: _Folder, module: str) -> Distribution | None:
    """Read the lists of files: the owner of the longest leading part of `module`."""
    parts = module.split(".")
    prefixes = ["/".join(parts[:count]).encode() for count in range(len(parts), 0, -1)]
    best, found = len(prefixes), None
    for distribution in folder.installed.values():
        files = b"\n" + _read(f"{distribution.place}/RECORD")
        if files == b"\n":
            tops = _read(f"{distribution.place}/top_level.txt").split()
            files = b"".join(b"\n" + top + b"/" for top in tops)
        for rank, prefix in enumerate(prefixes[:best]):
            if any(b"\n" + prefix + ending in files for ending in (b"/", b".py,", b".so,", b".cpython-", b".abi3.")):
                best, found = rank, distribution
                break
        if best == 0:
            break
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
