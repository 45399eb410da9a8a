"""The tables. Times are UTC epoch seconds; structured values are JSON text.

A change here needs a revision in `migrations/versions/` and a new `HEAD`; tests hold the three together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

HEAD = "0004"
"""The newest revision. Revisions are numbered, so that a catalog newer than this code is recognised."""

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

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("color", Text, nullable=False),
    Column("is_exclusive", Boolean, nullable=False),
    Column("cascades", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
)

# subject_kind, subject: what is tagged, linked or told of. `run`, `step_run`: its id; `pipeline`, `artifact` and
# `model`: the name; `artifact_version` and `model_version`: the id as text; `deployment`: the name
taggings = Table(
    "taggings",
    metadata,
    Column("subject_kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("tag", Text, ForeignKey("tags.name", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True),
    Index(None, "tag", "subject_kind"),
)

# what people's code said of a subject; the last value of a name counts
logged_metadata = Table(
    "logged_metadata",
    metadata,
    Column("subject_kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("logged_at", Double, nullable=False),
)

# about: JSON of what people say of the model: description, license, ...
models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("about", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

# stage: null for none; the constraint lets a stage have one version
model_versions = Table(
    "model_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, ForeignKey("models.name", onupdate="CASCADE", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("stage", Text),
    Column("description", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("model", "number", name="uq_model_versions_model_number"),
    UniqueConstraint("model", "name", name="uq_model_versions_model_name"),
    UniqueConstraint("model", "stage", name="uq_model_versions_model_stage"),
)

model_links = Table(
    "model_links",
    metadata,
    Column("version_id", Integer, ForeignKey("model_versions.id", ondelete="CASCADE"), primary_key=True),
    Column("subject_kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("linked_at", Double, nullable=False),
    Index(None, "subject_kind", "subject"),
)

# sealed: the values, encrypted with a key that is not in the database
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

# service: JSON of what the deployer needs to find what it started: process, port, folder
deployments = Table(
    "deployments",
    metadata,
    Column("name", Text, primary_key=True),
    Column("deployer", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("run_id", Text),
    Column("step", Text),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)
