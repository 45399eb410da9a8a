"""Schedules as the catalog holds them. The caller owns the transaction, so that several changes are one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from mlstack_nb.catalog.schedule_tables import schedules
from mlstack_nb.core.schedule import CatchUp, Overlap, Schedule

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping


def list_schedules(connection: Connection) -> list[Schedule]:
    """By name."""
    rows = connection.execute(select(schedules).order_by(schedules.c.name)).mappings()
    return [_schedule(row) for row in rows]


def find_schedule(connection: Connection, name: str) -> Schedule | None:
    row = connection.execute(select(schedules).where(schedules.c.name == name)).mappings().first()
    return None if row is None else _schedule(row)


def add_schedule(connection: Connection, schedule: Schedule) -> None:
    plain = {
        "parameters": json.dumps(dict(schedule.parameters)),
        "catch_up": schedule.catch_up.value,
        "overlap": schedule.overlap.value,
    }
    connection.execute(insert(schedules).values({**asdict(schedule), **plain}))


def delete_schedule(connection: Connection, name: str) -> None:
    """Its firings go with it."""
    connection.execute(delete(schedules).where(schedules.c.name == name))


def pause(connection: Connection, name: str, *, at: float) -> None:
    connection.execute(update(schedules).where(schedules.c.name == name).values(paused_at=at))


def resume(connection: Connection, name: str, *, at: float) -> None:
    """What would have fired in the pause is left out."""
    connection.execute(update(schedules).where(schedules.c.name == name).values(paused_at=None, settled_until=at))


def settle(connection: Connection, schedule: Schedule, *, until: float) -> bool:
    """Move `settled_until` on; False where the schedule is paused, gone, or somebody else has moved it since."""
    table = schedules.c
    as_read = (
        (table.name == schedule.name)
        & (table.created_at == schedule.created_at)
        & (table.settled_until == schedule.settled_until)
        & table.paused_at.is_(None)
    )
    return connection.execute(update(schedules).where(as_read).values(settled_until=until)).rowcount == 1


def _schedule(row: RowMapping) -> Schedule:
    return Schedule(
        **{
            **row,
            "parameters": json.loads(row["parameters"]),
            "catch_up": CatchUp(row["catch_up"]),
            "overlap": Overlap(row["overlap"]),
        }
    )
