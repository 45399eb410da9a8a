from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlstack_nb.app import runs
from mlstack_nb.app.workspace import Workspace

EXPECTED = float(np.arange(7, 100_007.0).sum())


@pytest.fixture(scope="module")
def crashes(tmp_path_factory):
    script = Path(__file__).parent / "crashing.py"
    folder = tmp_path_factory.mktemp("crashes")
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *killed, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["exit"] == 0, done.stderr
    return killed


def test_a_run_is_killed_at_every_change_it_makes_to_the_disk(crashes):
    assert len(crashes) >= 12


def test_the_next_run_gives_the_right_result_without_repair(crashes):
    assert {crash["total"] for crash in crashes} == {EXPECTED}
    assert {crash["exit"] for crash in crashes} == {0}


def test_what_was_committed_before_the_kill_is_not_computed_again(crashes):
    outcomes = {tuple(crash["states"]) for crash in crashes}
    assert ("completed", "completed") in outcomes
    assert ("cached", "completed") in outcomes
    assert outcomes <= {("completed", "completed"), ("cached", "completed"), ("cached", "cached")}


def test_nothing_half_written_stays(crashes):
    assert {tuple(crash["left"]) for crash in crashes} == {()}
    assert {crash["objects"] for crash in crashes} == {1}


def test_a_dead_run_never_reads_as_running(crashes):
    assert {state for crash in crashes for state in crash["before"]} <= {"failed", "completed"}


def test_a_run_killed_in_a_steps_code_reads_as_failed_at_once(workspace):
    code = """
import time
from mlstack_nb import pipeline, step

@step
def wait() -> int:
    print("in the step", flush=True)
    time.sleep(60)
    return 1

@pipeline
def waiting():
    wait()

waiting()
"""
    (workspace.parent / "script.py").write_text(code)
    process = subprocess.Popen([sys.executable, "script.py"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "in the step\n"
    assert runs.show(Workspace.find())["state"] == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = runs.show(Workspace.find())
    assert (run["state"], run["steps"][0]["state"]) == ("failed", "failed")
