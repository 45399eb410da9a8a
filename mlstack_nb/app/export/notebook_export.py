"""Exporting a notebook: read, compiled, written as a module, formatted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.app.export.annotations import Recorded, recorded_types
from mlstack_nb.app.export.formatting import formatted
from mlstack_nb.app.export.module import Module, module_of
from mlstack_nb.app.notebooks.analysis import Analysis, importing_from
from mlstack_nb.app.notebooks.cells import sort_cells
from mlstack_nb.app.notebooks.compile import compile_notebook
from mlstack_nb.source.notebook_file import read_notebook

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace


def export_module(path: str, *, workspace: Workspace | None = None, target: Path | None = None) -> Module:
    """The notebook at `path` as a module, formatted for the place `target`; types that it does not write are those
    that the runs in `workspace` recorded.

    Nothing is executed. Raises what compiling raises, and UsageError naming the cell of what has no place in a module.
    """
    notebook = compile_notebook(path)
    recorded: Recorded = recorded_types(notebook, workspace.catalog) if workspace is not None else {}
    source = read_notebook(path)
    with importing_from(source.folder):
        analysis = Analysis.of(sort_cells(source), source.folder)
        module = module_of(notebook, analysis, recorded)
    return replace(module, text=formatted(module.text, target))
