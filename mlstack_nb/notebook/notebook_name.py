"""What a pipeline is called before anybody names it: as its notebook's file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlstack_nb.app.names import check_name
from mlstack_nb.errors import UsageError
from mlstack_nb.kernels import SESSION_VARIABLE

UNNAMED = "notebook"


def notebook_file(namespace: Mapping[str, Any]) -> Path:
    """The notebook's file, below the kernel's working directory. Raises UsageError where nobody told which it is."""
    path = _told(namespace)
    found = next((one for one in (path, Path(path.name)) if path.suffix == ".ipynb" and one.is_file()), None)
    if found is None:
        raise UsageError("The file of this notebook is not known here.", "Use its name in a shell: mlstack --help")
    return found


def _told(namespace: Mapping[str, Any]) -> Path:
    # VS Code binds a name in the kernel; Jupyter's server gives its kernels a variable, a shared document's with `RTC:`
    told = str(namespace.get("__vsc_ipynb_file__") or os.environ.get(SESSION_VARIABLE, ""))
    path = Path(told)
    return path.with_name(path.name.removeprefix("RTC:")) if path.name else path


def notebook_name(namespace: Mapping[str, Any]) -> str:
    """The file name without its ending, where the front end tells the kernel; a console has none."""
    path = _told(namespace)
    name = path.stem
    if path.suffix != ".ipynb":
        return UNNAMED
    try:
        check_name("pipeline", name)
    except UsageError:
        return UNNAMED
    return name
