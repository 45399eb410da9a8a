"""Use cases of schedules, as plain data for every surface."""

from __future__ import annotations

import itertools
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.runtime import new_run_id
from mlstack_nb.app.scheduling.firing_runs import FiringRuns
from mlstack_nb.app.scheduling.times import times_of, zone_of
from mlstack_nb.app.scheduling.wanted import Wanted
from mlstack_nb.app.stacks import need as need_stack
from mlstack_nb.catalog import firings, leaders
from mlstack_nb.catalog import schedules as rows
from mlstack_nb.core.run import State, iso
from mlstack_nb.core.schedule import Firing, Origin, Schedule
from mlstack_nb.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.leaders import Leader

SHOWN_TIMES = 5


def add(workspace: Workspace, wanted: Wanted) -> dict[str, Any]:
    """Returns what `show` does.

    Raises UsageError or NotFoundError for what can not be scheduled, ConflictError when the name is taken.
    """
    schedule = wanted.checked()
    with workspace.catalog.write() as connection:
        if schedule.stack is not None:
            need_stack(connection, schedule.stack)
        if rows.find_schedule(connection, schedule.name) is not None:
            raise ConflictError(
                f"There is a schedule called {schedule.name!r} already.",
                f"Choose another with --name, or remove it: mlstack schedule remove {schedule.name}",
            )
        rows.add_schedule(connection, schedule)
    return show(workspace, schedule.name)


def list_all(workspace: Workspace) -> list[dict[str, Any]]:
    """Every schedule by name, with its next times and its last firing."""
    _settle(workspace)
    with workspace.catalog.read() as connection:
        last = firings.last_firings(connection)
        return [_as_dict(schedule, last.get(schedule.name)) for schedule in rows.list_schedules(connection)]


def show(workspace: Workspace, name: str) -> dict[str, Any]:
    """One as `list_all` has it. Raises NotFoundError with the nearest name."""
    _settle(workspace)
    with workspace.catalog.read() as connection:
        schedule = _need(connection, name)
        newest = firings.list_firings(connection, name, limit=1)
    return _as_dict(schedule, newest[0] if newest else None)


def runs(workspace: Workspace, name: str, *, limit: int | None = None) -> list[dict[str, Any]]:
    """What became of its moments, newest first."""
    _settle(workspace)
    with workspace.catalog.read() as connection:
        _need(connection, name)
        return [firing_as_dict(firing) for firing in firings.list_firings(connection, name, limit=limit)]


def pause(workspace: Workspace, name: str) -> None:
    """No firing of it is claimed until it is resumed; what runs or waits goes on."""
    with workspace.catalog.write() as connection:
        if _need(connection, name).paused_at is not None:
            raise ConflictError(f"Schedule {name!r} is paused already.", f"Go on: mlstack schedule resume {name}")
        rows.pause(connection, name, at=time.time())


def resume(workspace: Workspace, name: str) -> None:
    """What would have fired in the pause is left out, whatever is to be caught up."""
    with workspace.catalog.write() as connection:
        if _need(connection, name).paused_at is None:
            raise ConflictError(f"Schedule {name!r} is not paused.", f"See it: mlstack schedule show {name}")
        rows.resume(connection, name, at=time.time())


def trigger(workspace: Workspace, name: str) -> dict[str, Any]:
    """Run it now, paused or not, whatever else of it runs: by the scheduler, or where there is none by itself.

    Returns the firing. Raises NotFoundError.
    """
    now = time.time()
    firing = Firing(name, now, Origin.BY_HAND, State.PENDING, claimed_at=now, run_id=new_run_id())
    with workspace.catalog.write() as connection:
        schedule = _need(connection, name)
        firings.claim(connection, firing)
    if scheduler(workspace) is None:
        processes = FiringRuns(workspace, lambda _firing: None)
        processes.start(schedule, firing)
        processes.let_go()
    return firing_as_dict(firing)


def remove(workspace: Workspace, name: str) -> list[str]:
    """Forget it and what became of its moments; its runs stay. Returns the ids of those that still go on."""
    with workspace.catalog.write() as connection:
        _need(connection, name)
        going_on = [firing for firing, _ in firings.open_firings(connection, name) if firing.state is State.RUNNING]
        rows.delete_schedule(connection, name)
    return [str(firing.run_id) for firing in going_on]


def scheduler(workspace: Workspace) -> dict[str, Any] | None:
    """The process that schedules; None where nobody does, and nothing will run by itself."""
    with workspace.catalog.read() as connection:
        leader = leaders.find_leader(connection, leaders.SCHEDULING)
    if leader is None or not leader.is_in_office(time.time()):
        return None
    return leader_as_dict(leader)


def leader_as_dict(leader: Leader) -> dict[str, Any]:
    return {"host": leader.owner.host, "pid": leader.owner.pid, "since": iso(leader.since)}


def firing_as_dict(firing: Firing) -> dict[str, Any]:
    return {
        "schedule": firing.schedule,
        "moment": iso(firing.moment),
        "origin": firing.origin.value,
        "state": firing.state.value,
        "run_id": firing.run_id,
        "pid": firing.pid,
        "claimed_at": iso(firing.claimed_at),
        "started_at": iso(firing.started_at),
        "ended_at": iso(firing.ended_at),
        "lateness_s": firing.lateness_s,
        "duration_s": firing.duration_s,
        "exit_code": firing.exit_code,
        "reason": firing.reason,
    }


def _as_dict(schedule: Schedule, last: Firing | None) -> dict[str, Any]:
    times = times_of(schedule)
    zone = zone_of(schedule.zone)
    following = itertools.islice(times.after(time.time()), SHOWN_TIMES) if schedule.paused_at is None else ()
    return {
        "name": schedule.name,
        "target": schedule.target,
        "parameters": dict(schedule.parameters),
        "stack": schedule.stack,
        "folder": schedule.folder,
        "cron": schedule.cron,
        "every_s": schedule.every_s,
        "zone": schedule.zone,
        "words": times.words(),
        "next": [datetime.fromtimestamp(moment, zone).isoformat() for moment in following],
        "paused_at": iso(schedule.paused_at),
        "grace_s": schedule.grace_s,
        "catch_up": schedule.catch_up.value,
        "overlap": schedule.overlap.value,
        "note": schedule.note,
        "created_at": iso(schedule.created_at),
        "last": firing_as_dict(last) if last is not None else None,
    }


def _need(connection: Connection, name: str) -> Schedule:
    found = rows.find_schedule(connection, name)
    if found is None:
        known = [schedule.name for schedule in rows.list_schedules(connection)]
        raise NotFoundError.of("schedule", name, known, "Run: mlstack schedule list")
    return found


def _settle(workspace: Workspace) -> None:
    """Where nobody schedules, a run that has ended since would be shown as running."""
    if scheduler(workspace) is None:
        FiringRuns(workspace, lambda _firing: None).record_ends()
