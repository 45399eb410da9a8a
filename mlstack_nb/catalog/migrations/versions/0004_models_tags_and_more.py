"""Models, tags, logged metadata, secrets and deployments; artifacts that no step made; names of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("name", sa.Text))
    op.create_index("ix_runs_pipeline_started_at", "runs", ["pipeline", "started_at"])
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.alter_column("step_run_id", existing_type=sa.Text, nullable=True)
        artifacts.alter_column("output", existing_type=sa.Text, nullable=True)
        artifacts.add_column(sa.Column("label", sa.Text))
        artifacts.add_column(sa.Column("origin", sa.Text, nullable=False, server_default="step"))
        artifacts.create_unique_constraint("uq_artifacts_name_label", ["name", "label"])
    _tags()
    _models()
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )
    op.create_table(
        "deployments",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("deployer", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("step", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_deployments"),
    )


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("color", sa.Text, nullable=False),
        sa.Column("is_exclusive", sa.Boolean, nullable=False),
        sa.Column("cascades", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tags"),
    )
    op.create_table(
        "taggings",
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "subject", "tag", name="pk_taggings"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="fk_taggings_tag", onupdate="CASCADE", ondelete="CASCADE"),
    )
    op.create_index("ix_taggings_tag_subject_kind", "taggings", ["tag", "subject_kind"])
    op.create_table(
        "logged_metadata",
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("logged_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "subject", "name", name="pk_logged_metadata"),
    )


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_models"),
    )
    op.create_table(
        "model_versions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("stage", sa.Text),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_versions"),
        sa.ForeignKeyConstraint(
            ["model"], ["models.name"], name="fk_model_versions_model", onupdate="CASCADE", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("model", "number", name="uq_model_versions_model_number"),
        sa.UniqueConstraint("model", "name", name="uq_model_versions_model_name"),
    )
    op.create_index(
        "uq_model_versions_model_stage",
        "model_versions",
        ["model", "stage"],
        unique=True,
        sqlite_where=sa.text("stage != 'archived'"),
        postgresql_where=sa.text("stage != 'archived'"),
    )
    op.create_table(
        "model_links",
        sa.Column("version_id", sa.Integer, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("linked_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("version_id", "subject_kind", "subject", name="pk_model_links"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name="fk_model_links_version_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_model_links_subject_kind_subject", "model_links", ["subject_kind", "subject"])
