"""The tables of what people say of runs, steps, artifacts and models: tags, metadata, versions of models."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from mlstack_nb.catalog.tables import metadata

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

# stage: null for none; staging and production have one version each, archived has any number
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
)

Index(
    "uq_model_versions_model_stage",
    model_versions.c.model,
    model_versions.c.stage,
    unique=True,
    sqlite_where=model_versions.c.stage != literal_column("'archived'"),
    # the revision says it for PostgreSQL, too: here that would import its whole dialect, for each process
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
