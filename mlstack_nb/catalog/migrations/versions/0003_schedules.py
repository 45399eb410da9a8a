"""Schedules, what became of each of their moments, and who looks after them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("stack", sa.Text),
        sa.Column("cron", sa.Text),
        sa.Column("every_s", sa.Double),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("grace_s", sa.Double, nullable=False),
        sa.Column("catch_up", sa.Text, nullable=False),
        sa.Column("overlap", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("settled_until", sa.Double, nullable=False),
        sa.Column("paused_at", sa.Double),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
    )
    op.create_table(
        "firings",
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("moment", sa.Double, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("claimed_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("exit_code", sa.Integer),
        sa.Column("owner_host", sa.Text),
        sa.Column("owner_pid", sa.Integer),
        sa.Column("owner_ticks", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("schedule", "moment", name="pk_firings"),
        sa.ForeignKeyConstraint(["schedule"], ["schedules.name"], name="fk_firings_schedule", ondelete="CASCADE"),
        sa.UniqueConstraint("run_id", name="uq_firings_run_id"),
    )
    op.create_index("ix_firings_state", "firings", ["state"])
    op.create_table(
        "leaders",
        sa.Column("duty", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("owner_host", sa.Text, nullable=False),
        sa.Column("owner_pid", sa.Integer, nullable=False),
        sa.Column("owner_ticks", sa.BigInteger, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("duty", name="pk_leaders"),
    )
