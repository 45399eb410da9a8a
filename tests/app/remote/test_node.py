"""`python -m mlstack_nb.run_node`: one step, in a process that has the store's address and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app import components, stacks
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.remote.submission import Submission, store_variable
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.stack import Kind
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import ConfigError

PIPELINE = """
import os
from pathlib import Path
from mlstack_nb import pipeline, step

@step
def first(number: int = 1) -> int:
    print("first in", Path.cwd().name)
    return number

@step
def second(one: int) -> int:
    if Path("/nowhere/at/all").exists():
        return 0
    return one // int(os.environ.get("DIVISOR", "1"))

@pipeline
def both(number: int = 1):
    second(first(number))
"""

RunNode = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def store(workspace: Path) -> Store:
    place = Workspace(workspace)
    # nothing listens there: what a node needs is in the store before the engine is asked
    address = {"address": "tcp://127.0.0.1:9"}
    components.register(place, Kind.ORCHESTRATOR, "absent", flavor="dask", configuration=address)
    stacks.register(place, "remote", {Kind.ORCHESTRATOR: "absent", Kind.ARTIFACT_STORE: "default"})
    return Runtime.current(workspace=place, stack="remote").engine.store


@pytest.fixture
def submitted(store: Store, workspace: Path) -> str:
    (workspace.parent / "both.py").write_text(PIPELINE)
    launch = prepare(Request("both.py", stack="remote", texts={"number": "6"}))
    with pytest.raises(ConfigError):
        launch.submit()
    return launch.request.run_id


@pytest.fixture
def run_node(store: Store, submitted: str, tmp_path_factory: pytest.TempPathFactory) -> RunNode:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    known = store_variable(dict(Submission.read(store, submitted).stack))

    def run(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        given = {**kept, "HOME": str(elsewhere), "MLSTACK_STORE": known, **variables}
        environment = {name: value for name, value in given.items() if value is not None}
        command = [sys.executable, "-m", "mlstack_nb.run_node", *words]
        return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)

    return run


def step_of(store: Store, run_id: str, name: str) -> Any:
    found = store.step(run_id, name)
    assert found is not None
    return found


def test_a_step_runs_from_the_store_alone_and_leaves_record_and_log_there(
    run_node: RunNode, store: Store, submitted: str
) -> None:
    done = run_node(submitted, "first")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "first in code\n"
    record = step_of(store, submitted, "first")
    assert (record.state, record.attempt, record.outputs["output"].inline) == (State.COMPLETED, 1, "6")
    assert store.files.read(f"runs/{submitted}/steps/first.log") == b"first in code\n"
    assert run_node(submitted, "second").returncode == 0
    assert step_of(store, submitted, "second").outputs["output"].inline == "6"


def test_an_engine_that_asks_again_gets_the_same_answer_without_a_second_run(
    run_node: RunNode, store: Store, submitted: str
) -> None:
    run_node(submitted, "first")
    again = run_node(submitted, "first")
    assert (again.returncode, again.stdout) == (0, "")
    assert step_of(store, submitted, "first").attempt == 1


def test_a_step_that_fails_is_recorded_told_and_counted_when_it_is_tried_again(
    run_node: RunNode, store: Store, submitted: str
) -> None:
    run_node(submitted, "first")
    done = run_node(submitted, "second", DIVISOR="0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "mlstack_nb/" not in done.stderr
    record = step_of(store, submitted, "second")
    assert (record.state, record.failure.type) == (State.FAILED, "ZeroDivisionError")
    assert run_node(submitted, "second").returncode == 0
    assert step_of(store, submitted, "second").attempt == 2


def test_what_needs_a_step_that_did_not_end_well_is_skipped(run_node: RunNode, store: Store, submitted: str) -> None:
    store.put_step(StepRun(submitted, "first", State.FAILED, started_at=1.0, ended_at=2.0))
    assert run_node(submitted, "second").returncode == 0
    assert step_of(store, submitted, "second").state is State.SKIPPED


def test_an_engine_that_begins_runs_by_itself_names_them(run_node: RunNode, store: Store, submitted: str) -> None:
    assert run_node(submitted, "first", MLSTACK_RUN_ID="nightly-7").returncode == 0
    assert run_node(submitted, "second", MLSTACK_RUN_ID="nightly-7").returncode == 0
    assert store.step(submitted, "first") is None
    assert step_of(store, "nightly-7", "second").state is State.COMPLETED
    assert store.plan("nightly-7").run_id == "nightly-7"
    assert run_node(submitted, "first", MLSTACK_RUN_ID="../x").returncode == 2


@pytest.mark.parametrize(
    ("store_text", "told"),
    [
        (None, "MLSTACK_STORE is not set"),
        ("nonsense", "does not describe an artifact store"),
        ("[]", "does not describe an artifact store"),
        ('{"flavor": "nowhere"}', "nowhere"),
        ('{"flavor": "local", "configuration": {"paht": "/x"}}', "does not describe an artifact store"),
        ('{"flavor": "local", "configuration": {"path": "/nowhere/x"}}', "was not submitted from the store"),
    ],
)
def test_a_node_that_can_not_find_its_run_says_why(
    run_node: RunNode, submitted: str, store_text: str | None, told: str
) -> None:
    done = run_node(submitted, "first", MLSTACK_STORE=store_text)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_node_that_can_not_begin_leaves_that_in_its_record(run_node: RunNode, store: Store, submitted: str) -> None:
    submission = Submission.read(store, submitted)
    store.files.delete(f"code/{submission.code}.tar.zst")
    done = run_node(submitted, "first")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    record = step_of(store, submitted, "first")
    assert (record.state, record.failure.type) == (State.FAILED, "ObjectMissingError")
    assert run_node(submitted, "frist").returncode == 2
    assert run_node("only-one-word").returncode == 2


def test_the_record_of_a_submission_and_its_plan_hold_no_secret(store: Store, workspace: Path, tmp_path: Path) -> None:
    place = Workspace(workspace)
    secret = {"tracking_uri": "http://127.0.0.1:9", "tracking_username": "me", "tracking_password": "hunter2"}
    components.register(place, Kind.EXPERIMENT_TRACKER, "server", flavor="mlflow", configuration=secret)
    stacks.update(place, "remote", {Kind.EXPERIMENT_TRACKER: "server"})
    (workspace.parent / "both.py").write_text(PIPELINE)
    launch = prepare(Request("both.py", stack="remote"))
    with pytest.raises(ConfigError):
        launch.submit()
    kept = b"".join(store.files.read(path) for path in store.files.paths(f"runs/{launch.request.run_id}"))
    assert b"http://127.0.0.1:9" in kept
    assert b"hunter2" not in kept


def test_a_step_that_is_told_to_stop_is_recorded_as_cancelled(
    store: Store, workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slow = PIPELINE.replace(
        '    print("first in", Path.cwd().name)\n', '    import time\n    print("in", flush=True)\n    time.sleep(60)\n'
    )
    (workspace.parent / "slow.py").write_text(slow)
    launch = prepare(Request("slow.py", stack="remote"))
    with pytest.raises(ConfigError):
        launch.submit()
    run_id = launch.request.run_id
    known = store_variable(dict(Submission.read(store, run_id).stack))
    process = subprocess.Popen(
        [sys.executable, "-m", "mlstack_nb.run_node", run_id, "first"],
        env={**os.environ, "MLSTACK_STORE": known},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    process.terminate()
    assert process.wait(30) == 130
    assert step_of(store, run_id, "first").state is State.CANCELLED
