"""What a module says that was exported from a notebook."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from exporting import (
    AWAITING,
    CHAIN,
    EQUAL,
    FUNCTIONS,
    HELPERS,
    LATE,
    MAGICS,
    OTHERS,
    OWN_NAMES,
    REBOUND,
    TAGGED,
    TRAINING,
    VALUES,
    WHOLE,
)

from mlstack_nb.app.export.notebook_export import export_module
from mlstack_nb.errors import UsageError

DEMO = Path(__file__).parents[2] / "notebooks" / "fraud_detection.ipynb"


def notebook(folder: Path, *cells: Any, name: str = "nb") -> str:
    made = nbformat.v4.new_notebook()
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
    nbformat.write(made, folder / f"{name}.ipynb")
    return str(folder / f"{name}.ipynb")


def exported(folder: Path, *cells: Any) -> str:
    return export_module(notebook(folder, *cells)).text


def functions(text: str) -> dict[str, str]:
    found = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: ast.unparse(node) for node in found}


def test_only_the_imports_that_are_needed_come_along_sorted(tmp_path: Path) -> None:
    text = exported(tmp_path, *TRAINING)
    assert [line for line in text.splitlines() if line.startswith(("import", "from"))] == [
        "import math",
        "from typing import Annotated, Any",
        "import pandas as pd",
        "from mlstack_nb import CachePolicy, display, pipeline, step",
    ]


def test_constants_and_helpers_stand_beside_the_steps_with_their_comments(tmp_path: Path) -> None:
    text = exported(tmp_path, *TRAINING)
    assert "\nLIMIT = 10\n\n\n# keeps what is there\ndef clean(table):\n" in text
    assert "exploring" not in text


def test_comments_of_a_step_stay_and_strings_keep_their_lines(tmp_path: Path) -> None:
    text = exported(tmp_path, *TRAINING)
    assert "    # three rows\n    table" in text
    assert 'note = """two\n  lines"""' in text


def test_what_a_cell_shows_at_its_end_is_displayed(tmp_path: Path) -> None:
    found = functions(exported(tmp_path, *TRAINING))
    assert "display(table)" in found["load"]
    assert "display(tidied.describe())" in found["tidy"]
    assert "display" not in found["train"]


def test_settings_become_options(tmp_path: Path) -> None:
    text = exported(tmp_path, *TRAINING)
    assert "@step(cache_policy=CachePolicy(expires_after_s=604800.0), retries=2)\ndef train(" in text
    assert "@step(enable_cache=False)\ndef report(" in text


def test_parameters_have_their_defaults_and_types(tmp_path: Path) -> None:
    assert "def nb(depth: int = 3, rate: float = 0.5) -> None:" in exported(tmp_path, *TRAINING)


def test_a_written_type_is_that_of_the_output_and_of_who_takes_it(tmp_path: Path) -> None:
    found = functions(exported(tmp_path, *TRAINING))
    assert "-> Annotated[pd.DataFrame, 'tidy_table']:" in found["tidy"]
    assert "def train(tidied: pd.DataFrame," in found["train"]


def test_values_are_computed_where_the_pipeline_is_wired(tmp_path: Path) -> None:
    body = functions(exported(tmp_path, *VALUES))["nb"]
    assert "names = [f'x{k}' for k in range(size)]" in body
    assert "total = count(folder, names, frame)" in body


def test_a_helper_that_reads_a_parameter_stands_in_the_step_that_is_given_it(tmp_path: Path) -> None:
    found = functions(exported(tmp_path, *HELPERS))
    assert "def scaled(x):" in found["first"]
    assert set(found) == {"first", "second", "nb"}


def test_names_of_people_and_of_the_module_do_not_meet(tmp_path: Path) -> None:
    text = exported(tmp_path, *OWN_NAMES)
    assert "@step(name='train')\ndef train_step()" in text.replace('"', "'")
    assert "model = train(1)" in functions(text)["train_step"]
    assert "@step(name='load-all')\ndef load_all(model: Any)" in text.replace('"', "'")


def test_an_output_that_steps_refine_is_one_variable(tmp_path: Path) -> None:
    assert functions(exported(tmp_path, *CHAIN))["nb"].endswith("df = one()\n    df = two(df)\n    three(df)")


def test_a_constant_that_is_bound_anew_is_given_as_it_was(tmp_path: Path) -> None:
    assert functions(exported(tmp_path, *REBOUND))["nb"].endswith("high(a, level=2)")


def test_tagged_cells_of_one_step_become_one_function(tmp_path: Path) -> None:
    found = functions(exported(tmp_path, *TAGGED))
    assert "size = area(r2)\n    print(size)\n    display(size)\n    return size" in found["measure"]
    assert "1 +" not in "".join(found.values())


def test_step_functions_stay_as_they_are(tmp_path: Path) -> None:
    text = exported(tmp_path, *FUNCTIONS)
    assert "numbers: list[int]) -> Annotated[int, 'total']:" in text.replace('"', "'")
    assert "def adding(size: int = 4) -> None:" in text


def test_a_cell_that_awaits_becomes_a_coroutine(tmp_path: Path) -> None:
    assert "@step\nasync def get()" in exported(tmp_path, *AWAITING)


def test_a_whole_notebook_becomes_one_step(tmp_path: Path) -> None:
    found = functions(exported(tmp_path, *WHOLE))
    assert found["nb"] == (
        "@step\ndef nb(n: int) -> None:\n    squares = [k * k for k in range(n)]\n    print(sum(squares))"
    )
    assert "n: int=3" in found["nb_pipeline"]


def test_values_that_read_results_become_a_step_and_that_is_told(tmp_path: Path) -> None:
    made = export_module(notebook(tmp_path, *LATE))
    assert "scaled = use_values(table)\n    use(scaled)" in made.text
    assert "became a step of its own" in made.notices[0]


def test_magics_and_commands_are_translated(tmp_path: Path) -> None:
    made = export_module(notebook(tmp_path, *MAGICS))
    assert "get_ipython" not in made.text
    assert "%" not in made.text
    assert made.notices == ("cell 2, line 3: `!pip install nothing` is left out: install that before.",)


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("%%step a -> b\nb = 1\n%run other.py", "Cell 1, line 3: `%run other.py`"),
        ("%%step a -> b\nb = get_ipython()", "Cell 1, line 2: `b = get_ipython()`"),
        ("%%step a -> b\n%%capture out\nb = 1", "Cell 1, line 2: `%%capture out`"),
    ],
)
def test_what_has_no_equivalent_is_an_error_with_its_place(tmp_path: Path, cell: str, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        exported(tmp_path, cell)
    assert caught.value.what == f"{line} has no equivalent in plain Python."


def test_one_name_for_two_imports_is_an_error(tmp_path: Path) -> None:
    cells = ("from os import path", "%%step a\nprint(path.sep)", "from sys import path", "%%step b\nprint(path[0])")
    with pytest.raises(UsageError, match="import two things as 'path'"):
        exported(tmp_path, *cells)


def test_a_step_waits_for_the_function_of_another(tmp_path: Path) -> None:
    cells = ("%%step one -> n\nn = 1", "%%step two --after one\nprint(2)", "%%step three -> m --after two\nm = n")
    text = exported(tmp_path, *cells, "%%step four --after two,three\nprint(4)")
    assert "    n = one()\n    two(after=one)\n    three(n, after=two)\n    four(after=[two, three])\n" in text


def test_every_module_passes_linter_formatter_and_type_checker(tmp_path: Path) -> None:
    for number, cells in enumerate([*EQUAL.values(), *OTHERS.values()]):
        text = export_module(notebook(tmp_path, *cells), target=tmp_path / "made.py").text
        (tmp_path / f"made_{number}.py").write_text(text)
    (tmp_path / "made_demo.py").write_text(export_module(str(DEMO), target=tmp_path / "made.py").text)
    files = sorted(map(str, tmp_path.glob("made_*.py")))
    for command in (["ruff", "check", "--isolated"], ["ruff", "format", "--check", "--isolated"]):
        done = subprocess.run([sys.executable, "-m", *command, *files], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    people_write = ["--allow-untyped-defs", "--allow-untyped-calls", "--ignore-missing-imports"]
    checked = [sys.executable, "-m", "mypy", "--strict", *people_write, "--follow-imports=silent", *files]
    done = subprocess.run(checked, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
