"""A copy of a notebook runs where the notebook stands, and comes back with its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app.notebooks.filled import filled_notebook
from mlstack_nb.app.request import Request
from mlstack_nb.app.snapshots import prepare_snapshot
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture
def run(workspace: Path) -> Any:
    """Runs a copy, which stands in another folder, of `train.ipynb`, which is not there; the run and the notebook."""

    def run(*cells: Any, given: dict[str, str] | None = None) -> Any:
        made = nbformat.v4.new_notebook(cells=list(cells), metadata=KERNEL)
        copy = workspace / "copies" / "other.ipynb"
        copy.parent.mkdir(exist_ok=True)
        nbformat.write(made, copy)
        request = Request(str(workspace.parent / "train.ipynb"), texts=given or {})
        launch, compiled = prepare_snapshot(request, copy)
        ended, _ = launch.run(lambda _event: None, lambda _step, _text: None)
        assert (ended.pipeline, launch.documents[Path(request.target)]) == ("train", copy.read_bytes())
        shown = filled_notebook(copy.read_bytes(), compiled, ended, workspace=Workspace(workspace), given=given or {})
        found = nbformat.reads(shown.decode(), as_version=4)
        nbformat.validate(found)
        return ended, found

    return run


def code(text: str, *tags: str) -> Any:
    return nbformat.v4.new_code_cell(text, metadata={"tags": list(tags)} if tags else {})


def said(cell: Any) -> str:
    return json.dumps(cell.get("outputs", []))


def test_each_cell_of_a_step_has_its_own_outputs_below_a_note(run: Any, workspace: Path) -> None:
    (workspace.parent / "beside.txt").write_text("from beside")
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        code("depth = 3", "parameters"),
        code("text = open('beside.txt').read()\nprint(text, depth)", "step:load"),
        code("depth + 1", "step:load"),
        code("%%step count\nprint(len(text))"),
    ]
    ended, found = run(*cells, given={"depth": "7"})
    note, *rest = found.cells
    assert f"Run `{ended.id}` of pipeline `train` on stack `default`: **completed**, with `depth = 7`" in note.source
    assert [cell.source for cell in rest] == [cell.source for cell in cells]
    assert said(rest[1]) == "[]"
    assert "from beside 7" in said(rest[2]) and "from beside 7" not in said(rest[3])
    assert '"text/plain": "8"' in said(rest[3])
    assert "11" in said(rest[4])


def test_a_step_without_a_notebook_of_its_own_shows_what_is_recorded(run: Any, workspace: Path) -> None:
    cells = [code("%%step load -> x\nprint('loading')\nx = 1"), code("%%step use\nprint('using', x)")]
    run(*cells)
    for left in workspace.rglob("steps/load.ipynb"):
        left.unlink()
    ended, found = run(*cells)
    assert [step.state for step in ended.steps] == [State.CACHED, State.CACHED]
    assert "loading" in said(found.cells[1]) and "using 1" in said(found.cells[2])


def test_what_failed_before_a_step_began_stands_at_the_step(run: Any) -> None:
    cells = [code("table = open('nowhere.txt').read()"), code("%%step use\nprint(table)")]
    ended, found = run(*cells)
    assert ended.state is State.FAILED
    assert "FileNotFoundError" in said(found.cells[2]) and said(found.cells[1]) == "[]"
    assert "| use | failed |" in found.cells[0].source
