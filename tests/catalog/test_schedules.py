from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlstack_nb.catalog import firings, leaders, schedules
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.firings import Permission
from mlstack_nb.catalog.leaders import Leader
from mlstack_nb.core.run import State
from mlstack_nb.core.schedule import CatchUp, Firing, Origin, Overlap, Schedule
from mlstack_nb.errors import CatalogError
from mlstack_nb.ports.owner import Owner

HERE = Owner.of_this_process()
SCHEDULE = Schedule(
    name="nightly",
    target="train.ipynb",
    folder="/somewhere",
    parameters={"depth": "5", "name": "=x y"},
    stack=None,
    cron="0 6 * * 1-5",
    every_s=None,
    zone="Europe/Berlin",
    grace_s=60.0,
    catch_up=CatchUp.LAST,
    overlap=Overlap.QUEUE,
    note="",
    created_at=1000.0,
    settled_until=1000.0,
)


def firing(moment: float = 2000.0, **changes: object) -> Firing:
    made = Firing("nightly", moment, Origin.SCHEDULED, State.PENDING, claimed_at=moment, run_id=f"run {moment}")
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def nightly(catalog: Catalog) -> Catalog:
    with catalog.write() as connection:
        schedules.add_schedule(connection, SCHEDULE)
    return catalog


def claim(catalog: Catalog, *claimed: Firing) -> None:
    with catalog.write() as connection:
        for one in claimed:
            firings.claim(connection, one)


def begin(catalog: Catalog, run_id: str) -> Permission:
    with catalog.write() as connection:
        return firings.begin(connection, run_id, HERE, at=2001.0)


def test_a_schedule_comes_back_as_it_was_put(nightly: Catalog) -> None:
    with nightly.read() as connection:
        assert schedules.find_schedule(connection, "nightly") == SCHEDULE
        assert schedules.list_schedules(connection) == [SCHEDULE]
        assert schedules.find_schedule(connection, "other") is None


def test_only_who_read_it_last_settles_a_schedule(nightly: Catalog) -> None:
    with nightly.write() as connection:
        assert schedules.settle(connection, SCHEDULE, until=2000)
        assert not schedules.settle(connection, SCHEDULE, until=3000)
        assert not schedules.settle(connection, replace(SCHEDULE, settled_until=2000, created_at=1), until=3000)
        schedules.pause(connection, "nightly", at=2100)
        assert not schedules.settle(connection, replace(SCHEDULE, settled_until=2000), until=3000)
        schedules.resume(connection, "nightly", at=2500)
        found = schedules.find_schedule(connection, "nightly")
        assert found is not None and (found.settled_until, found.paused_at) == (2500, None)


def test_a_moment_is_claimed_once(nightly: Catalog) -> None:
    claim(nightly, firing())
    with pytest.raises(CatalogError, match="UNIQUE"):
        claim(nightly, firing(run_id="another"))


def test_a_firing_is_begun_once(nightly: Catalog) -> None:
    claim(nightly, firing())
    assert [begin(nightly, "run 2000.0") for _ in range(2)] == [Permission.BEGUN, Permission.GONE]
    assert begin(nightly, "never claimed") is Permission.GONE
    with nightly.read() as connection:
        ((found, owner),) = firings.open_firings(connection)
    assert (found.state, found.pid, found.lateness_s, owner) == (State.RUNNING, HERE.pid, 1.0, HERE)


def test_of_eight_processes_that_want_to_begin_a_firing_one_may(nightly: Catalog, path: Path) -> None:
    claim(nightly, firing())
    code = """
import sys
from pathlib import Path
from mlstack_nb.catalog import firings
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.ports.owner import Owner
catalog = Catalog.open(Path(sys.argv[1]))
sys.stdin.read()
with catalog.write() as connection:
    print(firings.begin(connection, "run 2000.0", Owner.of_this_process(), at=1.0).name)
"""
    command = [sys.executable, "-c", code, str(path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    answers = [process.communicate()[0].strip() for process in processes]
    assert sorted(answers) == ["BEGUN", *["GONE"] * 7]


def test_a_queue_begins_in_order_and_one_at_a_time(nightly: Catalog) -> None:
    claim(nightly, firing(3000.0), firing(2000.0))
    assert begin(nightly, "run 3000.0") is Permission.WAIT
    assert begin(nightly, "run 2000.0") is Permission.BEGUN
    assert begin(nightly, "run 3000.0") is Permission.WAIT
    with nightly.write() as connection:
        firings.end(connection, "run 2000.0", state=State.FAILED, at=2500.0, exit_code=1, reason="why")
    assert begin(nightly, "run 3000.0") is Permission.BEGUN


def test_by_hand_a_firing_begins_at_once(nightly: Catalog) -> None:
    claim(nightly, firing(2000.0), firing(3000.0, origin=Origin.BY_HAND))
    assert begin(nightly, "run 3000.0") is Permission.BEGUN


def test_a_firing_ends_once_and_keeps_what_was_said_before(nightly: Catalog) -> None:
    claim(nightly, firing(reason="2 before it were missed"))
    begin(nightly, "run 2000.0")
    with nightly.write() as connection:
        ended = firings.end(connection, "run 2000.0", state=State.COMPLETED, at=2011.0, exit_code=0)
        assert ended is not None
        assert (ended.exit_code, ended.duration_s, ended.reason) == (0, 10.0, "2 before it were missed")
        assert firings.end(connection, "run 2000.0", state=State.FAILED, at=2012.0) is None
        assert firings.list_firings(connection, "nightly") == [ended]
        assert firings.last_firings(connection) == {"nightly": ended}


def test_the_firings_of_a_schedule_go_with_it(nightly: Catalog) -> None:
    claim(nightly, firing())
    with nightly.write() as connection:
        schedules.delete_schedule(connection, "nightly")
        assert firings.open_firings(connection) == []


def candidate(holder: str, now: float, owner: Owner = HERE) -> Leader:
    return Leader(holder, owner, now, now + 15)


def test_an_office_is_held_as_long_as_it_is_renewed(catalog: Catalog) -> None:
    with catalog.write() as connection:
        first = leaders.take(connection, "duty", candidate("a", 100))
        assert leaders.take(connection, "duty", candidate("b", 110)) == first
        assert leaders.take(connection, "duty", candidate("a", 110)) == replace(first, expires_at=125)
        assert leaders.take(connection, "duty", candidate("b", 120)).holder == "a"
        assert leaders.take(connection, "duty", candidate("b", 126)) == candidate("b", 126)
        assert leaders.take(connection, "duty", candidate("a", 127)).holder == "b"


def test_an_office_is_free_at_once_when_its_process_is_gone(catalog: Catalog) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = Owner(HERE.host, process.pid, 1)
    with catalog.write() as connection:
        leaders.take(connection, "duty", candidate("a", 100, gone))
        assert leaders.take(connection, "duty", candidate("b", 101)).holder == "b"


def test_who_does_not_hold_an_office_can_not_leave_it(catalog: Catalog) -> None:
    with catalog.write() as connection:
        leaders.take(connection, "duty", candidate("a", 100))
        leaders.resign(connection, "duty", "b")
        assert leaders.find_leader(connection, "duty") == candidate("a", 100)
        leaders.resign(connection, "duty", "a")
        assert leaders.find_leader(connection, "duty") is None
