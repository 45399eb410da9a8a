"""The graph of a notebook file: which of its steps have changed since they ran. Notebooks run in real kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app.launch import prepare
from mlstack_nb.app.notebook_graph import graph_of
from mlstack_nb.app.request import Request
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.errors import NotFoundError

DEPTH = ("depth = 3", ["parameters"])
LOAD = "%%step load -> table\ntable = [1, 2, 3]"
TRAIN = "%%step train -> score\nscore = sum(table) * depth"
REPORT = "%%step report -> text\ntext = str(score)"
CELLS = (DEPTH, LOAD, TRAIN, REPORT)

Cell = str | tuple[str, list[str]]


def write(path: Path, *cells: Cell) -> Path:
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
    nbformat.write(made, path)
    return path


def run(path: Path, **values: Any) -> None:
    prepare(Request(str(path), values=values)).run(lambda _event: None, lambda _step, _text: None)


def stale(path: Path) -> list[str]:
    found = graph_of(Workspace.find(), path)
    assert found["error"] is None
    return [node["name"] for node in found["nodes"] if node["stale"]]


@pytest.fixture
def notebook(workspace: Path) -> Callable[..., Path]:
    return lambda *cells: write(workspace.parent / "train.ipynb", *cells)


def test_after_a_run_nothing_is_stale_and_an_edit_makes_stale_what_it_reaches(notebook: Any) -> None:
    path = notebook(*CELLS)
    assert stale(path) == []
    run(path)
    assert stale(path) == []
    edits: Mapping[str, tuple[tuple[Cell, ...], list[str]]] = {
        "a comment": ((DEPTH, LOAD, TRAIN + "  # more", REPORT), []),
        "the first": ((DEPTH, LOAD + " * 2", TRAIN, REPORT), ["load", "train", "report"]),
        "the second": ((DEPTH, LOAD, TRAIN + " + 1", REPORT), ["train", "report"]),
        "the last": ((DEPTH, LOAD, TRAIN, REPORT + " + '!'"), ["report"]),
        "a parameter": ((("depth = 4", ["parameters"]), LOAD, TRAIN, REPORT), ["train", "report"]),
        "a new step": ((*CELLS, "%%step more -> z\nz = text"), []),
    }
    assert {name: stale(notebook(*cells)) for name, (cells, _) in edits.items()} == {
        name: reached for name, (_, reached) in edits.items()
    }


def test_a_run_with_another_parameter_leaves_stale_what_reads_it(notebook: Any) -> None:
    path = notebook(*CELLS)
    run(path, depth=7)
    assert stale(path) == ["train", "report"]
    nodes = graph_of(Workspace.find(), path)["nodes"]
    assert [node["ran_with"] for node in nodes] == [{}, {"depth": "7"}, {}]


def test_a_failed_step_is_stale_once_it_is_mended_and_so_is_what_ran_before_behind_it(notebook: Any) -> None:
    run(notebook(*CELLS))
    bad = notebook(DEPTH, LOAD, "%%step train -> score\nscore = table / 0", REPORT)
    run(bad)
    nodes = {node["name"]: node for node in graph_of(Workspace.find(), bad)["nodes"]}
    assert {name: node["state"] for name, node in nodes.items()} == {
        "load": "cached",
        "train": "failed",
        "report": "skipped",
    }
    assert stale(bad) == []
    assert stale(notebook(*CELLS)) == ["train"]


def test_a_data_file_is_looked_for_from_the_notebooks_folder(
    notebook: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.parent / "data.csv").write_text("1")
    path = notebook(
        "from pathlib import Path\nplace = Path('data.csv')", "%%step load -> text\ntext = place.read_text()", "1"
    )
    run(path)
    (workspace.parent / "elsewhere").mkdir()
    (workspace.parent / "elsewhere" / "data.csv").write_text("2")
    monkeypatch.chdir(workspace.parent / "elsewhere")
    assert stale(path) == []
    (workspace.parent / "data.csv").write_text("2")
    assert stale(path) == ["load"]


def test_a_step_that_is_never_cached_is_fresh_as_long_as_it_is_the_same(notebook: Any) -> None:
    cells = ("%%step load -> table --no-cache\ntable = [1]", "%%step use -> n\nn = len(table)")
    path = notebook(*cells)
    run(path)
    assert stale(path) == []
    assert stale(notebook(cells[0] + " * 2", cells[1])) == ["load", "use"]


def test_what_only_a_run_can_tell_is_not_called_stale_and_executes_nothing(notebook: Any, workspace: Path) -> None:
    made = workspace.parent / "executed"
    setup = f"import collections\nopen({str(made)!r}, 'a').write('x')\nwords = collections.Counter('abc')"
    path = notebook(setup, "%%step count -> n\nn = len(words)", "%%step more -> m\nm = n + 1")
    run(path)
    executed = made.read_text()
    assert stale(path) == []
    assert made.read_text() == executed


def test_a_result_that_is_gone_from_the_store_makes_its_step_stale(notebook: Any, workspace: Path) -> None:
    path = notebook(*CELLS)
    run(path)
    (entries,) = workspace.rglob("cache")
    for entry in entries.rglob("*"):
        if entry.is_file():
            entry.unlink()
    assert stale(path) == ["load", "train", "report"]


def test_a_stack_that_is_gone_leaves_the_graph_and_says_so(notebook: Any, workspace: Path) -> None:
    path = notebook(*CELLS)
    (workspace / "active_stack").write_text("gone")
    found = graph_of(Workspace.find(), path)
    assert len(found["nodes"]) == 3
    assert "'gone'" in found["notices"][0]


def test_an_edge_that_only_orders_has_no_outputs(notebook: Any) -> None:
    found = graph_of(Workspace.find(), notebook(LOAD, "%%step later -> y --after load\ny = 1"))
    assert found["edges"] == [{"source": "load", "target": "later", "outputs": []}]


def test_a_notebook_without_steps_is_one(notebook: Any) -> None:
    found = graph_of(Workspace.find(), notebook("print('hello')", "x = 1"))
    assert (found["is_whole"], len(found["nodes"])) == (True, 1)


def test_parameters_that_json_has_no_form_for_are_told_as_written(notebook: Any) -> None:
    cells = (("a = (1, 2)\nb: float = 1\nc = {1, 2}\nd = None", ["parameters"]), "%%step one -> x\nx = a, b, c, d")
    found = {
        one["name"]: (one["value"], one["type"]) for one in graph_of(Workspace.find(), notebook(*cells))["parameters"]
    }
    assert found == {"a": ([1, 2], "tuple"), "b": (1, "float"), "c": ("{1, 2}", "set"), "d": (None, "")}


def test_a_file_that_is_not_there_is_an_error(workspace: Path) -> None:
    with pytest.raises(NotFoundError, match="no notebook"):
        graph_of(Workspace.find(), workspace.parent / "none.ipynb")
