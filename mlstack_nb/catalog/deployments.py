"""Deployments as the catalog holds them. The caller owns the transaction, so that several changes are one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from mlstack_nb.catalog.service_tables import deployments
from mlstack_nb.core.deployment import DeploymentRecord, DeploymentState

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping


def list_deployments(connection: Connection, *, run_id: str | None = None) -> list[DeploymentRecord]:
    """By name; of one run where that is given."""
    query = select(deployments).order_by(deployments.c.name)
    if run_id is not None:
        query = query.where(deployments.c.run_id == run_id)
    return [_record(row) for row in connection.execute(query).mappings()]


def find_deployment(connection: Connection, name: str) -> DeploymentRecord | None:
    row = connection.execute(select(deployments).where(deployments.c.name == name)).mappings().first()
    return None if row is None else _record(row)


def put_deployment(connection: Connection, record: DeploymentRecord) -> None:
    """Add it, or change what is known under its name; when it was created stays."""
    texts = {"configuration": json.dumps(dict(record.configuration)), "service": json.dumps(dict(record.service))}
    row = {**asdict(record), **texts, "state": record.state.value}
    kept = {name: value for name, value in row.items() if name not in ("name", "created_at")}
    changed = connection.execute(update(deployments).where(deployments.c.name == record.name).values(kept))
    if changed.rowcount == 0:
        connection.execute(insert(deployments).values(row))


def delete_deployment(connection: Connection, name: str) -> None:
    connection.execute(delete(deployments).where(deployments.c.name == name))


def _record(row: RowMapping) -> DeploymentRecord:
    return DeploymentRecord(
        **{
            **row,
            "state": DeploymentState(row["state"]),
            "configuration": json.loads(row["configuration"]),
            "service": json.loads(row["service"]),
        }
    )
