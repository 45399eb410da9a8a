"""`mlstack run` on a stack whose engine is outside: real Dask workers, which have the store and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

TRAINING = (
    "%load_ext mlstack_nb",
    "import random\nfrom lib.tidying import clean\ndepth = 3\nseed = random.random()",
    "%%step load -> table\nimport pandas as pd\ntable = pd.read_csv('data.csv')\nprint('loaded', len(table))\ntable",
    "%%step tidy -> tidied, first\ntidied = clean(table)\nfirst = seed",
    "%%step train -> score, second\nscore = int(tidied['a'].sum()) * depth\nsecond = seed",
    "%%step compare -> same\nsame = first == second",
)
STEPS = ["load", "tidy", "train", "compare"]


def notebook(path: Path, *cells: str) -> str:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    nbformat.write(made, path)
    return path.name


def states(run: Any) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


def until(is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@pytest.fixture
def remote(mlstack: Any, dask_engine: str) -> str:
    """A stack, made the active one, whose steps run on Dask and whose store is the default one."""
    mlstack("component", "register", "orchestrator", "cluster", "--flavor", "dask", "--address", dask_engine)
    mlstack("stack", "register", "remote", "--orchestrator", "cluster", "--artifact-store", "default")
    mlstack("stack", "set", "remote")
    return "remote"


@pytest.fixture
def train(workspace: Path) -> str:
    folder = workspace.parent
    (folder / "lib").mkdir()
    (folder / "lib" / "tidying.py").write_text("def clean(table):\n    return table.dropna()\n")
    (folder / "data.csv").write_text("a\n1\n\n3\n")
    return notebook(folder / "train.ipynb", *TRAINING)


def test_a_notebook_runs_on_workers_that_have_only_the_store_and_shares_the_cache(
    mlstack: Any, remote: str, train: str
) -> None:
    done = mlstack("run", train)
    assert done.code == 0, done.err
    assert "load    | loaded 2" in done.err
    run = mlstack("runs", "show", "--json").json
    assert (run["stack"], run["mode"], run["state"]) == ("remote", "remote", "completed")
    assert states(run) == dict.fromkeys(STEPS, "completed")
    outputs = {name: one["inline"] for step in run["steps"] for name, one in step["outputs"].items()}
    assert (outputs["score"], outputs["same"]) == ("12", "true")
    assert mlstack("runs", "logs", "last", "load").out.startswith("loaded 2\n")
    assert mlstack("runs", "notebook", "last", "train", "-o", "train-ran.ipynb").code == 0
    executed = nbformat.read("train-ran.ipynb", as_version=4)
    assert any(cell.get("execution_count") for cell in executed.cells)
    assert mlstack("artifacts", "show", "train::train::score", "--json").json["version"] == 1
    again = mlstack("run", train, "--json").json
    assert {states(again)[name] for name in ("load",)} == {"cached"}


def test_the_cache_is_one_with_the_local_stack(mlstack: Any, remote: str, train: str) -> None:
    mlstack("run", train, "--only", "load")
    assert states(mlstack("run", train, "--only", "load", "--stack", "default", "--json").json) == {"load": "cached"}


def test_a_client_goes_away_and_another_one_finds_the_run(mlstack: Any, remote: str, workspace: Path) -> None:
    slow = notebook(
        workspace.parent / "slow.ipynb",
        "%%step first -> a\nimport time\nprint('begun', flush=True)\ntime.sleep(3)\na = 1",
        "%%step second -> b\nb = a + 1",
    )
    command = [sys.executable, "-m", "mlstack_nb.cli", "run", slow, "--detach"]
    gone = subprocess.run(command, capture_output=True, text=True, check=True)
    run_id = gone.stdout.strip()
    assert f"mlstack runs watch {run_id}" in gone.stderr
    until(lambda: "begun" in mlstack("runs", "logs", run_id, "first").out)
    assert mlstack("runs", "list", "--json").json[0]["state"] == "running"
    watched = mlstack("runs", "watch", run_id)
    assert (watched.code, "second  completed" in watched.err) == (0, True)
    assert states(mlstack("runs", "show", run_id, "--json").json) == {"first": "completed", "second": "completed"}
    assert "is not carried out by an engine" in mlstack("runs", "watch", _local(mlstack, workspace)).err


def _local(mlstack: Any, workspace: Path) -> str:
    quick = notebook(workspace.parent / "quick.ipynb", "%%step only -> a\na = 1")
    return str(mlstack("run", quick, "--stack", "default", "--json").json["id"])


def test_ctrl_c_ends_the_watching_and_not_the_run(mlstack: Any, remote: str, workspace: Path) -> None:
    slow = notebook(workspace.parent / "slow.ipynb", "%%step only -> a\nimport time\ntime.sleep(3)\na = 1")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlstack_nb.cli", "run", slow, "--json"], stderr=subprocess.PIPE, text=True
    )
    until(lambda: [run["state"] for run in mlstack("runs", "list", "--json").json] == ["running"])
    process.send_signal(signal.SIGTERM)
    err = process.communicate(timeout=30)[1]
    assert "goes on without being watched" in err
    assert "Traceback" not in err
    assert mlstack("runs", "watch", "last").code == 0


def test_a_step_that_fails_is_told_and_resumed_where_it_failed(mlstack: Any, remote: str, workspace: Path) -> None:
    cells = ["%%step before -> a\na = 1", "%%step breaks -> b\nb = 1 / 0", "%%step after -> c\nc = b"]
    name = notebook(workspace.parent / "breaks.ipynb", *cells, "%%step beside -> d\nd = a")
    failed = mlstack("run", name)
    assert failed.code == 1
    assert "step 'breaks' failed" in failed.err
    assert "ZeroDivisionError" in failed.err
    assert "cell 2 of breaks" in mlstack("runs", "logs", "last", "breaks").out
    run = mlstack("runs", "show", "--json").json
    ended = {"before": "completed", "breaks": "failed", "after": "skipped", "beside": "completed"}
    assert (run["state"], states(run)) == ("failed", ended)
    assert mlstack("debug", "last", "breaks", "-o", "debug.ipynb").code == 0
    notebook(workspace.parent / "breaks.ipynb", cells[0], "%%step breaks -> b\nb = 1", *cells[2:])
    resumed = mlstack("resume", "last", "--json").json
    assert states(resumed) == {"before": "cached", "breaks": "completed", "after": "completed"}


def test_a_run_is_cancelled_by_another_process(mlstack: Any, remote: str, workspace: Path) -> None:
    name = notebook(
        workspace.parent / "endless.ipynb",
        "%%step endless -> a\nimport time\nprint('begun', flush=True)\ntime.sleep(600)\na = 1",
        "%%step after -> b\nb = a",
    )
    run_id = mlstack("run", name, "--detach").out.strip()
    until(lambda: "begun" in mlstack("runs", "logs", run_id, "endless").out)
    assert mlstack("cancel", run_id).out == f"Run {run_id} is cancelled.\n"
    assert set(states(mlstack("runs", "show", run_id, "--json").json).values()) <= {"cancelled", "skipped"}
    assert mlstack("cancel", run_id).code == 1


def test_a_step_is_tried_again_by_the_engine_and_attempts_are_counted(
    mlstack: Any, remote: str, workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mark = tmp_path_factory.mktemp("outside") / "mark"
    name = notebook(
        workspace.parent / "flaky.ipynb",
        f"%%step flaky -> a --retries 2\nfrom pathlib import Path\nmark = Path({str(mark)!r})\n"
        "if not mark.exists():\n    mark.touch()\n    raise OSError('not yet')\na = 1",
    )
    run = mlstack("run", name, "--json").json
    assert states(run) == {"flaky": "completed"}
    assert mlstack("runs", "show", "--json").json["steps"][0]["attempt"] == 2


def test_a_worker_that_dies_loses_no_step_and_doubles_none(
    mlstack: Any, remote: str, workspace: Path, dask_engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from distributed import Client

    begun = tmp_path_factory.mktemp("outside") / "begun"
    name = notebook(
        workspace.parent / "long.ipynb",
        "%%step quick -> a\na = 1",
        f"%%step long -> b\nimport time\nwith open({str(begun)!r}, 'a') as file:\n    file.write('x')\n"
        "time.sleep(4)\nb = a",
    )
    run_id = mlstack("run", name, "--detach").out.strip()
    until(begun.exists)
    with Client(dask_engine, set_as_default=False) as client:
        for pid in client.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)
    assert mlstack("runs", "watch", run_id).code == 0
    found = states(mlstack("runs", "show", run_id, "--json").json)
    assert found["quick"] == "completed"
    assert found["long"] in ("completed", "cached")
    assert begun.read_text() == "x"


def test_a_whole_notebook_is_one_node_whose_step_cells_are_steps_of_the_run(
    mlstack: Any, remote: str, workspace: Path
) -> None:
    cells = ["%load_ext mlstack_nb", "%%step first -> a\na = 1", "%%step second -> b\nb = a + 1", "print(b)"]
    name = notebook(workspace.parent / "whole.ipynb", *cells)
    assert mlstack("run", name, "--whole").code == 0
    run = mlstack("runs", "show", "--json").json
    assert states(run) == {"whole": "completed", "first": "completed", "second": "completed"}
    again = mlstack("run", name)
    assert again.code == 0
    assert states(mlstack("runs", "show", "--json").json) == {"first": "cached", "second": "cached"}


SCRIPT = """
from mlstack_nb import pipeline, step

@step
def double(number: int = 2) -> int:
    print("doubling", number)
    return 2 * number

@step
def add(one: int, other: int) -> int:
    return one + other

@pipeline
def adding(number: int = 2):
    add(double(number), double(number + 1))

if __name__ == "__main__":
    print(adding(number=20).state)
"""


def test_functions_run_there_too_from_the_command_line_and_from_their_script(
    mlstack: Any, remote: str, workspace: Path
) -> None:
    (workspace.parent / "adding.py").write_text(SCRIPT)
    done = mlstack("run", "adding.py", "-p", "number=20")
    assert done.code == 0, done.err
    assert "double" in done.err
    assert "doubling 20" in done.err
    script = subprocess.run([sys.executable, "adding.py"], capture_output=True, text=True, check=True)
    assert script.stdout.splitlines()[-1] == "cached"


def test_a_script_that_calls_its_pipeline_when_it_is_imported_is_refused(
    mlstack: Any, remote: str, workspace: Path
) -> None:
    (workspace.parent / "eager.py").write_text(SCRIPT.replace('if __name__ == "__main__":\n    ', ""))
    done = mlstack("run", "eager.py:adding")
    assert done.code == 2
    assert "calls its pipeline 'adding' when it is imported" in done.err
    assert "__main__" in done.err


def test_values_that_can_not_travel_are_refused_before_anything_is_submitted(
    mlstack: Any, remote: str, workspace: Path
) -> None:
    (workspace.parent / "adding.py").write_text(
        SCRIPT.replace("number + 1", "number").replace("number: int", "number: object").replace("=20", "=(1, 2)")
    )
    done = subprocess.run([sys.executable, "adding.py"], capture_output=True, text=True, check=False)
    assert "Parameter 'number' is a tuple, which can not travel" in done.stderr
    assert mlstack("runs", "list", "--json").json == []


def test_an_engine_that_is_not_there_fails_the_run_and_says_how_to_start_one(
    mlstack: Any, remote: str, train: str
) -> None:
    mlstack("component", "update", "orchestrator", "cluster", "--address", "tcp://127.0.0.1:9")
    done = mlstack("run", train)
    assert (done.code, "does not reach a Dask scheduler at tcp://127.0.0.1:9" in done.err) == (1, True)
    assert mlstack("runs", "list", "--json").json[0]["state"] == "failed"


def test_a_run_whose_engine_went_away_is_shown_as_it_was_known(mlstack: Any, remote: str, workspace: Path) -> None:
    slow = notebook(workspace.parent / "slow.ipynb", "%%step only -> a\nimport time\ntime.sleep(5)\na = 1")
    run_id = mlstack("run", slow, "--detach").out.strip()
    address = mlstack("component", "describe", "orchestrator", "cluster", "--json").json["configuration"]["address"]
    mlstack("component", "update", "orchestrator", "cluster", "--address", "tcp://127.0.0.1:9")
    shown = mlstack("runs", "list", "--json")
    assert json.loads(shown.out)[0]["state"] in ("pending", "running")
    assert "is shown as it was last known" in shown.err
    mlstack("component", "update", "orchestrator", "cluster", "--address", address)
    assert mlstack("runs", "watch", run_id).code == 0
