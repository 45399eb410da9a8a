"""Who has a duty that one process at a time may have: a row that expires unless its holder renews it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from mlstack_nb.catalog.prepared import upsert
from mlstack_nb.catalog.schedule_tables import leaders
from mlstack_nb.ports.owner import Owner

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEDULING = "scheduling"


@dataclass(frozen=True, slots=True)
class Leader:
    """`holder` is a text of its own for each candidate, also for two in one process. Times are epoch seconds."""

    holder: str
    owner: Owner
    since: float
    expires_at: float

    def is_in_office(self, now: float) -> bool:
        """A leader whose process is known to be gone need not be waited for."""
        return now < self.expires_at and not self.owner.is_gone


def find_leader(connection: Connection, duty: str, *, lock: bool = False) -> Leader | None:
    """Who had the duty last, in office or not. With `lock` nobody else takes it until the transaction's end."""
    query = select(leaders).where(leaders.c.duty == duty)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    return Leader(row.holder, Owner(row.owner_host, row.owner_pid, row.owner_ticks), row.since, row.expires_at)


def take(connection: Connection, duty: str, candidate: Leader) -> Leader:
    """Give the duty to the candidate unless another is in office at `candidate.since`; returns who has it then.

    A candidate that has it already renews it.
    """
    known = find_leader(connection, duty, lock=True)
    if known is not None and known.holder != candidate.holder and known.is_in_office(candidate.since):
        return known
    is_renewal = known is not None and known.holder == candidate.holder
    since = known.since if known is not None and is_renewal else candidate.since
    row = {
        "duty": duty,
        "holder": candidate.holder,
        "owner_host": candidate.owner.host,
        "owner_pid": candidate.owner.pid,
        "owner_ticks": candidate.owner.ticks,
        "since": since,
        "expires_at": candidate.expires_at,
    }
    upsert(leaders, connection.dialect, list(row)).execute(connection, [row])
    return Leader(candidate.holder, candidate.owner, since, candidate.expires_at)


def resign(connection: Connection, duty: str, holder: str) -> None:
    """Leave the duty, where `holder` has it."""
    connection.execute(delete(leaders).where((leaders.c.duty == duty) & (leaders.c.holder == holder)))
