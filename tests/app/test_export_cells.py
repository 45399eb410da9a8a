"""Exporting what notebooks hold that nobody wrote to be exported."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app.export.notebook_export import export_module
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request

_numbers = itertools.count()


def notebook(*cells: Any) -> str:
    made = nbformat.v4.new_notebook()
    for cell in cells:
        text, tags = (cell, []) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
    nbformat.write(made, "nb.ipynb")
    return "nb.ipynb"


def run(target: str) -> tuple[dict[str, str], dict[str, str | None]]:
    """What became of each step, and its plain outputs."""
    launch = prepare(Request(target))
    done, errors = launch.run(lambda event: None, lambda step, text: None)
    assert not errors
    return (
        {step.step: step.state.value for step in done.steps},
        {name: made.inline for step in done.steps for name, made in step.outputs.items()},
    )


def module_of(text: str) -> str:
    path = Path(f"messy_{next(_numbers)}.py")
    path.write_text(text)
    return path.name


COUNTED = (
    "calls = 0\n\ndef count():\n    global calls\n    calls += 1\n    return calls",
    "%%step a -> x\ncount()\nx = count()",
    "%%step b -> y\nseen = 10\ndef see():\n    global seen, last\n    last = seen = seen + 1\nsee()\ny = seen + last + x",  # noqa: E501
)


def test_names_that_functions_call_global_are_those_of_the_step(workspace: Path) -> None:
    made = run(notebook(*COUNTED))[1]
    text = export_module("nb.ipynb").text
    assert "nonlocal calls" in text
    assert "nonlocal seen\n        global last" in text
    assert run(module_of(text))[1] == made == {"x": "2", "y": "24"}


def test_a_global_that_stands_in_no_function_says_nothing(workspace: Path) -> None:
    notebook("n = 3", "%%step a -> x\nglobal n, x\nx = n")
    assert run(module_of(export_module("nb.ipynb").text))[1] == {"x": "3"}


def test_a_future_import_of_a_step_stands_at_the_head(workspace: Path) -> None:
    notebook("from __future__ import annotations\nimport math", "def f(x: Nowhere): return x\nprint(f(math.pi))")
    text = export_module("nb.ipynb").text
    assert text.index("from __future__ import annotations") < text.index("def nb")
    assert run(module_of(text))[0] == {"nb": "completed"}


def test_imports_in_a_step_keep_their_order_and_so_its_key(workspace: Path) -> None:
    run(notebook("%%step a -> x\nimport sys\nimport math\nx = math.floor(2.5)"))
    text = export_module("nb.ipynb").text
    assert "    import sys\n    import math\n" in text
    assert run(module_of(text))[0] == {"a": "cached"}


def test_what_a_linter_finds_in_the_cells_is_passed_over(workspace: Path) -> None:
    Path("ruff.toml").write_text('[lint]\nselect = ["F", "E", "RUF100"]\n')
    notebook("from math import *", "%%step a -> x\nunused = 1\nl = floor(2.5)\nx = l")
    text = export_module("nb.ipynb", target=Path("made.py")).text
    assert "\n\n# ruff: noqa: E741, F403, F405, F841\n\nfrom" in text
    Path("made.py").write_text(text)
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run([ruff, "check", "made.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_module_without_findings_has_no_such_line(workspace: Path) -> None:
    notebook("%%step a -> x\nx = 1")
    assert "ruff" not in export_module("nb.ipynb").text


def test_a_command_at_the_end_of_a_cell_is_not_displayed(workspace: Path) -> None:
    notebook("%%step a -> x\nx = 1\n!echo {x}")
    text = export_module("nb.ipynb").text
    assert "display" not in text


@pytest.mark.parametrize(
    "cell",
    [
        "import sys\nif 'nowhere' in sys.modules:\n    %pip install a\n    %pip install b\nx = 1",
        "try:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass\nx = 1",
        "x = 1\nif x:\n    y = 2\nelse:\n    !pip install a",
    ],
)
def test_blocks_of_nothing_but_what_is_left_out_stay_blocks(workspace: Path, cell: str) -> None:
    notebook(f"%%step a -> x\n{cell}")
    assert run(module_of(export_module("nb.ipynb").text))[1] == {"x": "1"}


@pytest.mark.parametrize("cell", ["%ls", "%debug", "%watermark -v", "%tensorboard --logdir logs", "%load other.py"])
def test_what_only_looks_is_left_out(workspace: Path, cell: str) -> None:
    notebook(f"x = 1\n{cell}", "%%timeit\nx + 1")
    assert export_module("nb.ipynb").text.count("%") == 0


def test_a_file_that_a_cell_writes_is_written(workspace: Path) -> None:
    notebook("%%file made.txt\ntext")
    run(module_of(export_module("nb.ipynb").text))
    assert Path("made.txt").read_text() == "text\n"
