"""`panel()`: the live panel where a front end shows widgets, and the picture of it everywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import UsageError
from mlstack_nb.notebook.notebook_name import notebook_file
from mlstack_nb.notebook.tagged import request_metadata
from mlstack_nb.notebook.widget.browser_part import missing

if TYPE_CHECKING:
    from pathlib import Path

    from mlstack_nb.notebook.live import LiveNotebook
    from mlstack_nb.notebook.widget.panel import Panel
    from mlstack_nb.notebook.widget.picture import Picture

_OPEN: list[tuple[str, int, Panel]] = []
"""Id of the cell that opened a panel, number of its execution, the panel."""


def panel() -> Panel | Picture:
    """Stack, components, lineage and runs of this notebook, to be the last line of a cell.

    Live in JupyterLab, Notebook 7, VS Code and Colab. What the saved notebook shows, and an executed or converted one,
    is a picture. Raises UsageError for the workspace.
    """
    from IPython.core.getipython import get_ipython

    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.notebook.widget.picture import Picture
    from mlstack_nb.notebook.widget.shown import Shown

    shell: Any = get_ipython()
    notebook = _live_notebook(shell)
    shown = Shown(Workspace.find(), _file(shell))
    shown.session = notebook.begun if notebook is not None else None
    lives = _lives(shell)
    why_missing = missing() if lives else ""
    if not lives or why_missing:
        found = Picture(shown.look() or {}, notice=why_missing)
        shown.workspace.close()
        return found
    return _opened(shell, shown, notebook, is_in_place=lives == "in place")


def _opened(shell: Any, shown: Any, notebook: LiveNotebook | None, *, is_in_place: bool) -> Panel:
    """A new panel. Those of an earlier execution of the same cell, whose output is gone, are closed."""
    from mlstack_nb.notebook.widget.panel import Panel

    cell, count = str(request_metadata(shell).get("cellId", "")), shell.execution_count
    for entry in [entry for entry in _OPEN if cell and entry[0] == cell and entry[1] != count]:
        entry[2].close()
        _OPEN.remove(entry)
    made = Panel(shown, notebook, in_place=is_in_place)
    _OPEN.append((cell, count, made))
    return made


def _lives(shell: Any) -> str:
    """How a panel can live here: `in place` of its picture, as a `widget`, or not at all.

    JupyterLab and Notebook 7 have the outputs in the page that runs the widgets, so the panel can find its picture;
    they name the cell with each request. Who only executes a notebook (papermill, nbclient) does not.
    """
    if shell is None or not hasattr(shell, "kernel"):
        return ""
    if "google.colab" in sys.modules or "__vsc_ipynb_file__" in shell.user_ns:
        return "widget"
    return "in place" if "cellId" in request_metadata(shell) else ""


def _file(shell: Any) -> Path | None:
    try:
        return notebook_file(shell.user_ns).absolute() if shell is not None else None
    except UsageError:
        return None


def _live_notebook(shell: Any) -> LiveNotebook | None:
    """That of the magics, where they are loaded."""
    magics = shell.magics_manager.registry.get("MlstackMagics") if shell is not None else None
    return getattr(magics, "notebook", None)
