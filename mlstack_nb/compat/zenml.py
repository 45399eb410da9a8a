"""ZenML's import paths: after `import mlstack_nb.compat.zenml`, `from zenml import step` means this package's.

The import is the switch, for this process and those that it starts. Modules of the name `zenml` are then made here,
whether or not ZenML is installed; what they have is in `zenml_names`, and nothing of it is imported before it is asked
for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from mlstack_nb.compat import VARIABLE
from mlstack_nb.compat.zenml_names import MISSING, MODULES
from mlstack_nb.errors import ConflictError, nearest
from mlstack_nb.ports.registry import load_target

ROOT = "zenml"
_PACKAGES = {".".join(name.split(".")[:depth]) for name in MODULES for depth in range(1, name.count(".") + 2)}


class _Finder(MetaPathFinder, Loader):
    """Finds and makes the modules of `MODULES`, and the packages above them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises ImportError for a module of ZenML's that is not among them: the real one is not to step in."""
        if fullname.partition(".")[0] != ROOT:
            return None
        if fullname not in _PACKAGES:
            raise ImportError(_none(fullname), name=fullname)
        return ModuleSpec(fullname, self, origin=__file__, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = __file__


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        """`from zenml import NAME` then asks the finder for a module of that name, which tells what is wrong."""
        target = MODULES.get(self.__name__, {}).get(name)
        if target is None:
            raise AttributeError(_none(f"{self.__name__}.{name}"))
        found = load_target(target)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *MODULES.get(self.__name__, {})})


def _none(path: str) -> str:
    """Why there is nothing under `path`, and what to do instead."""
    if reason := MISSING.get(path):
        return f"There is no {path} here.\n  -> {reason}"
    above, _, name = path.rpartition(".")
    known = {*MODULES.get(above, {}), *(one.rpartition(".")[2] for one in _PACKAGES if one.rpartition(".")[0] == above)}
    near = nearest(name, known)
    hint = f"Did you mean {above}.{near}?" if near else "docs/zenml.md lists what there is, and what to do instead."
    return f"There is no {path} here.\n  -> {hint}"


def install() -> None:
    """Raises ConflictError when the real ZenML is imported already."""
    there = sys.modules.get(ROOT)
    if there is not None and not isinstance(there, _Module):
        raise ConflictError(
            "ZenML itself is imported already.", "Import mlstack_nb.compat.zenml before anything of zenml."
        )
    os.environ[VARIABLE] = ROOT  # for the processes that steps run in
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


install()
