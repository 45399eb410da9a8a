"""The tables of secrets and of deployments."""

from __future__ import annotations

from sqlalchemy import Column, Double, Table, Text

from mlstack_nb.catalog.tables import metadata

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
