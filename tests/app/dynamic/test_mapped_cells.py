"""Step cells that are mapped: live, compiled from a file, and exported, with the same keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.export.notebook_export import export_module
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.lint.linting import lint
from mlstack_nb.app.notebooks.compile import compile_cells, compile_notebook
from mlstack_nb.app.request import Request
from mlstack_nb.core.run import State
from mlstack_nb.core.step import FromParameter, FromStep, Over
from mlstack_nb.errors import TypeMismatchError, UndefinedNameError, UsageError
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

CELLS = (
    "SCALE = 10\nrows = ['a', 'b']",
    "%%step make -> models\nmodels = [1, 2, 3]",
    "%%step score --map model in models -> scores\nprint('scoring', model)\nscores = model * SCALE",
    "%%step pairs --product model in models --product row in rows -> pair\npair = f'{row}{model}'",
    "%%step end -> n\nn = sum(scores)",
)


def written(folder: Path, *cells: str) -> Path:
    nodes = [
        {"cell_type": "code", "id": f"c{at}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for at, text in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": nodes, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def live(notebook: Any, *cells: str) -> None:
    for text in cells:
        first, _, rest = text.partition("\n")
        notebook.step(first.removeprefix("%%step "), rest) if first.startswith("%%step") else notebook.cell(text)


def compiled(*cells: str) -> Any:
    made = tuple(NotebookCell(at, text, tags=()) for at, text in enumerate(cells))
    return compile_cells(Notebook("nb", made, None, metadata={}))


def carried_out(path: Path | str) -> tuple[Any, Any]:
    return prepare(Request(str(path))).run(lambda _event: None, lambda _step, _text: None)


# Live


def test_the_body_runs_once_for_each_item_and_the_output_is_the_list(notebook):
    live(notebook, *CELLS)
    session = notebook.session
    session.bindings.load(["scores", "pair", "n"])
    assert notebook.namespace["scores"] == [10, 20, 30]
    assert notebook.namespace["pair"] == ["a1", "b1", "a2", "b2", "a3", "b3"]
    assert notebook.namespace["n"] == 60
    assert "model" not in notebook.namespace
    assert [one.step for one in session.items("score")] == ["score[0]", "score[1]", "score[2]"]


def test_one_more_item_runs_one_more(notebook):
    live(notebook, *CELLS)
    live(notebook, "%%step make -> models\nmodels = [1, 9, 2, 3]", CELLS[2])
    states = [one.state for one in notebook.session.items("score")]
    assert states == [State.CACHED, State.COMPLETED, State.CACHED, State.CACHED]


def test_the_same_lists_come_from_the_cache_as_a_whole(notebook):
    live(notebook, *CELLS, CELLS[2])
    assert notebook.session.states["score"].state is State.CACHED
    assert notebook.session.items("score") == []


def test_a_list_that_the_code_reads_counts_for_every_item(notebook):
    cell = "%%step score --map model in models -> scores\nscores = model / max(models)"
    live(notebook, CELLS[1], cell, "%%step make -> models\nmodels = [1, 2, 3, 4]", cell)
    assert [one.state for one in notebook.session.items("score")] == [State.COMPLETED] * 4
    assert notebook.session.steps["score"].step.over == (Over("model", "models", keeps=True),)


def test_an_item_that_fails_is_named_and_the_others_are_kept(notebook):
    live(notebook, *CELLS[:2])
    with pytest.raises(ZeroDivisionError):
        notebook.step("inverse --map model in models -> inverses", "inverses = 1 / (model - 2)")
    run = notebook.session.states["inverse"]
    assert (run.state, "in inverse[1]; 1 of 3 items failed" in run.failure.message) == (State.FAILED, True)
    states = [one.state for one in notebook.session.items("inverse")]
    assert states == [State.COMPLETED, State.FAILED, State.COMPLETED]


def test_what_is_no_list_is_refused_with_its_type(notebook):
    live(notebook, "%%step make -> models\nmodels = {'a': 1}")
    with pytest.raises(TypeMismatchError, match="'models', which is a dict"):
        notebook.step("score --map model in models -> scores", "scores = model")


def test_a_list_that_nothing_gives_and_an_item_that_nothing_reads_are_refused(notebook):
    with pytest.raises(UndefinedNameError, match="'models'"):
        notebook.step("score --map model in models -> scores", "scores = model")
    live(notebook, *CELLS[:2])
    with pytest.raises(UsageError, match="'model' for an item, which its code does not read"):
        notebook.step("score --map model in models -> scores", "scores = 1")


def test_a_whole_run_has_the_items_and_changes_no_key(notebook):
    live(notebook, *CELLS)
    run, errors = notebook.session.run_all(lambda cell, names: exec(cell.body, names) or names)
    assert (errors, {one.state for one in run.steps}) == ({}, {State.CACHED})
    run, errors = notebook.session.run_all(
        lambda cell, names: exec(cell.body, names) or names, use_cache=False, part={"only": "score"}
    )
    notebook.session.bindings.load(["scores"])
    assert notebook.namespace["scores"] == [10, 20, 30]


# Compiled


def test_a_compiled_step_knows_its_lists_where_they_come_from():
    steps = {one.name: one.step for one in compiled(*CELLS).steps}
    assert steps["score"].over == (Over("model", "models"),)
    assert steps["score"].inputs == {"models": FromStep("make", "models"), "SCALE": FromParameter("SCALE")}
    assert steps["pairs"].crossed
    assert steps["pairs"].inputs == {"models": FromStep("make", "models"), "rows": FromParameter("rows")}


def test_a_list_below_the_step_is_told():
    with pytest.raises(UndefinedNameError, match="reads 'models'"):
        compiled("%%step score --map model in models -> scores\nscores = model", "models = [1]")


def test_what_ran_live_comes_from_the_cache_when_the_file_runs(notebook, tmp_path):
    live(notebook, *CELLS)
    run, errors = carried_out(written(tmp_path, *CELLS))
    assert not errors
    assert {one.step: one.state for one in run.steps} == dict.fromkeys(("make", "score", "pairs", "end"), State.CACHED)


def test_a_file_runs_each_item_in_a_kernel_of_its_own_with_what_ordinary_cells_compute(workspace, tmp_path):
    cells = (
        "import math\nlogs = [math.log(one) for one in (1, 2)]\nbase = math.sqrt(4)",
        "%%step back --map log in logs -> x\nprint('at', log)\nx = round(math.exp(log) * base)",
        "%%step none --map one in x -> y\ny = 1 // (one - 4)",
    )
    run, errors = carried_out(written(tmp_path, *cells))
    states = {one.step: one.state.value for one in run.steps}
    assert (states["back"], states["back[1]"]) == ("completed", "completed")
    assert (states["none[0]"], states["none[1]"], states["none"]) == ("completed", "failed", "failed")
    assert "cell 3 of nb" in str(errors["none[1]"])


def test_functions_in_cells_are_mapped_too(workspace, tmp_path):
    cells = (
        "from mlstack_nb import pipeline, step, unmapped",
        "@step\ndef load() -> list[int]:\n    return [1, 2]",
        "@step\ndef add(x: int, ys: list) -> int:\n    return x + sum(ys)",
        "@pipeline\ndef p():\n    add.map(load(), unmapped([5, 6]))",
    )
    run, errors = carried_out(written(tmp_path, *cells))
    assert not errors
    assert next(one for one in run.steps if one.step == "add").outputs["output"].inline == "[12,13]"


def test_a_dynamic_pipeline_in_a_file_says_how_it_runs():
    cells = (
        "from mlstack_nb import pipeline, step",
        "@step\ndef load() -> list[int]:\n    return [1, 2]",
        "@pipeline(dynamic=True)\ndef p():\n    load()",
    )
    with pytest.raises(UsageError, match=r"'p'.*is dynamic") as caught:
        compiled(*cells)
    assert "--whole" in caught.value.hint


# Exported


def test_an_exported_module_maps_with_the_keys_of_the_notebook(notebook, tmp_path):
    live(notebook, *CELLS)
    path = written(tmp_path, *CELLS)
    target = tmp_path / "mapped_module.py"
    target.write_text(export_module(str(path), target=target).text)
    assert "score.map(" in target.read_text()
    assert "pairs.product(" in target.read_text()
    run, errors = carried_out(f"{target}:nb")
    assert not errors
    assert {one.state for one in run.steps} == {State.CACHED}


def test_a_declared_type_is_that_of_an_item(workspace, tmp_path):
    cells = (CELLS[1], "%%step score --map model in models -> scores\nscores: int = model", CELLS[4])
    path = written(tmp_path, *cells)
    target = tmp_path / "typed_module.py"
    target.write_text(export_module(str(path), target=target).text)
    text = target.read_text()
    assert 'def score(model) -> Annotated[int, "scores"]' in text.replace("model: Any", "model")
    assert "def end(scores: list[int])" in text
    assert not carried_out(path)[1]


def test_lint_reads_a_mapped_line(workspace, tmp_path):
    found = lint([str(written(tmp_path, *CELLS))])
    assert {one.rule for linted in found for one in linted.findings} <= {"MLS404"}


def test_the_graph_of_a_file_has_the_list_as_its_edge(tmp_path):
    notebook = compile_notebook(written(tmp_path, *CELLS))
    assert notebook.pipeline.graph["score"] == ("make",)
