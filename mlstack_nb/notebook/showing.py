"""Showing values where a step function runs, as a notebook cell does with what its last line gives."""

from __future__ import annotations

import sys
from typing import Any

_IPYTHON = "IPython.core.display_functions"


def display(*values: Any) -> None:
    """Show each value: as a notebook shows it inside one, printed elsewhere. None shows nothing."""
    notebook = sys.modules.get(_IPYTHON)  # loaded where there is a kernel, and not worth loading elsewhere
    for value in values:
        if value is None:
            continue
        if notebook is not None:
            notebook.display(value)
        else:
            print(repr(value))  # noqa: T201 - that is what it is for
