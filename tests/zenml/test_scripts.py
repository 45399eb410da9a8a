"""`mlstack run --zenml`: scripts, modules and notebooks that import `zenml`, in this process and in others."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client

SCRIPT = """
import sys
from zenml import step, pipeline
from zenml.client import Client

@step
def number(n: int) -> int:
    return n

@step
def plus(n: int) -> int:
    from zenml.enums import ArtifactType  # in the code of a step
    return n + len([ArtifactType.DATA])

@pipeline
def adding(n: int = 1):
    plus(number(n))

if __name__ == "__main__":
    run = adding(int(sys.argv[1]) if sys.argv[1:] else 1)
    print("sum", run.steps["plus"].output.load(), "of", *sys.argv)
"""


@pytest.fixture
def project(own_modules: Path) -> Path:
    (own_modules / "run.py").write_text(SCRIPT)
    return own_modules


def last() -> Any:
    return Client().get_pipeline("adding").last_run


def test_a_script_runs_as_python_would_run_it(project: Path, mlstack: Any) -> None:
    done = mlstack("run", "--zenml", "run.py", "--", "4")
    assert (done.code, done.out) == (0, "sum 5 of run.py 4\n")
    assert last().steps["number"].output.load() == 4


def test_a_script_is_found_in_another_folder_with_its_neighbours(project: Path, mlstack: Any) -> None:
    (project / "inner").mkdir()
    (project / "inner" / "words.py").write_text("WORD = 'hello'\n")
    (project / "inner" / "main.py").write_text("from words import WORD\nimport zenml\nprint(WORD, __name__)\n")
    assert mlstack("run", "--zenml", "inner/main.py").out == "hello __main__\n"


def test_python_runs_it_too_with_the_switch_in_its_first_line(project: Path) -> None:
    (project / "switched.py").write_text(f"import mlstack_nb.compat.zenml\n{SCRIPT}")
    done = subprocess.run([sys.executable, "switched.py"], check=True, capture_output=True, text=True)
    assert done.stdout == "sum 2 of switched.py\n"


def test_the_cache_is_the_same_for_scripts_modules_and_native_code(project: Path, mlstack: Any) -> None:
    mlstack("run", "--zenml", "run.py")
    assert mlstack("run", "--zenml", "run.py:adding").code == 0
    assert {one.status for one in last().steps.values()} == {"cached"}
    native = SCRIPT.replace("from zenml import", "from mlstack_nb import").replace(
        "from zenml.client", "from mlstack_nb"
    )
    (project / "native.py").write_text(native.split("if __name__")[0] + "adding()\n")
    runpy.run_path("native.py", run_name="__main__")
    assert last().steps["number"].status == "cached"


@pytest.mark.parametrize("option", [["-p", "n=2"], ["--only", "plus"], ["--detach"], ["--dry-run"], ["--json"]])
def test_options_that_a_script_can_not_be_given_are_refused(project: Path, mlstack: Any, option: list[str]) -> None:
    done = mlstack("run", "--zenml", "run.py", *option)
    assert done.code == 2
    assert f"can not be given {option[0]}" in done.err
    assert "run.py:PIPELINE" in done.err


def test_a_script_may_be_given_a_stack_and_no_cache(
    project: Path, mlstack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLSTACK_STACK", "MLSTACK_CACHE"):
        monkeypatch.setenv(name, "")  # put back afterwards
    Client().create_stack("other", {"orchestrator": "default", "artifact_store": "default"})
    for _ in range(2):
        assert mlstack("run", "--zenml", "run.py", "--stack", "other", "--no-cache").code == 0
    assert (last().stack_name, last().steps["number"].status) == ("other", "completed")


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('no data')", 1, "no data"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("from zenml import nothing", 1, "There is no zenml.nothing here."),
        ("from zenml import step\nstep(lambda *a: 1)", 2, "the inputs of a step have names"),
    ],
)
def test_the_exit_code_of_a_script_is_its_own(
    project: Path, mlstack: Any, code: str, exit_code: int, said: str
) -> None:
    Path("ends.py").write_text(code)
    done = mlstack("run", "--zenml", "ends.py")
    assert done.code == exit_code
    assert said in done.err
    assert "mlstack_nb/" not in done.err


def test_a_script_that_is_not_there_is_told(mlstack: Any) -> None:
    done = mlstack("run", "--zenml", "nothing.py")
    assert (done.code, "There is no file nothing.py" in done.err) == (1, True)


def test_words_after_a_target_that_is_no_script_are_refused(project: Path, mlstack: Any) -> None:
    done = mlstack("run", "--zenml", "run.py:adding", "4")
    assert (done.code, "-p NAME=VALUE" in done.err) == (2, True)


# In other processes


def test_steps_in_processes_of_their_own_have_the_switch(project: Path, mlstack: Any) -> None:
    done = mlstack("run", "--zenml", "run.py:adding", "--isolation", "process", "-p", "n=6")
    assert done.code == 0, done.err
    assert last().steps["plus"].output.load() == 7


def test_a_detached_run_has_the_switch_and_its_options(
    project: Path, mlstack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "options.yaml").write_text("parameters: {n: 8}\nextra: {owner: anna}\n")
    monkeypatch.delenv("MLSTACK_COMPAT")
    done = mlstack("run", "--zenml", "run.py:adding", "-c", "options.yaml", "--detach")
    assert done.code == 0, done.err
    run_id = done.out.strip()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = Client().list_pipeline_runs(id=run_id)
        if len(found) and found[0].status.is_finished:
            break
        time.sleep(0.1)
    (run,) = Client().list_pipeline_runs(id=run_id)
    assert (str(run.status), run.steps["plus"].output.load()) == ("completed", 9)
    assert run.config.extra == {"owner": "anna"}


def test_a_resumed_run_has_the_switch(project: Path, mlstack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mlstack("run", "--zenml", "run.py:adding").code == 0
    run_id = last().id
    monkeypatch.delenv("MLSTACK_COMPAT")
    code = f"import sys; from mlstack_nb.cli import main; sys.exit(main.run(['resume', '{run_id}']))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_node_elsewhere_has_the_switch(
    project: Path, mlstack: Any, dask_engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.create_stack_component("cluster", "dask", "orchestrator", {"address": dask_engine})
    client.create_stack("far", {"orchestrator": "cluster", "artifact_store": "default"})
    monkeypatch.setenv("MLSTACK_STACK", "far")
    done = mlstack("run", "--zenml", "run.py", "--", "5")
    assert done.code == 0, done.err
    assert "sum 6 of run.py 5" in done.out
    assert (last().stack_name, last().steps["plus"].status) == ("far", "completed")


# Notebooks


def notebook(path: Path, *cells: str) -> Path:
    made = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{n}"}
        for n, cell in enumerate(cells)
    ]
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


CELLS = (
    "from zenml import step, pipeline",
    "def scale(n):\n    return n * 3",
    "@step\ndef number(n: int) -> int:\n    return scale(n)",
    "@step\ndef plus(n: int) -> int:\n    return n + 1",
    "@pipeline\ndef adding(n: int = 1):\n    plus(number(n))",
    "adding(2)",
)


def test_a_notebook_that_imports_zenml_is_run(project: Path, mlstack: Any) -> None:
    made = notebook(project / "train.ipynb", *CELLS)
    done = mlstack("run", "--zenml", made)
    assert done.code == 0, done.err
    assert Client().list_pipeline_runs()[0].steps["plus"].output.load() == 7


def test_a_notebook_with_the_switch_in_its_first_cell_needs_no_option(
    project: Path, mlstack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLSTACK_COMPAT")
    made = notebook(project / "train.ipynb", "import mlstack_nb.compat.zenml", *CELLS)
    done = mlstack("run", made)
    assert done.code == 0, done.err
    assert Client().list_pipeline_runs()[0].steps["plus"].output.load() == 7
