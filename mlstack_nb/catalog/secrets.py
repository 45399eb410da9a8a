"""Secrets as the catalog holds them: sealed values by key; what opens them is not in the database."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from mlstack_nb.catalog.service_tables import secrets

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """`sealed` maps keys to encrypted values; times are UTC epoch seconds."""

    name: str
    sealed: Mapping[str, str]
    created_at: float
    updated_at: float


def list_secrets(connection: Connection) -> list[SealedSecret]:
    """By name."""
    return [_secret(row) for row in connection.execute(select(secrets).order_by(secrets.c.name))]


def find_secret(connection: Connection, name: str) -> SealedSecret | None:
    row = connection.execute(select(secrets).where(secrets.c.name == name)).first()
    return None if row is None else _secret(row)


def add_secret(connection: Connection, name: str, sealed: Mapping[str, str]) -> SealedSecret:
    now = time.time()
    row = {"name": name, "sealed": json.dumps(dict(sealed)), "created_at": now, "updated_at": now}
    connection.execute(insert(secrets).values(row))
    return SealedSecret(name, sealed, now, now)


def change_secret(connection: Connection, known: SealedSecret, *, name: str, sealed: Mapping[str, str]) -> SealedSecret:
    """Give the secret `known` this name and these values."""
    # a change is always later than what it changes, also where the clock is coarse or was put back
    now = max(time.time(), known.updated_at + 1e-6)
    values = {"name": name, "sealed": json.dumps(dict(sealed)), "updated_at": now}
    connection.execute(update(secrets).where(secrets.c.name == known.name).values(values))
    return SealedSecret(name, sealed, known.created_at, now)


def delete_secret(connection: Connection, name: str) -> None:
    connection.execute(delete(secrets).where(secrets.c.name == name))


def _secret(row: Row[tuple[str, str, float, float]]) -> SealedSecret:
    return SealedSecret(row.name, json.loads(row.sealed), row.created_at, row.updated_at)
