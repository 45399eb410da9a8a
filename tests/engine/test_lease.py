from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from mlstack_nb.core.run import State
from mlstack_nb.engine import lease
from mlstack_nb.engine.calls import StepCall
from mlstack_nb.engine.execute import run_sync
from mlstack_nb.engine.keys import cache_key
from mlstack_nb.engine.lease import Leases
from mlstack_nb.engine.runner import drive
from mlstack_nb.ports.owner import Owner

KEY = "k" * 64

HOLDER = """
import sys, time
from pathlib import Path
from mlstack_nb.engine.keys import cache_key
from mlstack_nb.engine.lease import Leases
from mlstack_nb.flavors.artifact_store.local import LocalArtifactStore as S
files = S("default", S.Config(path=sys.argv[1]), Path(sys.argv[1]))
with Leases(files).holding(sys.argv[2]):
    while not list(files.paths("leases")):
        time.sleep(0.01)
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(files):
    """Another process that works on a key until it is told to stop."""
    started = []

    def start(key=KEY):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, files.root, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def leases_in(files):
    return list(files.paths("leases"))


def test_a_short_step_takes_no_lease(files):
    with Leases(files).holding(KEY):
        pass
    assert leases_in(files) == []


def test_a_long_one_takes_it_and_gives_it_back(files):
    with Leases(files).holding(KEY):
        wait_until(lambda: leases_in(files))
    assert leases_in(files) == []


def wait_until(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_a_waiter_waits_for_the_holder_and_takes_what_it_left(files, holder):
    process = holder()
    told = []
    found = []
    waiter = threading.Thread(
        target=lambda: found.append(Leases(files).wait(KEY, lambda: files.exists("done") or None, notice=told.append))
    )
    waiter.start()
    wait_until(lambda: told)
    assert told[0].pid == process.pid
    assert waiter.is_alive()
    files.write("done", b"")
    waiter.join(10)
    assert found == [True]


def test_nobody_is_waited_for_when_nobody_holds_it(files):
    assert Leases(files).wait(KEY, lambda: "never asked", notice=print) is None


def test_a_killed_holders_lease_is_taken_over_at_once(files, holder):
    process = holder()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert leases_in(files)
    assert Leases(files).wait(KEY, lambda: None, notice=pytest.fail) is None
    with Leases(files).holding(KEY):
        wait_until(lambda: any(path.endswith(".1.json") for path in leases_in(files)))
    assert leases_in(files) == []


def test_a_silent_holder_on_another_host_counts_as_dead(files):
    stale = {"owner": {"host": "elsewhere", "pid": 1, "ticks": 1}, "beat": time.time() - lease.SILENCE_S - 1}
    files.write(f"leases/kk/{KEY}.0.json", json.dumps(stale).encode())
    assert Leases(files).wait(KEY, lambda: None, notice=pytest.fail) is None


def test_a_lease_is_renewed(files, monkeypatch):
    monkeypatch.setattr(lease, "BEAT_S", 0.1)
    path = f"leases/kk/{KEY}.0.json"
    with Leases(files).holding(KEY):
        wait_until(lambda: files.exists(path))
        first = json.loads(files.read(path))
        wait_until(lambda: json.loads(files.read(path))["beat"] > first["beat"])
    assert Owner(**first["owner"]) == Owner.of_this_process()


def test_a_step_that_another_process_runs_is_waited_for_and_comes_from_the_cache(engine, make_step, holder, notices):
    call = StepCall(make_step(), "r", "p")
    process = holder(cache_key(call.step, inputs={}, parameters={}))
    results = []
    waiting = threading.Thread(target=lambda: results.append(run_sync(drive(call, engine), lambda _: {"out": 2})))
    waiting.start()
    wait_until(lambda: notices)
    assert f"process {process.pid} on {os.uname().nodename} is running it" in notices[0]
    run_sync(drive(StepCall(make_step(cache=False), "r", "p"), engine), lambda _: {"out": 1})
    waiting.join(10)
    assert results[0].run.state is State.CACHED
    assert results[0].outputs["out"].get() == 1
