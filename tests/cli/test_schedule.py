"""`mlstack schedule` and `mlstack scheduler`, with the runs that they start."""

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
from mlstack_nb import pipeline, step

@step(enable_cache=False)
def load(rows: int = 3, name: str = "") -> int:
    while Path("slow").exists():
        time.sleep(0.01)
    if Path("broken").exists():
        raise ValueError("too deep")
    return rows

@pipeline
def training(rows: int = 3, name: str = ""):
    load(rows, name)
"""


@pytest.fixture
def script(workspace: Path) -> str:
    path = workspace.parent / f"scheduled_{os.getpid()}_{next(_numbers)}.py"
    path.write_text(SCRIPT)
    return path.name


@pytest.fixture
def start(workspace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mlstack_nb.cli", "scheduler", *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
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
        time.sleep(0.05)
    raise TimeoutError


def events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    return (json.loads(line) for line in process.stdout)


def test_adding_tells_when_it_fires(mlstack: Any, script: str) -> None:
    done = mlstack("schedule", "add", script, "0 6 * * 1-5", "--tz", "Europe/Berlin", "--name", "nightly")
    first, *times = done.out.splitlines()
    assert first == "Added schedule 'nightly': At 06:00 on Monday through Friday, Europe/Berlin."
    assert len(times) == 5
    assert all(" 06:00:00 +0" in time for time in times)
    assert done.err == "Nobody schedules, so nothing runs by itself. Start one: mlstack scheduler\n"


def test_a_schedule_is_shown_as_it_was_added(mlstack: Any, script: str, workspace: Path) -> None:
    options = ["--every", "1h30m", "-p", "rows=4", "-p", "name=a=b", "--stack", "default", "--note", "for Ada"]
    added = mlstack("schedule", "add", script, *options, "--name", "often", "--overlap", "queue", "--json")
    shown = mlstack("schedule", "show", "often", "--json").json
    assert json.loads(added.out) == shown
    assert (shown["parameters"], shown["stack"]) == ({"rows": "4", "name": "a=b"}, "default")
    assert (shown["every_s"], shown["words"], shown["folder"]) == (5400, "Every 1h30m", str(workspace.parent))
    assert (shown["overlap"], shown["catch_up"], shown["grace_s"], shown["last"]) == ("queue", "last", 60, None)
    words = " ".join(mlstack("schedule", "show", "often").out.split())
    assert "parameters rows=4 name=a=b stack default when Every 1h30m" in words


def test_the_listing_says_that_nobody_schedules(mlstack: Any, script: str) -> None:
    assert mlstack("schedule", "list", "--json").json == {"scheduler": None, "schedules": []}
    assert mlstack("schedule", "list").out.startswith("No schedules. Add one:")
    mlstack("schedule", "add", script, "@daily", "--name", "nightly", "--paused")
    listing = mlstack("schedule", "list").out
    assert listing.splitlines()[1].split() == ["nightly", script, "At", "00:00", "every", "day", "Etc/UTC", "paused"]
    assert "Nobody schedules" in listing


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (["{script}", "0 25 * * *"], "The hour '25' of the cron '0 25 * * *' can not be", '"0 6 * * *"'),
        (["{script}", "@daily", "--tz", "Berlin"], "There is no time zone 'Berlin'.", "Did you mean Europe/Berlin?"),
        (["{script}", "@daily", "-p", "rows"], "The parameter 'rows' has no value.", "-p rows=VALUE"),
        (["{script}", "@daily", "--catch-up", "some"], "'some' is not one of 'none', 'last', 'all'", "--help"),
        (["{script}"], "A schedule needs either a cron or an interval.", "--every 10m"),
        (["x{script}", "@daily"], "There is no file 'x", "Did you mean scheduled_"),
    ],
)
def test_what_can_not_be_scheduled_is_one_error(
    mlstack: Any, script: str, words: list[str], what: str, hint: str
) -> None:
    done = mlstack("schedule", "add", *(word.format(script=script) for word in words))
    assert done.code in (1, 2)
    assert what in done.err and hint in done.err
    assert mlstack("schedule", "list", "--json").json["schedules"] == []


def test_what_is_triggered_runs_without_a_scheduler(mlstack: Any, script: str) -> None:
    mlstack("schedule", "add", script, "@yearly", "--name", "rare", "-p", "rows=7", "-p", "name=$(id) --stack x")
    run_id = mlstack("schedule", "trigger", "rare").out.strip()
    (firing,) = wait_for(
        lambda: [one for one in mlstack("schedule", "runs", "rare", "--json").json if one["state"] == "completed"]
    )
    assert (firing["run_id"], firing["origin"]) == (run_id, "by hand")
    run = mlstack("runs", "show", run_id, "--json").json
    assert (run["state"], run["parameters"]) == ("completed", {"rows": 7, "name": "$(id) --stack x"})


def test_a_scheduler_runs_what_is_scheduled_and_tells(mlstack: Any, script: str, start: Any) -> None:
    mlstack("schedule", "add", script, "--every", "0.5s", "--name", "fast", "--catch-up", "none")
    process = start("--json")
    told = events(process)
    assert next(told)["event"] == "leads"
    ended = next(event for event in told if event["event"] == "firing" and event["state"] == "completed")
    assert mlstack("runs", "show", ended["run_id"], "--json").json["state"] == "completed"
    assert (ended["schedule"], ended["exit_code"]) == ("fast", 0)
    assert ended["lateness_s"] > 0
    leader = mlstack("schedule", "list", "--json").json["scheduler"]
    assert leader["pid"] == process.pid
    assert f"Process {process.pid} on " in mlstack("schedule", "list").out
    second = start()
    _, err = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"Process {process.pid} on " in err and "mlstack scheduler --wait" in err
    mlstack("schedule", "pause", "fast")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert [event["event"] for event in told][-1] == "stopped"
    assert mlstack("schedule", "list", "--json").json["scheduler"] is None


def test_a_killed_schedulers_run_is_taken_over_with_its_result(
    mlstack: Any, script: str, start: Any, tmp_path: Path
) -> None:
    (tmp_path / "slow").touch()
    mlstack("schedule", "add", script, "@yearly", "--name", "rare")
    first, second = start("--json"), None
    assert next(events(first))["event"] == "leads"
    run_id = mlstack("schedule", "trigger", "rare").out.strip()
    wait_for(lambda: mlstack("schedule", "show", "rare", "--json").json["last"]["state"] == "running")
    wait_for(lambda: mlstack("runs", "list", "--json").json)
    first.kill()
    second = start("--json", "--wait")
    (tmp_path / "slow").unlink()
    ended = next(event for event in events(second) if event.get("state") == "completed")
    assert (ended["run_id"], ended["exit_code"]) == (run_id, None)
    assert [run["id"] for run in mlstack("runs", "list", "--json").json] == [run_id]


def test_once_waits_for_what_it_starts_and_fails_with_it(mlstack: Any, script: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    mlstack("schedule", "add", script, "--every", "0.1s", "--name", "fast")
    time.sleep(0.1)
    done = mlstack("scheduler", "--once")
    assert (done.code, done.err) == (1, "")
    mlstack("schedule", "pause", "fast")
    (firing,) = mlstack("schedule", "runs", "fast", "--json").json
    assert (firing["state"], firing["exit_code"]) == ("failed", 1)
    assert firing["reason"] == f"see: mlstack runs show {firing['run_id']}"
    assert f"failed     fast  {firing['run_id']}" in done.out


def test_a_target_that_was_removed_fails_with_what_the_run_said(mlstack: Any, script: str, tmp_path: Path) -> None:
    mlstack("schedule", "add", script, "@yearly", "--name", "rare")
    (tmp_path / script).unlink()
    mlstack("schedule", "trigger", "rare")
    (firing,) = wait_for(
        lambda: [one for one in mlstack("schedule", "runs", "rare", "--json").json if one["state"] == "failed"]
    )
    assert firing["reason"].startswith(f"Error: There is no file {script}. -> ")


def test_pausing_resuming_and_removing_are_told(mlstack: Any, script: str) -> None:
    mlstack("schedule", "add", script, "@daily", "--tz", "UTC", "--name", "nightly")
    assert mlstack("schedule", "pause", "nightly").out.startswith("Paused schedule 'nightly'.")
    assert mlstack("schedule", "pause", "nightly").code == 1
    assert " 00:00:00 +00:00" in mlstack("schedule", "resume", "nightly").out
    assert mlstack("schedule", "runs", "nightly").out == "Schedule 'nightly' has not fired yet.\n"
    assert mlstack("schedule", "remove", "nightly").out == "Removed schedule 'nightly'.\n"
    assert "Did you mean" not in mlstack("schedule", "show", "nightly").err
