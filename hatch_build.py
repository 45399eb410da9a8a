"""Puts the JupyterLab extension and the browser's part of the widget into the wheel.

What is built already is used; else it is built where npm is; else the wheel goes without it, and says so. The variable
MLSTACK_NB_LABEXTENSION changes that: `require` fails instead of going without, `none` leaves the extension out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "mlstack_nb/labextension"
WIDGET = "mlstack_nb/notebook/widget/built/widget.js"
SHARED = "share/jupyter/labextensions/mlstack-nb"
VARIABLE = "MLSTACK_NB_LABEXTENSION"
MODES = ("auto", "require", "none")


class LabExtensionHook(BuildHookInterface[Any]):
    """Runs for wheels and source archives."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        mode = os.environ.get(VARIABLE, "auto")
        if mode not in MODES:
            raise ValueError(f"{VARIABLE}={mode} is not known. Set it to one of: {', '.join(MODES)}.")
        if mode == "none":
            return
        root = Path(self.root)
        if not is_built(root):
            self._build(root, is_required=mode == "require")
        if self.target_name == "wheel" and is_built(root):
            build_data["shared_data"][BUILT] = SHARED
            build_data["shared_data"]["labextension/install.json"] = f"{SHARED}/install.json"
            build_data["force_include"][WIDGET] = WIDGET

    def _build(self, root: Path, *, is_required: bool) -> None:
        npm = shutil.which("npm") if shutil.which("node") else None
        if npm is not None:
            if not (root / "node_modules").is_dir():
                subprocess.run([npm, "ci"], cwd=root, check=True)
            subprocess.run([npm, "run", "build"], cwd=root, check=True)
            return
        missing = "The JupyterLab extension is not built, and there is no npm to build it with."
        if is_required:
            raise RuntimeError(f"{missing} Install Node.js 20 or newer.")
        self.app.display_warning(f"{missing} Going without it; `mlstack doctor` will say so.")


def is_built(root: Path) -> bool:
    return (root / BUILT / "package.json").is_file() and (root / WIDGET).is_file()
