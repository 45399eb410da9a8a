"""Why a step's code ran, and the digest of its code, by which the store has the code's source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("step_runs", sa.Column("reason", sa.Text))
    op.add_column("step_runs", sa.Column("code", sa.Text))
