"""Other tools' import paths, so that what was written for them runs here."""

from __future__ import annotations

import importlib

from mlstack_nb.app.request import COMPAT_VARIABLE as VARIABLE
from mlstack_nb.errors import UsageError

__all__ = ["TOOLS", "VARIABLE", "switch_on"]

TOOLS = ("zenml",)


def switch_on(tool: str) -> None:
    """Let the import paths of `tool` lead here, in this process and in those that it starts.

    Raises UsageError for a tool that is not known, ConflictError where the tool itself is imported already.
    """
    if tool not in TOOLS:
        raise UsageError(f"There are no import paths of {tool!r} here.", f"Choose: {', '.join(TOOLS)}.")
    importlib.import_module(f"{__name__}.{tool}").install()  # again: it may have been imported before
