"""`display` of step functions, outside and inside a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CODE = "from mlstack_nb import display\ndisplay('a', None, [1])"


def test_outside_a_notebook_values_are_printed_and_none_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == "'a'\n[1]\n"


def test_in_a_notebook_they_are_displayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = nbformat.v4.new_code_cell(CODE)
    NotebookClient(nbformat.v4.new_notebook(cells=[cell]), resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [output["output_type"] for output in cell.outputs] == ["display_data", "display_data"]
