"""The tables of schedules, of what became of their moments, and of duties."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text

from mlstack_nb.catalog.tables import metadata

# parameters: texts as they were typed. settled_until: of every moment up to it, it is decided what becomes of it
schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("stack", Text),
    Column("cron", Text),
    Column("every_s", Double),
    Column("zone", Text, nullable=False),
    Column("grace_s", Double, nullable=False),
    Column("catch_up", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("settled_until", Double, nullable=False),
    Column("paused_at", Double),
)

# the primary key is the claim: nobody can claim a moment twice. owner_*: the process of the run, once it has started
firings = Table(
    "firings",
    metadata,
    Column("schedule", Text, ForeignKey("schedules.name", ondelete="CASCADE"), primary_key=True),
    Column("moment", Double, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_id", Text, unique=True),
    Column("claimed_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("exit_code", Integer),
    Column("owner_host", Text),
    Column("owner_pid", Integer),
    Column("owner_ticks", BigInteger),
    Column("reason", Text, nullable=False),
    Index(None, "state"),
)

# one row for each duty that one process at a time has; who does not renew it until `expires_at` loses it
leaders = Table(
    "leaders",
    metadata,
    Column("duty", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("owner_host", Text, nullable=False),
    Column("owner_pid", Integer, nullable=False),
    Column("owner_ticks", BigInteger, nullable=False),
    Column("since", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)
