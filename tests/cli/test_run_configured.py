"""`mlstack run --config`: options and parameters of a run in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

MODULE = """
from mlstack_nb import pipeline, step


@step
def load(rows: int = 3) -> int:
    return rows


@pipeline
def training(rows: int = 1) -> None:
    load(rows)
"""
NOTEBOOK = ["rows = 3", "%%step load -> loaded\nloaded = rows + 1"]
CONFIGURED = (
    "run_name: filed_{date}\nparameters: {rows: 7}\nsteps: {load: {enable_cache: false, retry: {max_retries: 2}}}"
)


@pytest.fixture
def target(workspace: Path, request: pytest.FixtureRequest) -> str:
    assert workspace
    Path("run.yaml").write_text(CONFIGURED)
    if request.param == "module":
        Path("configured_module.py").write_text(MODULE)
        return "configured_module.py"
    cells = [
        {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{at}"}
        for at, text in enumerate(NOTEBOOK)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    Path("configured.ipynb").write_text(json.dumps(document))
    return "configured.ipynb"


@pytest.mark.parametrize("target", ["module", "notebook"], indirect=True)
def test_a_file_configures_the_run_and_what_is_typed_goes_before_it(mlstack: Any, target: str) -> None:
    for words, rows in (([], "7"), (["-p", "rows=9"], "9")):
        done = mlstack("run", target, "--config", "run.yaml", "--json", *words)
        assert done.code == 0, done.err
        assert done.json["name"].startswith("filed_20")
        shown = mlstack("runs", "show", done.json["id"], "--json").json
        (one,) = shown["steps"]
        assert (one["parameters"]["rows"], one["state"]) == (rows, "completed")


@pytest.mark.parametrize("target", ["module"], indirect=True)
def test_a_run_is_resumed_as_it_was_configured(mlstack: Any, target: str) -> None:
    first = mlstack("run", target, "-c", "run.yaml", "--json").json
    Path("run.yaml").write_text("parameters: {rows: 8}")
    again = mlstack("resume", first["id"], "--json")
    assert again.code == 0, again.err
    assert mlstack("runs", "show", "last", "--json").json["steps"][0]["parameters"]["rows"] == "7"


@pytest.mark.parametrize("target", ["notebook"], indirect=True)
def test_a_cell_takes_no_parameters_of_its_own(mlstack: Any, target: str) -> None:
    Path("run.yaml").write_text("steps: {load: {parameters: {rows: 8}}}")
    done = mlstack("run", target, "-c", "run.yaml")
    assert done.code != 0
    assert "gives step 'load' the parameter 'rows', but the step is a cell" in done.err


PRINTING = """
from mlstack_nb import pipeline, step


@step
def loud() -> int:
    print("said aloud")
    return 1


@step(enable_step_logs=False)
def silent(number: int) -> int:
    print("-".join(["said", "in", "passing"]))
    return number


@pipeline
def talking() -> None:
    silent(loud())
"""


def test_what_a_step_prints_is_shown_and_kept_only_where_that_is_wanted(mlstack: Any, workspace: Path) -> None:
    Path("talking_module.py").write_text(PRINTING)
    done = mlstack("run", "talking_module.py")
    assert "said aloud" in done.err and "said-in-passing" in done.err
    assert "said aloud" in mlstack("runs", "logs", "last", "loud").out
    assert mlstack("runs", "logs", "last", "silent").out == ""
    kept = [path for path in workspace.rglob("*") if path.is_file() and b"said-in-passing" in path.read_bytes()]
    assert kept == []
