"""`mlstack run` of notebooks that can not end well: what is said, what is recorded, and that the next run does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app.workspace import Workspace
from tests.cli.conftest import Mlstack

BESIDE = "%%step beside -> y\ny = 1"
LIMITED = "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))"
INSTALL = "-> Install it in the kernel's environment: `python -m pip install"
LESS = "-> Work on less data at once, or give it more memory."


def notebook(folder: Path, *cells: str, **metadata: Any) -> str:
    named = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    made = nbformat.v4.new_notebook(metadata={**named, **metadata})
    made.cells = [nbformat.v4.new_markdown_cell("# Bad"), *map(nbformat.v4.new_code_cell, cells)]
    nbformat.write(made, folder / "bad.ipynb")
    return "bad.ipynb"


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


@pytest.mark.parametrize(
    ("cells", "told", "hint", "kind"),
    [
        pytest.param(
            ["%%step bad -> x\nx = 1\nimport no_such_package.inside"],
            "ModuleNotFoundError in cell 2 of bad: No module named 'no_such_package'\n      2  x = 1\n  >   3  import",
            f"{INSTALL} no_such_package`.",
            "ModuleNotFoundError",
            id="missing package",
        ),
        pytest.param(
            ["import math\n\nimport cv2", "%%step bad -> x\nx = cv2.imread('a') + math.pi"],
            "ModuleNotFoundError in cell 2 of bad: No module named 'cv2'\n      1  import math\n      2  \n  >   3  ",
            f"{INSTALL} opencv-python`.",
            "ModuleNotFoundError",
            id="missing package, needed from an ordinary cell",
        ),
        pytest.param(
            ["first = 1", "import random\nsource = random.Random(first)\nsource.jump()", "%%step bad -> x\nx = source"],
            "AttributeError in cell 3 of bad: 'Random' object has no attribute 'jump'\n      1  import random\n",
            "-> Mend the cell and run the notebook again.",
            "AttributeError",
            id="an ordinary cell that computes a value",
        ),
        pytest.param(
            ["%%step bad -> x\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nx = 1"],
            "KernelDiedError in cell 2 of bad: The kernel died while cell 2 ran: it was killed (SIGKILL)",
            LESS,
            "KernelDiedError",
            id="killed kernel",
        ),
        pytest.param(
            [f"%%step bad -> x\nimport resource\n{LIMITED}\nrows = bytearray(8 << 30)\nx = 1"],
            "MemoryError in cell 2 of bad\n      2  import resource\n",
            LESS,
            "MemoryError",
            id="no memory left",
        ),
        pytest.param(
            ["%%step bad -> x --timeout 0.5\nwhile True:\n    pass\nx = 1"],
            "CellTimeoutError in cell 2 of bad: Cell 2 ran longer than 0.5 s.\n  >   2  while True:",
            "-> Allow it more with --timeout SECONDS, or make it faster; its traceback shows where it was.",
            "CellTimeoutError",
            id="endless cell",
        ),
        pytest.param(
            ["%%step bad -> x\nx = (number for number in range(3))"],
            "Output 'x' of step 'bad' can not be stored: A value of type generator can not be stored",
            "-> Return list(...) of it: an iterator can be read only once.\n\n",
            "MaterializerError",
            id="generator",
        ),
        pytest.param(
            ["%%step bad -> x\nx = open('made.txt', 'w')"],
            "at the end of step 'bad' (cell 2 of bad): Output 'x' of step 'bad' can not be stored",
            "-> Return the Path of the file, or its content.\n\n",
            "MaterializerError",
            id="open file",
        ),
        pytest.param(
            ["%%step bad -> x\nif 1 > 2:\n    x = 1"],
            "Step 'bad' (cell 2 of bad) ended without assigning 'x', which it is to give.",
            "-> Assign 'x' whichever way the code takes, or take it from the outputs.",
            "MissingOutputError",
            id="output that was not assigned",
        ),
        pytest.param(
            ["%%step bad -> x\nopen('/dev/full', 'w').write('x' * 100_000)\nx = 1"],
            "OSError in cell 2 of bad: [Errno 28] No space left on device\n  >   2  open(",
            "-> Mend the cell and run the notebook again.",
            "OSError",
            id="full disk in a cell",
        ),
        pytest.param(
            ["%%step bad -> x\nx = input('Name? ')"],
            "in cell 2 of bad",
            "-> Nobody is there to answer input(): make what it asks for a parameter.",
            "StdinNotImplementedError",
            id="input",
        ),
    ],
)
def test_a_cell_that_fails_is_told_with_what_to_do_and_the_next_run_works(
    mlstack: Mlstack, workspace: Path, cells: list[str], told: str, hint: str, kind: str
) -> None:
    done = mlstack("run", notebook(workspace.parent, *cells, BESIDE))
    assert done.code == 1
    assert told in done.err and f"\n  {hint}" in done.err
    assert "Traceback" not in done.err and "mlstack_nb" not in done.err
    run = mlstack("runs", "show", "--json").json
    assert (run["state"], states(run)) == ("failed", {"bad": "failed", "beside": "completed"})
    failed = next(step for step in run["steps"] if step["step"] == "bad")
    assert failed["failure"]["type"] == kind
    assert mlstack("runs", "notebook", run["id"], "bad", "-o", "-").code == 0
    again = mlstack("run", notebook(workspace.parent, "%%step bad -> x\nx = 1", BESIDE))
    assert again.code == 0
    run = mlstack("runs", "show", "--json").json
    assert (run["state"], states(run)) == ("completed", {"bad": "completed", "beside": "cached"})


def test_a_notebook_of_another_language_is_refused_before_anything_is_recorded(
    mlstack: Mlstack, workspace: Path
) -> None:
    name = notebook(workspace.parent, BESIDE, kernelspec={"name": "ir", "display_name": "R", "language": "R"})
    done = mlstack("run", name)
    assert done.code == 2
    assert "kernel 'ir', whose language is r; only Python is read" in done.err
    assert "Choose a Python kernel for it" in done.err
    assert mlstack("runs", "list", "--json").json == []


def test_steps_that_need_one_that_failed_are_skipped_and_resume_runs_what_is_missing(
    mlstack: Mlstack, workspace: Path
) -> None:
    dying = "%%step first -> x\nimport os\nfrom pathlib import Path\n"
    dying += "if not Path('mended').exists():\n    os._exit(9)\nx = 1"
    assert mlstack("run", notebook(workspace.parent, dying, "%%step second -> y\ny = x", BESIDE)).code == 1
    run = mlstack("runs", "show", "--json").json
    assert states(run) == {"first": "failed", "second": "skipped", "beside": "completed"}
    (workspace.parent / "mended").touch()
    assert mlstack("resume").code == 0
    run = mlstack("runs", "show", "--json").json
    assert states(run) == {"first": "completed", "second": "completed", "beside": "cached"}


@pytest.mark.parametrize("command", [("runs", "notebook", "last", "beside"), ("export", "bad.ipynb")])
def test_a_folder_that_can_not_be_written_to_is_named(mlstack: Mlstack, workspace: Path, command: Any) -> None:
    mlstack("run", notebook(workspace.parent, BESIDE))
    (workspace.parent / "file").touch()
    done = mlstack(*command, "-o", "file/made")
    assert (done.code, done.out) == (1, "")
    assert done.err == "Error: file/made can not be written: Not a directory.\n  -> Give another path with -o.\n"


@pytest.fixture
def small_disk(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace on a file system of its own."""
    folder = workspace.parent / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(folder / "work"))
    yield folder
    Workspace.find().close()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_an_output_that_fills_the_disk_fails_its_step_alone(mlstack: Mlstack, small_disk: Path) -> None:
    folder = small_disk.parent
    done = mlstack("run", notebook(folder, BESIDE, "%%step bad -> x\nimport os\nx = os.urandom(2 << 20)"))
    assert done.code == 1
    assert "Output 'x' of step 'bad' can not be stored: The disk of artifact store" in done.err
    assert "-> Free some space" in done.err
    assert "Traceback" not in done.err
    run = mlstack("runs", "show", "--json").json
    assert (run["state"], states(run)) == ("failed", {"beside": "completed", "bad": "failed"})
    assert list((small_disk / "work" / "store" / "staging").iterdir()) == []
    assert mlstack("run", notebook(folder, BESIDE, "%%step bad -> x\nx = 1")).code == 0
    assert states(mlstack("runs", "show", "--json").json) == {"beside": "cached", "bad": "completed"}


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlstack_nb.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_disk_that_became_read_only_is_told_and_what_is_on_it_stays(workspace: Path, small_disk: Path) -> None:
    name = notebook(workspace.parent, BESIDE)
    assert in_a_process("run", name).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = in_a_process("run", name)
    assert done.returncode == 1
    assert "catalog.db can not be opened" in done.stderr and "or set MLSTACK_WORKSPACE to another one." in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert in_a_process("run", name).returncode == 0
    runs = json.loads(in_a_process("runs", "list", "--json").stdout)
    assert [run["state"] for run in runs] == ["cached", "completed"]


def test_a_step_whose_name_is_too_long_for_a_file_runs_and_has_its_log_and_its_notebook(
    mlstack: Mlstack, workspace: Path
) -> None:
    name = "n" * 500
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell("print('told')\nx = 1", metadata={"tags": [f"step:{name}"]})]
    nbformat.write(made, workspace.parent / "named.ipynb")
    done = mlstack("run", "named.ipynb")
    assert (done.code, states(mlstack("runs", "show", "--json").json)) == (0, {name: "completed"})
    assert mlstack("runs", "logs", "last", name).out == "told\n"
    assert mlstack("runs", "notebook", "last", name, "-o", "out.ipynb").code == 0
    assert "told" in (workspace.parent / "out.ipynb").read_text()
