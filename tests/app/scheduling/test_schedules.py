"""Schedules whose time has come: the clock is set by hand, the processes are real."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mlstack_nb.app.scheduling import scheduler as scheduler_module
from mlstack_nb.app.scheduling import schedules
from mlstack_nb.app.scheduling.firing_claims import claim_due
from mlstack_nb.app.scheduling.firing_runs import run_command
from mlstack_nb.app.scheduling.scheduler import Scheduler
from mlstack_nb.app.scheduling.wanted import Wanted
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import schedule_tables
from mlstack_nb.catalog import schedules as rows
from mlstack_nb.core.run import State
from mlstack_nb.core.schedule import CatchUp, Firing, Origin, Overlap, Schedule
from mlstack_nb.errors import ConflictError, NotFoundError, UsageError

HOUR = 3600.0
NOTES_ITS_RUN = """
import os, sys, time
file = os.open("ran", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
os.write(file, f"{sys.argv[1]}\\n".encode())
while os.path.exists("hold"):
    time.sleep(0.02)
if os.path.exists("broken"):
    print("Error: out of luck\\n  -> Try again.")
    sys.exit(3)
"""


def command_for(_schedule: Schedule, firing: Firing) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", NOTES_ITS_RUN, repr(firing.moment)]


class Days:
    """A workspace with schedulers in this process, at times of the test's choice."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.folder = root.parent
        self.now = time.time()
        self.told: list[Firing] = []
        self.troubles: list[str] = []
        self.scheduler = Scheduler(self.workspace, self, command_for=command_for, clock=lambda: self.now)
        (self.folder / "nothing.py").touch()

    def firing(self, firing: Firing) -> None:
        self.told.append(firing)

    def leads(self) -> None:
        pass

    def waits(self, _leader: object) -> None:
        pass

    def trouble(self, what: str) -> None:
        self.troubles.append(what)

    def add(self, **options: Any) -> dict[str, Any]:
        return schedules.add(self.workspace, Wanted("nothing.py", **{"every": "1h", "name": "hourly", **options}))

    def pass_by(self, hours: float) -> None:
        """Time goes on, and nobody schedules."""
        self.now += hours * HOUR

    def work(self) -> None:
        """A scheduler does what is due, and ends when all of it has ended."""
        self.scheduler.run_once()

    def tick_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            self.scheduler.tick()
            time.sleep(0.02)

    def firings(self, name: str = "hourly") -> list[dict[str, Any]]:
        """Oldest first."""
        return schedules.runs(self.workspace, name)[::-1]

    def states(self) -> list[str]:
        return [firing["state"] for firing in self.firings()]

    @property
    def ran(self) -> list[float]:
        """The moments of what ran, in the order in which it began."""
        place = self.folder / "ran"
        return [float(line) for line in place.read_text().splitlines()] if place.exists() else []


@pytest.fixture
def days(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Days:
    monkeypatch.setattr(scheduler_module, "POLL_S", 0.02)
    return Days(workspace)


def test_a_firing_runs_at_its_time_and_once(days: Days) -> None:
    days.add()
    days.work()
    assert days.ran == []
    days.pass_by(1.001)
    days.work()
    days.work()
    (firing,) = days.firings()
    assert (firing["state"], firing["origin"], firing["exit_code"], firing["reason"]) == (
        "completed",
        "scheduled",
        0,
        "",
    )
    assert len(days.ran) == 1
    assert {told.state for told in days.told} <= {State.RUNNING, State.COMPLETED}


def test_within_the_grace_a_late_firing_is_none_that_was_missed(days: Days) -> None:
    days.add(grace="30m", catch_up=CatchUp.NONE)
    days.pass_by(1.4)
    days.work()
    assert [(firing["state"], firing["origin"]) for firing in days.firings()] == [("completed", "scheduled")]


def test_nothing_is_caught_up_unless_asked_for(days: Days) -> None:
    days.add(catch_up=CatchUp.NONE)
    days.pass_by(3.5)
    days.work()
    assert days.ran == []
    assert [(firing["state"], firing["reason"], firing["run_id"]) for firing in days.firings()] == [
        ("skipped", "missed; 2 before it were missed", None)
    ]
    days.pass_by(0.501)
    days.work()
    assert days.states() == ["skipped", "completed"]


def test_the_last_missed_firing_is_caught_up_once(days: Days) -> None:
    added = days.add(catch_up=CatchUp.LAST)
    days.pass_by(3.5)
    days.work()
    days.work()
    (firing,) = days.firings()
    assert (firing["state"], firing["origin"]) == ("completed", "caught up")
    assert firing["reason"] == "2 before it were missed"
    assert firing["moment"][:16] == added["next"][2][:16]


def test_all_missed_firings_are_caught_up_one_after_the_other(days: Days) -> None:
    days.add(catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
    days.pass_by(4.5)
    (days.folder / "hold").touch()
    days.tick_until(lambda: "running" in days.states())
    for _ in range(5):
        days.scheduler.tick()
    assert days.states() == ["running", "pending", "pending", "pending"]
    (days.folder / "hold").unlink()
    days.work()
    assert days.states() == ["completed"] * 4
    assert days.ran == sorted(set(days.ran)) and len(days.ran) == 4


def test_a_year_of_missed_minutes_is_caught_up_in_portions(days: Days) -> None:
    days.add(every="1m", catch_up=CatchUp.ALL)
    (days.folder / "hold").touch()
    days.pass_by(24 * 365)
    days.scheduler.tick()
    assert len(days.firings()) == 100
    schedules.remove(days.workspace, "hourly")
    (days.folder / "hold").unlink()
    days.work()


def test_a_year_of_missed_minutes_is_one_firing_where_the_last_counts(days: Days) -> None:
    days.add(every="1m")
    days.pass_by(24 * 365)
    days.work()
    assert [firing["reason"] for firing in days.firings()] == ["999 or more before it were missed"]


def test_a_paused_schedule_rests_and_its_pause_is_not_caught_up(days: Days) -> None:
    days.add(catch_up=CatchUp.ALL)
    schedules.pause(days.workspace, "hourly")
    assert schedules.show(days.workspace, "hourly")["next"] == []
    days.pass_by(5.5)
    days.work()
    with days.workspace.catalog.write() as connection:
        rows.resume(connection, "hourly", at=days.now)
    days.work()
    assert days.firings() == []
    days.pass_by(0.501)
    days.work()
    assert days.states() == ["completed"]


def test_pausing_and_resuming_twice_is_refused(days: Days) -> None:
    days.add(is_paused=True)
    with pytest.raises(ConflictError, match="paused already"):
        schedules.pause(days.workspace, "hourly")
    schedules.resume(days.workspace, "hourly")
    with pytest.raises(ConflictError, match="is not paused"):
        schedules.resume(days.workspace, "hourly")


@pytest.mark.parametrize(
    ("overlap", "meanwhile", "ran"),
    [
        (Overlap.SKIP, ["running", "skipped"], 1),
        (Overlap.QUEUE, ["running", "pending"], 2),
        (Overlap.ALLOW, ["running", "running"], 2),
    ],
)
def test_a_firing_that_comes_while_the_one_before_runs(
    days: Days, overlap: Overlap, meanwhile: list[str], ran: int
) -> None:
    days.add(overlap=overlap)
    (days.folder / "hold").touch()
    days.pass_by(1.001)
    days.tick_until(lambda: days.states() == ["running"])
    days.pass_by(1)
    days.tick_until(lambda: days.states() == meanwhile)
    days.scheduler.tick()
    assert days.states() == meanwhile
    (days.folder / "hold").unlink()
    days.work()
    assert days.ran == sorted(set(days.ran)) and len(days.ran) == ran
    skipped = [firing["reason"] for firing in days.firings() if firing["state"] == "skipped"]
    assert all(reason == f"run {days.firings()[0]['run_id']} was still going on" for reason in skipped)


@pytest.mark.parametrize(
    ("catch_up", "hours", "states"),
    [
        (CatchUp.NONE, 0.01, ["completed"]),
        (CatchUp.NONE, 0.5, ["skipped"]),
        (CatchUp.LAST, 0.5, ["completed"]),
    ],
)
def test_a_claim_whose_scheduler_ended_is_started_by_the_next_unless_it_is_too_late(
    days: Days, catch_up: CatchUp, hours: float, states: list[str]
) -> None:
    days.add(catch_up=catch_up)
    days.pass_by(1.001)
    claim_due(days.workspace.catalog, days.now, days.trouble)
    assert days.states() == ["pending"]
    days.pass_by(hours)
    days.work()
    assert days.states() == states
    assert len(days.ran) == states.count("completed")


def test_schedules_do_not_wait_for_each_other(days: Days) -> None:
    days.add(overlap=Overlap.QUEUE)
    days.add(overlap=Overlap.QUEUE, name="other")
    (days.folder / "hold").touch()
    days.pass_by(1.001)
    days.tick_until(lambda: [days.firings(name)[-1:] for name in ("hourly", "other")] != [[], []])
    days.tick_until(lambda: [days.firings(name)[0]["state"] for name in ("hourly", "other")] == ["running"] * 2)
    (days.folder / "hold").unlink()
    days.work()


def test_a_run_that_fails_keeps_its_exit_code_and_last_words(days: Days) -> None:
    days.add()
    (days.folder / "broken").touch()
    days.pass_by(1.001)
    days.work()
    (firing,) = days.firings()
    assert (firing["state"], firing["exit_code"]) == ("failed", 3)
    assert firing["reason"] == "Error: out of luck -> Try again."


def test_a_folder_that_is_gone_fails_the_firing_and_not_the_scheduler(days: Days, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "nothing.py").touch()
    days.add(folder=tmp_path / "gone")
    days.add(name="other")
    (tmp_path / "gone" / "nothing.py").unlink()
    (tmp_path / "gone").rmdir()
    days.pass_by(1.001)
    days.work()
    (firing,) = days.firings()
    assert (firing["state"], firing["reason"]) == ("failed", f"{tmp_path / 'gone'}: No such file or directory")
    assert [firing["state"] for firing in days.firings("other")] == ["completed"]


def test_a_schedule_that_this_machine_can_not_read_holds_up_no_other(days: Days) -> None:
    days.add()
    days.add(name="broken", cron="0 6 * * *", every=None, zone="Europe/Berlin")
    with days.workspace.catalog.write() as connection:
        broken = schedule_tables.schedules.c.name == "broken"
        connection.execute(update(schedule_tables.schedules).where(broken).values(zone="Mars/Crater"))
    days.pass_by(1.001)
    days.work()
    assert days.states() == ["completed"]
    (trouble,) = days.troubles
    assert "'broken' can not fire" in trouble and "Mars/Crater" in trouble


def test_a_removed_schedule_begins_nothing_more(days: Days) -> None:
    days.add(overlap=Overlap.QUEUE)
    (days.folder / "hold").touch()
    days.pass_by(1.001)
    days.tick_until(lambda: days.states() == ["running"])
    days.pass_by(1)
    days.scheduler.tick()
    run_id = days.firings()[0]["run_id"]
    assert schedules.remove(days.workspace, "hourly") == [run_id]
    (days.folder / "hold").unlink()
    days.pass_by(1)
    days.work()
    assert len(days.ran) == 1
    with pytest.raises(NotFoundError):
        days.firings()


def test_a_name_that_is_free_again_begins_anew(days: Days) -> None:
    days.add()
    days.pass_by(1.001)
    days.work()
    schedules.remove(days.workspace, "hourly")
    days.add()
    assert days.firings() == []


def test_a_second_scheduler_is_refused_with_the_first_ones_process(days: Days) -> None:
    assert days.scheduler.take_office() is None
    with pytest.raises(ConflictError, match=f"Process {os.getpid()} on ") as error:
        Scheduler(days.workspace, days, command_for=command_for).run(lambda: False)
    assert "mlstack scheduler --wait" in error.value.hint
    leader = schedules.scheduler(days.workspace)
    assert leader is not None and leader["pid"] == os.getpid()
    days.work()
    assert schedules.scheduler(days.workspace) is None


def test_the_command_is_arguments_that_no_shell_reads() -> None:
    parameters = {"name": "$(touch hacked) ; --stack x", "depth": "5"}
    schedule = Schedule(
        "n", "--help", ".", parameters, "prod", None, 60, "UTC", 60, CatchUp.NONE, Overlap.SKIP, "", 0, 0
    )  # fmt: skip
    command = run_command(schedule, Firing("n", 0.0, Origin.SCHEDULED, State.PENDING, 0.0, run_id="r"))
    assert command[4:] == [
        *("run", "-p", "name=$(touch hacked) ; --stack x", "-p", "depth=5", "--stack", "prod"),
        *("--run-id", "r", "--", "--help"),
    ]


@pytest.mark.parametrize(
    ("target", "what", "hint"),
    [
        ("nothin.py", "There is no file 'nothin.py'", "Did you mean nothing.py?"),
        ("nothing.ipynb", "There is no file", "Did you mean nothing.py?"),
        ("away/nothing.py", "There is no file", "there: none"),
        ("nothink", "There is no notebook and no module 'nothink'", "Did you mean nothing.py?"),
        (
            "no_such_package.module:pipeline",
            "There is no notebook and no module 'no_such_package.module'",
            "nothing.py",
        ),
    ],
)
def test_a_target_that_is_not_there_offers_the_nearest(days: Days, target: str, what: str, hint: str) -> None:
    with pytest.raises(NotFoundError) as error:
        schedules.add(days.workspace, Wanted(target, every="1h"))
    assert what in error.value.what
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"every": None}, UsageError, "either a cron or an interval"),
        ({"cron": "0 6 * * *"}, UsageError, "either a cron or an interval"),
        ({"every": None, "cron": "0 0 29 2 8"}, UsageError, "day of week '8'"),
        ({"every": None, "cron": "* * */20 * 1L"}, UsageError, "fires never in 50 years"),
        ({"every": "soon"}, UsageError, "--every takes a time like 10m, not 'soon'"),
        ({"every": "0.01s"}, UsageError, "too short"),
        ({"grace": "0s"}, UsageError, "every firing would be too late"),
        ({"zone": "Berlin"}, UsageError, "no time zone 'Berlin'"),
        ({"name": "a/b"}, UsageError, "has a slash"),
        ({"stack": "defalt"}, NotFoundError, "No stack is called 'defalt'"),
    ],
)
def test_what_can_not_be_scheduled_is_refused_and_leaves_nothing(
    days: Days, options: dict[str, Any], error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what.replace("(", r"\(")):
        days.add(**options)
    assert schedules.list_all(days.workspace) == []


def test_a_name_is_made_from_the_target_and_given_once(days: Days) -> None:
    added = [
        schedules.add(days.workspace, Wanted(target, every="1h"))["name"]
        for target in ("nothing.py:train", "json.tool")
    ]
    assert added == ["train", "tool"]
    with pytest.raises(ConflictError, match="There is a schedule called 'tool' already") as error:
        schedules.add(days.workspace, Wanted("json.tool", every="1h"))
    assert error.value.hint == "Choose another with --name, or remove it: mlstack schedule remove tool"


def test_a_schedule_that_is_not_there_offers_the_nearest(days: Days) -> None:
    days.add()
    for use in (schedules.show, schedules.runs, schedules.pause, schedules.resume, schedules.trigger, schedules.remove):
        with pytest.raises(NotFoundError) as error:
            use(days.workspace, "horly")
        assert error.value.hint == "Did you mean 'hourly'?"
