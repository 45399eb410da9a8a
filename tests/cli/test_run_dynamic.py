"""`mlstack run`, `resume` and `cancel` over dynamic pipelines, in this process and in processes of their own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)
SCRIPT = """
import time
from pathlib import Path
from mlstack_nb import pipeline, step, unmapped

@step
def load(rows: int = 3) -> list:
    print("loading", rows)
    return list(range(rows))

@step
def square(x: int, bad: int = -1) -> int:
    print("square", x)
    while x == 2 and Path("slow").exists():
        time.sleep(0.01)
    if x == bad and not Path("mended").exists():
        raise ValueError(f"no square of {x}")
    return x * x

@step
def total(xs: list) -> int:
    return sum(xs)

@pipeline(dynamic=True)
def squares(rows: int = 3, bad: int = -1):
    found = total(square.map(load(rows), unmapped(bad)))
    if found.load() > 100:
        square(found)

@pipeline
def wired():
    total(square.map(load(2)))

@pipeline(dynamic=True)
def broken():
    load()
    raise KeyError("mine")
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[str]:
    """A module of its own name in each test, for Python keeps modules."""
    name = f"dynamic_{next(_numbers)}"
    (tmp_path / f"{name}.py").write_text(SCRIPT)
    yield f"{name}.py:squares"
    sys.modules.pop(name, None)


@pytest.fixture
def start(workspace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    begun: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mlstack_nb.cli", *words]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
        pipe = subprocess.PIPE
        begun.append(subprocess.Popen(command, cwd=workspace.parent, env=env, stdout=pipe, stderr=pipe, text=True))
        return begun[-1]

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def states(record: Any) -> dict[str, str]:
    return {one["step"]: one["state"] for one in record["steps"]}


def test_a_run_tells_every_step_as_it_comes_and_what_it_prints(mlstack: Any, script: str) -> None:
    done = mlstack("run", script, "-p", "rows=2")
    assert done.code == 0
    assert "load     | loading 2" in done.err or "load | loading 2" in done.err
    assert "square[1] | square 1" in done.err
    assert mlstack("runs", "logs", "last", "square[1]").out == "square 1\n"
    assert states(mlstack("runs", "show", "last", "--json").json) == {
        "load": "completed",
        "square[0]": "completed",
        "square[1]": "completed",
        "total": "completed",
    }


def test_parameters_are_typed_and_the_body_goes_by_them(mlstack: Any, script: str) -> None:
    run = mlstack("run", script, "-p", "rows=8", "--json").json
    assert "square_2" in {one["step"] for one in run["steps"]}


def test_a_failed_item_is_explained_and_the_run_goes_on_where_it_ended(
    mlstack: Any, script: str, tmp_path: Path
) -> None:
    failed = mlstack("run", script, "-p", "bad=1")
    assert failed.code == 1
    assert "step 'square[1]' failed" in failed.err
    assert "ValueError: no square of 1" in failed.err
    assert states(mlstack("runs", "show", "last", "--json").json)["total"] == "skipped"
    (tmp_path / "mended").touch()
    resumed = mlstack("resume", "last", "--json").json
    assert states(resumed) == {
        "load": "cached",
        "square[0]": "cached",
        "square[1]": "completed",
        "square[2]": "cached",
        "total": "completed",
    }


def test_an_error_of_the_body_is_told_with_its_line_and_without_ours(mlstack: Any, script: str) -> None:
    done = mlstack("run", script.replace("squares", "broken"))
    assert done.code == 1
    assert "The code of pipeline 'broken' failed" in done.err
    assert 'raise KeyError("mine")' in done.err
    assert "mlstack_nb" not in done.err


@pytest.mark.parametrize("words", [["--dry-run"], ["--only", "load"], ["--from", "load"], ["--until", "load"]])
def test_what_must_know_the_steps_before_is_refused(mlstack: Any, script: str, words: list[str]) -> None:
    done = mlstack("run", script, *words)
    assert done.code == 2
    assert "is dynamic" in done.err


def test_steps_may_have_processes_of_their_own(mlstack: Any, script: str) -> None:
    run = mlstack("run", script, "-p", "rows=2", "--isolation", "process", "--json").json
    assert set(states(run).values()) == {"completed"}
    again = mlstack("run", script, "-p", "rows=2", "--json").json
    assert set(states(again).values()) == {"cached"}


def test_items_of_a_wired_step_have_processes_too(mlstack: Any, script: str) -> None:
    run = mlstack("run", script.replace("squares", "wired"), "--isolation", "process", "--json").json
    assert set(states(run).values()) == {"completed"}
    shown = mlstack("runs", "show", run["id"], "--json").json["steps"]
    (item,) = (one for one in shown if one["step"] == "square[1]")
    assert item["outputs"]["output"]["name"] == "wired::square[1]::output"


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_recorded_and_resumes(
    mlstack: Any, start: Callable[..., subprocess.Popen[str]], script: str, tmp_path: Path, word: signal.Signals
) -> None:
    (tmp_path / "slow").touch()
    process = start("run", script)
    wait_for(lambda: "square[2]" in mlstack("runs", "show", "--json").out)
    process.send_signal(word)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (1, False)
    record = mlstack("runs", "show", "last", "--json").json
    assert (record["state"], states(record)["square[2]"]) == ("cancelled", "cancelled")
    (tmp_path / "slow").unlink()
    done = start("resume", "--json")
    resumed = json.loads(done.communicate(timeout=30)[0])
    assert (resumed["state"], states(resumed)["square[2]"]) == ("completed", "completed")


def test_a_run_in_the_background_is_cancelled(
    mlstack: Any, start: Callable[..., subprocess.Popen[str]], script: str, tmp_path: Path
) -> None:
    (tmp_path / "slow").touch()
    run_id = start("run", script, "--detach").communicate(timeout=30)[0].strip()
    wait_for(lambda: "square[2]" in mlstack("runs", "show", run_id, "--json").out)
    assert mlstack("cancel", run_id).out == f"Run {run_id} is cancelled.\n"


def test_a_run_whose_process_was_killed_counts_as_failed_with_the_steps_it_had(
    mlstack: Any, start: Callable[..., subprocess.Popen[str]], script: str, tmp_path: Path
) -> None:
    (tmp_path / "slow").touch()
    process = start("run", script)
    wait_for(lambda: "square[2]" in mlstack("runs", "show", "--json").out)
    process.kill()
    process.communicate()
    record = mlstack("runs", "show", "last", "--json").json
    assert (record["state"], states(record)["square[2]"]) == ("failed", "failed")
    (tmp_path / "slow").unlink()
    assert mlstack("resume", "last", "--json").json["state"] == "completed"


def test_why_tells_of_an_item(mlstack: Any, script: str) -> None:
    mlstack("run", script, "--json")
    mlstack("run", script, "--json")
    assert "from the cache" in mlstack("why", "last", "square[1]").out
