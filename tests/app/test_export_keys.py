"""A notebook and the module made of it share one cache: what one of them has run, the other does not."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from exporting import EQUAL, LATE, MAGICS, TRAINING

from mlstack_nb.app.export.notebook_export import export_module
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request
from mlstack_nb.app.targets import find_function

_numbers = itertools.count()
Run = Callable[[str], dict[str, str]]


def notebook(path: Path, *cells: Any) -> str:
    made = nbformat.v4.new_notebook()
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
    nbformat.write(made, path)
    return path.name


def module_of(target: str, *edits: tuple[str, str]) -> str:
    """The module made of a notebook, edited, under a name that no other has."""
    text = export_module(target).text
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = Path(f"exported_{next(_numbers)}.py")
    path.write_text(text)
    return path.name


@pytest.fixture
def run(workspace: Path) -> Run:
    """Runs a notebook or a module; tells what became of each step."""

    def run(target: str, **parameters: Any) -> dict[str, str]:
        launch = prepare(Request(target, values=parameters))
        done, errors = launch.run(lambda event: None, lambda step, text: None)
        assert not errors
        return {step.step: step.state.value for step in done.steps}

    return run


def cached(*steps: str) -> dict[str, str]:
    return dict.fromkeys(steps, "cached")


@pytest.mark.parametrize("cells", EQUAL.values(), ids=EQUAL.keys())
def test_a_module_finds_what_its_notebook_has_run(run: Run, cells: tuple[Any, ...]) -> None:
    target = notebook(Path("nb.ipynb"), *cells)
    first = run(target)
    assert set(first.values()) == {"completed"}
    found = run(module_of(target))
    assert found.pop("report", "completed") == "completed"  # it asks for no cache
    assert {*found.values()} == {"cached"}
    assert found.keys() <= first.keys()


@pytest.mark.parametrize("name", ["training", "values", "tagged", "whole", "own names"])
def test_a_notebook_finds_what_its_module_has_run(run: Run, name: str) -> None:
    target = notebook(Path("nb.ipynb"), *EQUAL[name])
    assert set(run(module_of(target)).values()) == {"completed"}
    found = run(target)
    found.pop("report", None)
    assert {*found.values()} == {"cached"}


@pytest.mark.parametrize(
    ("edit", "rerun"),
    [
        (("[1.0, None, 3.0]", "[1.0, None, 4.0]"), {"load", "tidy", "train"}),
        (("return table.dropna().head(LIMIT)", "return table.fillna(0).head(LIMIT)"), {"tidy", "train"}),
        (("LIMIT = 10", "LIMIT = 1"), {"tidy", "train"}),
        (("depth: int = 3", "depth: int = 4"), {"train"}),
        (("return score, note", "return note, score"), {"train"}),
        (("display(tidied.describe())", "tidied.describe()"), {"tidy"}),
        (("    # three rows\n", ""), set()),
        (("def train(", "def train_it("), None),
        (("tidied: pd.DataFrame", "tidied"), set()),
    ],
)
def test_edits_of_the_module_rerun_what_they_reach(run: Run, edit: tuple[str, str], rerun: set[str] | None) -> None:
    target = notebook(Path("nb.ipynb"), *TRAINING)
    run(target)
    edits = [edit]
    if rerun is None:  # a function is called by another name, and does the same
        edits, rerun = (
            [
                ("def train(", "def train_it("),
                ("= train(", "= train_it("),
                ("@step(cache", "@step(name='train', cache"),
            ],
            set(),
        )
    found = run(module_of(target, *edits))
    assert {step for step, state in found.items() if state == "completed"} == rerun | {"report"}


@pytest.mark.parametrize(
    ("old", "new", "rerun"),
    [
        ("[1.0, None, 3.0]", "[1.0, None, 4.0]", {"load", "tidy", "train"}),
        ("LIMIT = 10", "LIMIT = 1", {"tidy", "train"}),
        ("depth = 3", "depth = 4", {"train"}),
        ("# three rows", "# some rows", set()),
    ],
)
def test_edits_of_the_notebook_rerun_what_they_reach(run: Run, old: str, new: str, rerun: set[str]) -> None:
    target = notebook(Path("nb.ipynb"), *TRAINING)
    run(module_of(target))
    edited = json.loads(json.dumps(TRAINING).replace(old, new))
    found = run(notebook(Path("nb.ipynb"), *(cell if isinstance(cell, str) else tuple(cell) for cell in edited)))
    assert {step for step, state in found.items() if state == "completed"} == rerun | {"report"}


def test_a_parameter_means_the_same_for_both(run: Any) -> None:
    target = notebook(Path("nb.ipynb"), *TRAINING)
    run(target, depth=7)
    assert run(module_of(target), depth=7)["train"] == "cached"


def test_a_result_that_is_named_by_its_author_keeps_its_name(run: Run, workspace: Path) -> None:
    target = notebook(Path("nb.ipynb"), *TRAINING)
    run(target)
    launch = prepare(Request(module_of(target)))
    done, _ = launch.run(lambda event: None, lambda step, text: None)
    tidy = next(step for step in done.steps if step.step == "tidy")
    assert {name: made.name for name, made in tidy.outputs.items()} == {"tidy_table": "tidy_table"}


def test_types_come_from_what_ran(run: Run, workspace: Path) -> None:
    from mlstack_nb.app.workspace import Workspace

    target = notebook(Path("nb.ipynb"), *TRAINING)
    run(target)
    text = export_module(target, workspace=Workspace.find()).text
    assert 'def load() -> Annotated[pd.DataFrame, "table"]:' in text
    assert re.search(r'Annotated\[int, "score"\],\s*Annotated\[str, "note"\]', text)


def test_a_function_that_returns_nothing_takes_what_a_cell_without_outputs_left(run: Run) -> None:
    target = notebook(Path("nb.ipynb"), "%%step say\nprint('hello')", "%%step then --after say\nprint('again')")
    run(target)
    assert run(module_of(target)) == cached("say", "then")


def test_steps_after_values_of_results_and_commands_have_keys_of_their_own(run: Run) -> None:
    late = notebook(Path("late.ipynb"), *LATE)
    run(late)
    assert run(module_of(late)) == {"load": "cached", "use_values": "completed", "use": "cached"}
    magics = notebook(Path("magics.ipynb"), *MAGICS)
    run(magics)
    assert run(module_of(magics)) == {"one": "completed", "two": "completed"}


def test_the_pipeline_of_a_module_is_called_as_the_notebook(workspace: Path) -> None:
    target = notebook(Path("own-name.ipynb"), *TRAINING)
    assert find_function(module_of(target)).name == "own-name"
