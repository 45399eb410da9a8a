"""Firings as the catalog holds them: claimed, begun by exactly one process, ended. The caller owns the transaction."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from mlstack_nb.catalog.schedule_tables import firings, schedules
from mlstack_nb.catalog.tables import runs
from mlstack_nb.core.run import State
from mlstack_nb.core.schedule import Firing, Origin, Overlap
from mlstack_nb.ports.owner import Owner

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

_OPEN = (State.PENDING.value, State.RUNNING.value)


class Permission(Enum):
    """What a process that wants to begin a firing is told."""

    BEGUN = "it is this process that carries it out"
    WAIT = "an earlier one of its schedule goes on"
    GONE = "another process has begun it, or it was removed"


def claim(connection: Connection, firing: Firing) -> None:
    """The database refuses a moment that has been claimed."""
    connection.execute(
        insert(firings).values(
            schedule=firing.schedule,
            moment=firing.moment,
            origin=firing.origin.value,
            state=firing.state.value,
            run_id=firing.run_id,
            claimed_at=firing.claimed_at,
            ended_at=firing.ended_at,
            reason=firing.reason,
        )
    )


def open_firings(connection: Connection, schedule: str | None = None) -> list[tuple[Firing, Owner | None]]:
    """Those that wait or run, by moment, each with its process; of all schedules or one."""
    query = select(firings).where(firings.c.state.in_(_OPEN)).order_by(firings.c.moment, firings.c.schedule)
    if schedule is not None:
        query = query.where(firings.c.schedule == schedule)
    return [(_firing(row), _owner(row)) for row in connection.execute(query).mappings()]


def list_firings(connection: Connection, schedule: str, *, limit: int | None = None) -> list[Firing]:
    """Newest first."""
    query = select(firings).where(firings.c.schedule == schedule).order_by(firings.c.moment.desc()).limit(limit)
    return [_firing(row) for row in connection.execute(query).mappings()]


def last_firings(connection: Connection) -> dict[str, Firing]:
    """The newest firing of each schedule that has one."""
    newest = select(firings.c.schedule, func.max(firings.c.moment).label("moment")).group_by(firings.c.schedule)
    last = newest.subquery()
    same = (firings.c.schedule == last.c.schedule) & (firings.c.moment == last.c.moment)
    rows = connection.execute(select(firings).join(last, same)).mappings()
    return {row["schedule"]: _firing(row) for row in rows}


def find_firing(connection: Connection, run_id: str) -> Firing | None:
    row = connection.execute(select(firings).where(firings.c.run_id == run_id)).mappings().first()
    return None if row is None else _firing(row)


def begin(connection: Connection, run_id: str, owner: Owner, *, at: float) -> Permission:
    """Record that `owner` carries the firing out, if it may. Of all that ask for one firing, one is told BEGUN."""
    # of one schedule one process at a time may decide: a row lock, where the database has them
    both = firings.join(schedules, firings.c.schedule == schedules.c.name)
    query = select(firings, schedules.c.overlap).select_from(both).where(firings.c.run_id == run_id)
    row = connection.execute(query.with_for_update(of=schedules)).mappings().first()
    if row is None or row["state"] != State.PENDING:
        return Permission.GONE
    if not may_begin(_firing(row), Overlap(row["overlap"]), [one for one, _ in open_firings(connection)]):
        return Permission.WAIT
    values: dict[str, Any] = {
        "state": State.RUNNING.value,
        "started_at": at,
        "owner_host": owner.host,
        "owner_pid": owner.pid,
        "owner_ticks": owner.ticks,
    }
    connection.execute(update(firings).where(firings.c.run_id == run_id).values(values))
    return Permission.BEGUN


def may_begin(firing: Firing, overlap: Overlap, open_ones: list[Firing]) -> bool:
    """By hand at once; else one after the other in the order of moments, or where overlap is allowed, at its time.

    Those that are caught up go one after the other in any case: there may be hundreds.
    """
    if firing.origin is Origin.BY_HAND:
        return True
    others = [one for one in open_ones if one.schedule == firing.schedule and one.run_id != firing.run_id]
    if overlap is Overlap.ALLOW:
        if firing.origin is Origin.SCHEDULED:
            return True
        others = [one for one in others if one.origin is Origin.CAUGHT_UP]
    return not any(one.state is State.RUNNING or one.moment < firing.moment for one in others)


def end(
    connection: Connection, run_id: str, *, state: State, at: float, exit_code: int | None = None, reason: str = ""
) -> Firing | None:
    """Record how an open firing ended; None where another has, or it was removed. Without a reason the one stays."""
    values: dict[str, Any] = {"state": state.value, "ended_at": at, "exit_code": exit_code}
    if reason:
        values["reason"] = reason
    is_open = (firings.c.run_id == run_id) & firings.c.state.in_(_OPEN)
    changed = connection.execute(update(firings).where(is_open).values(values)).rowcount
    return find_firing(connection, run_id) if changed else None


def recorded_end(connection: Connection, run_id: str) -> tuple[State, float | None] | None:
    """What the catalog knows of the run itself; None where the process never began to record one."""
    row = connection.execute(select(runs.c.state, runs.c.ended_at).where(runs.c.id == run_id)).first()
    return None if row is None else (State(row.state), row.ended_at)


def _firing(row: RowMapping) -> Firing:
    return Firing(
        schedule=row["schedule"],
        moment=row["moment"],
        origin=Origin(row["origin"]),
        state=State(row["state"]),
        run_id=row["run_id"],
        claimed_at=row["claimed_at"],
        pid=row["owner_pid"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        exit_code=row["exit_code"],
        reason=row["reason"],
    )


def _owner(row: RowMapping) -> Owner | None:
    return Owner(row["owner_host"], row["owner_pid"], row["owner_ticks"]) if row["owner_pid"] is not None else None
