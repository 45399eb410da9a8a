"""Notebook documents: JSON outside, nbformat's nodes for papermill."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

FORMAT = 4


def check_format(document: Mapping[str, Any]) -> None:
    """Raises UsageError for what is not a notebook of format 4."""
    version = document.get("nbformat")
    if version != FORMAT or not isinstance(document.get("cells"), list):
        what = f"a notebook of format {version}" if isinstance(version, int) and version != FORMAT else "no notebook"
        raise UsageError(
            f"This is {what}; notebooks of format {FORMAT} can be executed.",
            "Convert it: `jupyter nbconvert --to notebook --inplace FILE.ipynb`.",
        )


def node(document: Mapping[str, Any], kernel: str, spec: KernelSpec) -> Any:
    """A copy for papermill to execute in that kernel: an nbformat node. Cells from before format 4.5 are given ids."""
    cells = [{"metadata": {}, **cell} for cell in document["cells"]]
    notebook = _to_notebook({"metadata": {}, "nbformat_minor": 0, **document, "cells": cells})
    for cell in notebook.cells:
        if notebook.nbformat_minor < 5:
            cell.setdefault("id", secrets.token_hex(4))
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    notebook.metadata.setdefault("papermill", to_node({}))
    named = {"name": kernel, "display_name": spec.display_name, "language": spec.language}
    notebook.metadata["kernelspec"] = to_node(named)
    return notebook


def text(document: Mapping[str, Any]) -> str:
    """The JSON of an .ipynb file, as Jupyter lays it out."""
    from nbformat.v4 import nbjson

    write: Any = nbjson.writes
    return f"{write(to_node(document))}\n"


def plain(value: Any) -> Any:
    """Nodes as dictionaries."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def _to_notebook(document: Mapping[str, Any]) -> Any:
    from nbformat.v4 import nbjson

    read: Any = nbjson.to_notebook
    return read(document)


def to_node(value: Mapping[str, Any]) -> Any:
    """The JSON object as nbformat and papermill want it, with its keys as attributes."""
    import nbformat

    convert: Any = nbformat.from_dict
    return convert(value)
