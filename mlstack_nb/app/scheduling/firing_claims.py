"""Deciding what becomes of the moments that have come: each is claimed once, and which are missed is said."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mlstack_nb.app.runtime import new_run_id
from mlstack_nb.app.scheduling.times import newest, times_of
from mlstack_nb.catalog import firings
from mlstack_nb.catalog import schedules as rows
from mlstack_nb.core.run import State
from mlstack_nb.core.schedule import CatchUp, Firing, Origin, Overlap, Schedule
from mlstack_nb.errors import MlstackError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.catalog.database import Catalog

MOST_AT_ONCE = 100
"""So many firings are caught up in one go, so that a year of minutes is no year of rows in one transaction."""
MOST_COUNTED = 1000


def claim_due(catalog: Catalog, now: float, trouble: Callable[[str], None]) -> list[Firing]:
    """Claim what is due. Returns all that was decided, also what is skipped.

    A schedule that can not be read (a zone that this machine lacks) is told as `trouble`, and holds up no other.
    """
    with catalog.read() as connection:
        known = [schedule for schedule in rows.list_schedules(connection) if schedule.paused_at is None]
    decided: list[Firing] = []
    for schedule in known:
        try:
            due = decide(schedule, now)
        except MlstackError as error:
            trouble(f"Schedule {schedule.name!r} can not fire. {error}")
            continue
        if due:
            with catalog.write() as connection:
                decided += _claimed(connection, schedule, due)
    return decided


def decide(schedule: Schedule, now: float) -> list[Firing]:
    """What is to become of the moments since the last decision: firings that wait, or one that stands for the missed.

    A moment is missed when it is over for more than the grace, or when the next one has come as well.
    """
    times = times_of(schedule)
    last = newest(times, after=schedule.settled_until, until=now)
    if last is None:
        return []
    is_late = now - last > schedule.grace_s
    moments = itertools.takewhile(lambda moment: moment <= last, times.after(schedule.settled_until))
    counted = list(itertools.islice(moments, MOST_COUNTED))
    firing = Firing(schedule.name, last, Origin.SCHEDULED, State.PENDING, claimed_at=now)
    if schedule.catch_up is CatchUp.ALL and (is_late or len(counted) > 1):
        first = counted[:MOST_AT_ONCE]
        return [replace(firing, moment=moment, origin=Origin.CAUGHT_UP) for moment in first]
    if is_late and schedule.catch_up is CatchUp.NONE:
        others = _missed_before(counted)
        return [replace(firing, state=State.SKIPPED, reason=f"missed; {others}" if others else "missed")]
    origin = Origin.CAUGHT_UP if is_late else Origin.SCHEDULED
    return [replace(firing, origin=origin, reason=_missed_before(counted))]


def _claimed(connection: Connection, schedule: Schedule, due: list[Firing]) -> list[Firing]:
    """The claims in the catalog, with ids; none where somebody else decided, or the schedule was paused or removed."""
    if not rows.settle(connection, schedule, until=due[-1].moment):
        return []
    goes_on = firings.open_firings(connection, schedule.name) if schedule.overlap is Overlap.SKIP else []
    claimed = []
    for firing in due:
        found = firing
        if goes_on and firing.state is State.PENDING and firing.origin is Origin.SCHEDULED:
            found = replace(firing, state=State.SKIPPED, reason=f"run {goes_on[0][0].run_id} was still going on")
        if found.state is State.PENDING:
            found = replace(found, run_id=new_run_id())
        else:
            found = replace(found, ended_at=found.claimed_at)
        firings.claim(connection, found)
        claimed.append(found)
    return claimed


def _missed_before(counted: list[float]) -> str:
    """Of all but the last one; empty where there are no others."""
    others = len(counted) - 1
    if not others:
        return ""
    number = f"{others} or more" if len(counted) == MOST_COUNTED else str(others)
    return f"{number} before it {'was' if others == 1 else 'were'} missed"
