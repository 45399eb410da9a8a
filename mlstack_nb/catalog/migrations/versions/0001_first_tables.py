"""First tables, and the components and stack that exist without a command."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _stacks()
    _runs()
    _artifacts()
    _defaults()


def _stacks() -> None:
    op.create_table(
        "components",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("flavor", sa.Text, nullable=False),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("secret_fields", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_components"),
    )
    op.create_table(
        "stacks", sa.Column("name", sa.Text, nullable=False), sa.PrimaryKeyConstraint("name", name="pk_stacks")
    )
    op.create_table(
        "stack_components",
        sa.Column("stack", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("component", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("stack", "kind", name="pk_stack_components"),
        sa.ForeignKeyConstraint(
            ["stack"], ["stacks.name"], name="fk_stack_components_stack", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["kind", "component"],
            ["components.kind", "components.name"],
            name="fk_stack_components_kind_component",
            onupdate="CASCADE",
        ),
    )
    op.create_index("ix_stack_components_kind_component", "stack_components", ["kind", "component"])


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("stack", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("owner_host", sa.Text, nullable=False),
        sa.Column("owner_pid", sa.Integer, nullable=False),
        sa.Column("owner_ticks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_table(
        "step_runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("saved_s", sa.Double, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("tracker", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_step_runs"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_step_runs_run_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["origin"], ["step_runs.id"], name="fk_step_runs_origin"),
        sa.UniqueConstraint("run_id", "position", name="uq_step_runs_run_id_position"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_step_runs_key", "step_runs", ["key"])
    op.create_index("ix_step_runs_origin", "step_runs", ["origin"], sqlite_where=sa.text("origin IS NOT NULL"))


def _artifacts() -> None:
    op.create_table(
        "step_inputs",
        sa.Column("step_run_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("from_step", sa.Text),
        sa.Column("from_output", sa.Text),
        sa.PrimaryKeyConstraint("step_run_id", "name", name="pk_step_inputs"),
        sa.ForeignKeyConstraint(
            ["step_run_id"], ["step_runs.id"], name="fk_step_inputs_step_run_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_step_inputs_digest", "step_inputs", ["digest"])
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("step_run_id", sa.Text, nullable=False),
        sa.Column("output", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("materializer", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("object", sa.Text),
        sa.Column("inline", sa.Text),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("preview", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.ForeignKeyConstraint(["step_run_id"], ["step_runs.id"], name="fk_artifacts_step_run_id"),
        sa.UniqueConstraint("name", "version", name="uq_artifacts_name_version"),
        sa.UniqueConstraint("step_run_id", "output", name="uq_artifacts_step_run_id_output"),
    )


def _defaults() -> None:
    components = sa.table(
        "components", *(sa.column(name) for name in ("kind", "name", "flavor", "configuration", "secret_fields"))
    )
    stacks = sa.table("stacks", sa.column("name"))
    stack_components = sa.table("stack_components", *(sa.column(name) for name in ("stack", "kind", "component")))
    kinds = ("orchestrator", "artifact_store")
    local = {"name": "default", "flavor": "local", "configuration": "{}", "secret_fields": "[]"}
    op.bulk_insert(components, [{"kind": kind, **local} for kind in kinds])
    op.bulk_insert(stacks, [{"name": "default"}])
    op.bulk_insert(stack_components, [{"stack": "default", "kind": kind, "component": "default"} for kind in kinds])
