"""Notebooks in the store by papermill's own command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mlstack_nb.app.notebooks.papermill_files import StoreNotebooks
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.errors import NotFoundError, UsageError


def test_papermill_reads_and_writes_notebooks_in_the_store(workspace: Path) -> None:
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    made.cells = [
        nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print('n is', n)"),
    ]
    StoreNotebooks.write(nbformat.writes(made), "mlstack://mine/count.ipynb")
    command = [
        sys.executable,
        "-m",
        "papermill",
        "mlstack://mine/count.ipynb",
        "mlstack://mine/out.ipynb",
        "-p",
        "n",
        "5",
    ]
    subprocess.run([*command, "--engine", "mlstack"], check=True, capture_output=True)
    out = nbformat.reads(StoreNotebooks.read("mlstack://mine/out.ipynb"), as_version=4)
    assert out.cells[-1].outputs[0].text == "n is 5\n"
    assert StoreNotebooks.listdir("mlstack://mine/") == ["count.ipynb", "out.ipynb"]


def test_the_notebooks_of_runs_are_read_and_never_written(workspace: Path) -> None:
    store = Runtime.current(workspace=Workspace(workspace)).engine.store
    store.put_notebook("run-1", "train", b"{}")
    assert StoreNotebooks.read("mlstack://runs/run-1/steps/train.ipynb") == "{}"
    with pytest.raises(UsageError, match="is the record of a run"):
        StoreNotebooks.write("{}", "mlstack://runs/run-1/steps/train.ipynb")


@pytest.mark.parametrize(
    "path", ["mlstack://", "mlstack:///etc/passwd", "mlstack://../catalog.db", "mlstack://a/../../b"]
)
def test_no_path_leads_out_of_the_store(workspace: Path, path: str) -> None:
    with pytest.raises(UsageError, match="names no notebook in the store"):
        StoreNotebooks.read(path)


def test_a_notebook_that_is_not_there_is_named(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no notebook mlstack://gone\.ipynb"):
        StoreNotebooks.read("mlstack://gone.ipynb")
