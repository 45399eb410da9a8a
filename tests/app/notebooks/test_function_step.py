"""Debugging a step that is a function of a module."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request
from mlstack_nb.app.notebooks.executed import debug_notebook
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State

FLOW = """
import os
from pathlib import Path

import pandas as pd

from mlstack_nb import pipeline, step


@step
def load(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame({"a": range(rows)})


@step(environment={"MODE": "fast"})
def train(table: pd.DataFrame, where: Path, depth: float) -> float:
    raise ValueError(f"can not fit {len(table)} rows of {where} {depth} deep, {os.environ['MODE']}")


@step
async def count(table: pd.DataFrame) -> int:
    return len(table)


@pipeline
def flow(rows: int = 3):
    table = load(rows)
    train(table, Path("data"), depth=rows / 2)
    count(table)
"""
_numbers = itertools.count()


@pytest.fixture
def module(workspace: Path) -> str:
    name = f"flow_of_test_{os.getpid()}_{next(_numbers)}"  # modules stay imported
    (workspace.parent / f"{name}.py").write_text(FLOW)
    return f"{name}.py"


def run(module: str, **options: Any) -> Any:
    launch = prepare(Request(f"{module}:flow", **options))
    return launch.run(lambda _event: None, lambda _step, _text: None)[0]


def executed(workspace: Path, run_id: str, step: str) -> Any:
    notebook = nbformat.reads(debug_notebook(Workspace(workspace), run_id, step).decode(), as_version=4)
    nbformat.validate(notebook)
    client = NotebookClient(notebook, timeout=60)
    client.execute()
    return client.nb


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_failed_function_fails_again_with_the_same_arguments(workspace: Path, module: str, isolation: str) -> None:
    found = run(module, texts={"rows": "5"}, isolation=isolation)
    assert found.state is State.FAILED
    with pytest.raises(CellExecutionError) as raised:
        executed(workspace, found.id, "train")
    assert raised.value.evalue == "can not fit 5 rows of data 2.5 deep, fast"


def test_a_function_that_ended_well_gives_its_result_again(workspace: Path, module: str) -> None:
    found = run(module)
    assert [output.data["text/plain"] for output in executed(workspace, found.id, "count").cells[-1].outputs] == ["3"]


def test_a_function_edited_since_is_said(workspace: Path, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(module)
    path = workspace.parent / module
    path.write_text(path.read_text().replace("can not fit", "could not fit"))
    monkeypatch.delitem(__import__("sys").modules, path.stem)
    notebook = nbformat.reads(debug_notebook(Workspace(workspace), found.id, "train").decode(), as_version=4)
    assert "edited since the step ran" in notebook.cells[0].source
