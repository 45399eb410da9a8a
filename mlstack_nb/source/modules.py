"""Where a module's source is, found without importing it or its parents."""

from __future__ import annotations

import ast
import os
import sys
from enum import StrEnum
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, NamedTuple

OWN_PACKAGES = frozenset({"mlstack_nb", "zenml"})
_INSTALLED = ("site-packages", "dist-packages")


class Origin(StrEnum):
    """Whose code a module is. Only a project's own code is followed; ours and the standard library's are trusted."""

    PROJECT = "project"
    PACKAGE = "package"
    STDLIB = "stdlib"
    OWN = "own"
    MISSING = "missing"


class Module(NamedTuple):
    """`path` is the file, None for a namespace package; `folders` are where a package's modules are."""

    name: str
    origin: Origin
    path: str | None = None
    folders: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """What the module's relative imports start from."""
        return self.name if self.folders else self.name.rpartition(".")[0]


_located: dict[tuple[str, tuple[str, ...]], Module] = {}


def locate(name: str) -> Module:
    """Find a module by its dotted name; `MISSING` when there is none. Later calls cost a dictionary look-up."""
    key = name, (*sys.path, os.getcwd()) if "" in sys.path else tuple(sys.path)
    known = _located.get(key)
    if known is None or (known.path is not None and known.origin is Origin.PROJECT and not os.path.exists(known.path)):
        known = _locate(name)
        if known.origin is not Origin.MISSING:  # it may appear
            _located[key] = known
    return known


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The absolute name of the module that `from ...` names, as seen from `package`."""
    if not node.level:
        return node.module or ""
    base = package.split(".")
    base = base[: len(base) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def is_installed(path: str) -> bool:
    """Whether a file belongs to a package or to Python rather than to the project."""
    parts = path.replace("\\", "/").split("/")
    return any(part in _INSTALLED for part in parts) or path.startswith(_stdlib_folder())


def _locate(name: str) -> Module:
    top = name.partition(".")[0]
    if top in OWN_PACKAGES:
        return Module(name, Origin.OWN)
    if top in sys.builtin_module_names or top in ("importlib", "zipimport", "__main__"):
        return Module(name, Origin.STDLIB)
    spec = _loaded_spec(name) or _spec(name)
    if spec is None:
        return Module(name, Origin.STDLIB if top in sys.stdlib_module_names else Origin.MISSING)
    path = spec.origin if spec.has_location else None
    folders = tuple(spec.submodule_search_locations or ())
    where = path or next(iter(folders), "")
    if spec.origin == "frozen" or (where.startswith(_stdlib_folder()) and not _is_in_packages(where)):
        return Module(name, Origin.STDLIB)
    return Module(
        name, Origin.PACKAGE if is_installed(where) else Origin.PROJECT, path and os.path.abspath(path), folders
    )


def _loaded_spec(name: str) -> ModuleSpec | None:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec if isinstance(spec, ModuleSpec) else None


def _spec(name: str) -> ModuleSpec | None:
    parent, _, _ = name.rpartition(".")
    if parent:
        outer = locate(parent)
        return _spec_below(name, outer.folders) if outer.folders else None
    for finder in sys.meta_path:  # editable installs have finders of their own
        find: Any = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, None)) is not None:
            return spec  # type: ignore[no-any-return]
    return None


def _spec_below(name: str, folders: tuple[str, ...]) -> ModuleSpec | None:
    try:
        return PathFinder.find_spec(name, list(folders))
    except KeyError:  # a folder without __init__ in a package that is not loaded, of which Python asks for the parent
        spec = ModuleSpec(name, None, is_package=True)
        leaf = name.rpartition(".")[2]
        spec.submodule_search_locations = [path for folder in folders if os.path.isdir(path := f"{folder}/{leaf}")]
        return spec


def _is_in_packages(path: str) -> bool:
    return any(f"/{folder}/" in path.replace("\\", "/") for folder in _INSTALLED)


def _stdlib_folder() -> str:
    return os.path.dirname(os.__file__) + os.sep
