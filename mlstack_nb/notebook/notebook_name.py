"""What a pipeline is called before anybody names it: as its notebook's file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from mlstack_nb.app.names import check_name
from mlstack_nb.errors import UsageError

UNNAMED = "notebook"


def notebook_name(namespace: Mapping[str, Any]) -> str:
    """The file name without its ending, where the front end tells the kernel; a console has none."""
    # VS Code binds a name in the kernel; Jupyter's server gives its kernels a variable, a shared document's with `RTC:`
    told = namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    path = PurePath(str(told))
    name = path.stem.removeprefix("RTC:")
    if path.suffix != ".ipynb":
        return UNNAMED
    try:
        check_name("pipeline", name)
    except UsageError:
        return UNNAMED
    return name
