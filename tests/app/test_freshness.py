from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.freshness import Freshness
from mlstack_nb.errors import GraphError

FRESH, STALE, NEVER = Freshness.FRESH, Freshness.STALE, Freshness.NEVER


@pytest.fixture
def trained(notebook: Any) -> Any:
    notebook.cell("depth = 5\ndef clean(x):\n    return x + 1")
    notebook.step("load -> df", "df = [1, 2]")
    notebook.step("train -> model", "model = [clean(x) * depth for x in df]")
    return notebook


def test_what_just_ran_is_fresh(trained: Any) -> None:
    assert trained.session.freshness() == {"load": FRESH, "train": FRESH}


def test_a_notebook_without_steps_needs_no_workspace(notebook: Any) -> None:
    assert notebook.session.freshness() == {}


@pytest.mark.parametrize("cell", ["depth = 6", "def clean(x):\n    return x + 2", "def df():\n    pass"])
def test_an_edited_definition_makes_its_steps_stale_and_no_other(trained: Any, cell: str) -> None:
    trained.cell(cell)
    assert trained.session.freshness() == {"load": FRESH, "train": STALE}


@pytest.mark.parametrize(
    "cell", ["depth = 5  # the same", "def clean(x):\n    # more\n    return (x + 1)", "other = 1"]
)
def test_what_means_the_same_leaves_a_step_fresh(trained: Any, cell: str) -> None:
    trained.cell(cell)
    assert trained.session.freshness() == {"load": FRESH, "train": FRESH}


def test_nothing_runs_and_nothing_is_stored(trained: Any, workspace: Path) -> None:
    trained.cell("import numpy as np\ntable = np.zeros(100_000)")
    trained.step("sum -> total", "total = table.sum()")
    trained.cell("table = np.ones(100_000)")
    before = sorted(workspace.rglob("*"))
    assert trained.session.freshness()["sum"] is STALE
    assert sorted(workspace.rglob("*")) == before


def test_what_is_below_a_stale_step_is_stale(notebook: Any) -> None:
    notebook.cell("size = 2")
    notebook.step("load -> df", "df = [1] * size")
    notebook.step("train -> model", "model = len(df)")
    notebook.cell("size = 3")
    assert notebook.session.freshness() == {"load": STALE, "train": STALE}
    assert notebook.session.standings()["train"].behind == ("load",)


def test_an_upstream_rerun_with_equal_content_leaves_the_rest_fresh(trained: Any) -> None:
    trained.step("load -> df", "df = [1] + [2]")
    assert trained.session.freshness() == {"load": FRESH, "train": FRESH}
    trained.step("load -> df", "df = [1] + [3]")
    assert trained.session.freshness() == {"load": FRESH, "train": STALE}


def test_a_changed_file_makes_its_step_stale(notebook: Any, workspace: Path) -> None:
    file = workspace.parent / "data.txt"
    file.write_text("one")
    notebook.cell("from pathlib import Path\nsource = Path('data.txt')")
    notebook.step("load -> text", "text = source.read_text()")
    assert notebook.session.freshness() == {"load": FRESH}
    file.write_text("three")
    assert notebook.session.freshness() == {"load": STALE}


def test_a_step_whose_objects_are_gone_is_stale(notebook: Any, workspace: Path) -> None:
    notebook.step("load -> table", "import numpy as np\ntable = np.zeros(100_000)")
    assert notebook.session.freshness() == {"load": FRESH}
    (objects,) = workspace.rglob("objects")
    shutil.rmtree(objects)
    assert notebook.session.freshness() == {"load": STALE}


def test_without_the_cache_a_step_is_fresh_as_long_as_nothing_changed(notebook: Any) -> None:
    notebook.cell("size = 2")
    notebook.step("load -> df --no-cache", "df = [1] * size")
    assert notebook.session.freshness() == {"load": FRESH}
    notebook.cell("size = 3")
    assert notebook.session.freshness() == {"load": STALE}


def test_a_failed_step_is_stale_and_so_is_what_reads_it(trained: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        trained.step("load -> df", "df = [1 / 0]")
    assert trained.session.freshness() == {"load": STALE, "train": STALE}


def test_a_step_that_never_began_has_never_run(notebook: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        notebook.step("load -> df", "df = 1 / 0")
    with pytest.raises(GraphError):
        notebook.step("train -> model", "model = df")
    assert notebook.session.freshness() == {"load": STALE}


def test_an_output_that_an_ordinary_cell_changed_is_trouble(trained: Any) -> None:
    trained.cell("df.append(3)")
    standing = trained.session.standings()["train"]
    assert standing.freshness is STALE
    assert "reads 'df', an output of step 'load'" in standing.trouble
