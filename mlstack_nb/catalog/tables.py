"""The tables of stacks, runs and artifacts; others are beside, so that a run does not import what it does not need.

Times are UTC epoch seconds; structured values are JSON text.

A change here needs a revision in `migrations/versions/` and a new `HEAD`; tests hold the three together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

components = Table(
    "components",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("flavor", Text, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("secret_fields", Text, nullable=False),
)

stacks = Table("stacks", metadata, Column("name", Text, primary_key=True))

stack_components = Table(
    "stack_components",
    metadata,
    Column("stack", Text, ForeignKey("stacks.name", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("component", Text, nullable=False),
    ForeignKeyConstraint(["kind", "component"], ["components.kind", "components.name"], onupdate="CASCADE"),
    Index(None, "kind", "component"),
)

# owner_*: the process that executes the run; ticks tell it from a later process of the same id
runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("stack", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("parameters", Text, nullable=False),
    Column("owner_host", Text, nullable=False),
    Column("owner_pid", Integer, nullable=False),
    Column("owner_ticks", BigInteger, nullable=False),
    Column("name", Text),
    Index(None, "started_at"),
    Index(None, "state"),
    Index(None, "pipeline", "started_at"),
)

# origin: the step run whose result a cached one repeats; its inputs, parameters and outputs are not written twice
step_runs = Table(
    "step_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("origin", Text, ForeignKey("step_runs.id")),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("attempt", Integer, nullable=False),
    Column("saved_s", Double, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("failure", Text),
    Column("tracker", Text),
    Column("reason", Text),
    Column("code", Text),
    UniqueConstraint("run_id", "position"),
    Index(None, "key"),
    sqlite_with_rowid=False,
)

Index(None, step_runs.c.origin, sqlite_where=step_runs.c.origin.is_not(None))

# from_step, from_output: the edge of the plan that the input came by; null when no plan told
step_inputs = Table(
    "step_inputs",
    metadata,
    Column("step_run_id", Text, ForeignKey("step_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("from_step", Text),
    Column("from_output", Text),
    Index(None, "digest"),
    sqlite_with_rowid=False,
)

# one row per version: an executed step run makes a new version of each of its outputs, a cached one does not.
# origin: how it came, `step` as an output, else by hand; then it may have no step run, and no output.
# label: the version's name, where its author gave it one
artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("step_run_id", Text, ForeignKey("step_runs.id")),
    Column("output", Text),
    Column("created_at", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("materializer", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("object", Text),
    Column("inline", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("preview", Text),
    Column("label", Text),
    Column("origin", Text, nullable=False, server_default="step"),
    UniqueConstraint("name", "version"),
    UniqueConstraint("step_run_id", "output"),
    UniqueConstraint("name", "label", name="uq_artifacts_name_label"),
)
