"""Executed notebooks of steps that come from the cache: whole, valid, and without reading anything that is not read."""

from __future__ import annotations

from typing import Any

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from mlstack_nb.notebook.badge import MIME

START = "%load_ext mlstack_nb\nimport numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt"
STEPS = [
    "%%step load -> table\nprint('loading')\ntable = pd.DataFrame({'a': np.arange(1000.0)})\ntable.head(2)",
    "%%step plot -> values\nplt.plot(table['a'])\nvalues = table['a'].to_numpy()",
    "%%step total -> total\nprint('adding')\ntotal = np.array([values.sum()] * 9)\ntotal[0]",
]
# `os.walk` and `open`, which reading an object begins with, each tell of what they open
WATCH = """
import sys

opened = []

def watch(event, arguments):
    if event in ("open", "os.scandir") and "objects" in str(arguments[0]):
        opened.append(str(arguments[0]))

sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of a notebook that papermill executed twice in one project."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".mlstack").mkdir()
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in (START, *STEPS)], metadata=metadata)
    nbformat.write(notebook, folder / "notebook.ipynb")
    made = []
    for name in ("first.ipynb", "second.ipynb"):
        papermill.execute_notebook(
            str(folder / "notebook.ipynb"), str(folder / name), cwd=str(folder), progress_bar=False
        )
        made.append(nbformat.read(folder / name, as_version=4))
    return made


def states(notebook: Any) -> list[str]:
    return [cell.outputs[-1].data[MIME]["state"] for cell in notebook.cells[1:]]


def contents(notebook: Any) -> list[list[Any]]:
    """What each step's cell shows above its badge: the text of streams, the forms of displays."""
    return [[one.get("text") or one.data for one in cell.outputs[:-1]] for cell in notebook.cells[1:]]


def test_a_notebook_executed_again_shows_what_it_showed(executed: list[Any]) -> None:
    first, second = executed
    assert (states(first), states(second)) == (["completed"] * 3, ["cached"] * 3)
    assert contents(second) == contents(first)
    assert contents(second)[0][0] == "loading\n"
    assert set(contents(second)[1][0]) == {"image/png", "text/plain"}


def test_it_is_a_valid_notebook_whose_replays_are_marked(executed: list[Any]) -> None:
    _, second = executed
    nbformat.validate(second)
    for cell in second.cells[1:]:
        assert cell.outputs[-1].data[MIME]["replayed"]
        shown = [output for output in cell.outputs[:-1] if output.output_type != "stream"]
        assert [output.metadata["mlstack"] for output in shown] == [{"replayed": True}]


def test_nothing_of_an_object_is_opened_before_its_name_is_read(kernel: Any, second: Any) -> None:
    for cell in (START, *STEPS):
        assert kernel.run(cell).status == "ok"
    for cell in (START, WATCH):
        assert second.run(cell).status == "ok"
    assert [second.run(cell).state for cell in (*STEPS, *STEPS)] == ["cached"] * 6
    for line in ("%pipeline run", "%pipeline status", "%pipeline", "%pipeline why total"):
        assert second.run(line).status == "ok"
    assert second.run("len(opened)").result["text/plain"] == "0"
    assert second.run("float(total[0])").result["text/plain"] == "499500.0"
    assert second.run("len({path.split('objects')[1][:30] for path in opened})").result["text/plain"] == "1"


def test_a_step_that_runs_anew_reads_its_own_inputs_only(kernel: Any) -> None:
    for cell in (START, *STEPS):
        kernel.run(cell)
    third = kernel.another()
    try:
        for cell in ("%load_ext mlstack_nb", START, WATCH, *STEPS[:2]):
            assert third.run(cell).status == "ok"
        assert third.run("%%step mean -> mean\nmean = values.mean()\nmean").state == "completed"
        read = third.run("len({path.split('objects')[1][:30] for path in opened})").result["text/plain"]
        assert read == "1"
    finally:
        third.close()
