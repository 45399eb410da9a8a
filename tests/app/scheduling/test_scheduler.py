"""Schedulers that are killed and that compete: every firing runs, and none runs twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.scheduling import schedules
from mlstack_nb.app.scheduling.wanted import Wanted
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.schedule import CatchUp, Overlap

SCRIPT = Path(__file__).parent / "scheduler_process.py"
OPEN = {"pending", "running"}

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def start(workspace: Path) -> Iterator[Start]:
    """Starts a scheduler, which waits where there is one; all are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        started.append(subprocess.Popen([sys.executable, SCRIPT, "run"], stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ran(workspace: Path) -> list[float]:
    place = workspace.parent / "ran"
    return [float(line) for line in place.read_text().splitlines()] if place.exists() else []


def add(workspace: Path, **options: Any) -> Workspace:
    (workspace.parent / "nothing.py").touch()
    found = Workspace(workspace)
    schedules.add(found, Wanted("nothing.py", name="fast", **options))
    return found


def runs(workspace: Workspace) -> list[dict[str, Any]]:
    return schedules.runs(workspace, "fast")


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A scheduler killed at each change it makes, and what a second one made of it; two firings are caught up."""
    folder = tmp_path_factory.mktemp("crashes")
    done = subprocess.run([sys.executable, SCRIPT, "crash", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *killed, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["codes"] == [0, 0]
    return killed


def test_a_scheduler_is_killed_at_every_change_it_makes(crashes: list[dict[str, Any]]) -> None:
    assert {tuple(crash["codes"]) for crash in crashes} == {(-signal.SIGKILL, 0)}
    assert len(crashes) >= 12


def test_wherever_a_scheduler_is_killed_every_firing_runs_exactly_once(crashes: list[dict[str, Any]]) -> None:
    assert [len(crash["ran"]) for crash in crashes] == [2] * len(crashes)
    assert [len(set(crash["ran"])) for crash in crashes] == [2] * len(crashes)


def test_wherever_a_scheduler_is_killed_no_firing_stays_open(crashes: list[dict[str, Any]]) -> None:
    assert [len(crash["firings"]) for crash in crashes] == [2] * len(crashes)
    assert {firing["state"] for crash in crashes for firing in crash["firings"]} & OPEN == set()


def test_a_run_survives_its_scheduler_and_the_next_one_adopts_it(workspace: Path, start: Start) -> None:
    found = add(workspace, every="0.3s", overlap=Overlap.SKIP)
    (workspace.parent / "hold").touch()
    first = start()
    assert line_of(first) == "leads"
    second = start()
    assert line_of(second) == "waits"
    running = wait_for(lambda: [firing for firing in runs(found) if firing["state"] == "running"])
    schedules.pause(found, "fast")
    first.kill()
    assert line_of(second) == "leads"
    assert line_of(second) == f"running {running[0]['run_id']}"
    (adopted,) = [firing for firing in runs(found) if firing["state"] == "running"]
    assert (adopted["run_id"], adopted["pid"]) == (running[0]["run_id"], running[0]["pid"])
    (workspace.parent / "hold").unlink()
    wait_for(lambda: not OPEN & {firing["state"] for firing in runs(found)})
    assert len(ran(workspace)) == 1


def test_a_scheduler_that_is_told_to_stop_leaves_its_runs_alone(workspace: Path, start: Start) -> None:
    found = add(workspace, every="0.3s")
    (workspace.parent / "hold").touch()
    process = start()
    wait_for(lambda: ran(workspace))
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert schedules.scheduler(found) is None
    schedules.pause(found, "fast")
    assert [firing["state"] for firing in runs(found) if firing["state"] in OPEN] == ["running"]
    (workspace.parent / "hold").unlink()
    wait_for(lambda: not OPEN & {firing["state"] for firing in runs(found)})
    assert len(ran(workspace)) == 1


def test_schedulers_that_are_killed_again_and_again_lose_and_double_nothing(workspace: Path, start: Start) -> None:
    found = add(workspace, every="0.3s", catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
    begun = time.time()
    chance = random.Random(4)
    processes = [start(), start()]
    for _ in range(6):
        time.sleep(0.3 + chance.random())
        processes.pop(chance.randrange(2)).kill()
        processes.append(start())
    wait_for(lambda: len(runs(found)) >= 10)
    schedules.pause(found, "fast")
    wait_for(lambda: not OPEN & {firing["state"] for firing in runs(found)})
    numbers = [round((float(moment) - begun) / 0.3) for moment in sorted(ran(workspace))]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(ran(workspace)) == len(runs(found))
