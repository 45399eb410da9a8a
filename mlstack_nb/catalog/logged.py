"""What people's code told of runs, steps, artifacts and models; the last value of a name counts."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mlstack_nb.catalog.prepared import upsert
from mlstack_nb.catalog.subject_tables import logged_metadata
from mlstack_nb.catalog.tables import step_runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

RUN, STEP_RUN, VERSION = "run", "step_run", "artifact_version"


def log(connection: Connection, kind: str, subject: str, metadata: Mapping[str, Any]) -> None:
    """`metadata` is JSON-able."""
    put = upsert(logged_metadata, connection.dialect, logged_metadata.c.keys())
    told = {"subject_kind": kind, "subject": subject, "logged_at": time.time()}
    put.execute(connection, [{**told, "name": name, "value": json.dumps(value)} for name, value in metadata.items()])


def logged_in(connection: Connection, run_id: str) -> dict[str, dict[str, Any]]:
    """Step -> what its code told of it in a run; of a cached one what was told when it ran."""
    told = logged_metadata.c
    subject = func.coalesce(step_runs.c.origin, step_runs.c.id)
    query = (
        select(step_runs.c.step, told.name, told.value)
        .join(logged_metadata, (told.subject_kind == STEP_RUN) & (told.subject == subject))
        .where(step_runs.c.run_id == run_id)
        .order_by(step_runs.c.position, told.logged_at)
    )
    found: dict[str, dict[str, Any]] = {}
    for step, name, value in connection.execute(query):
        found.setdefault(step, {})[name] = json.loads(value)
    return found


def logged(connection: Connection, kind: str, subjects: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Subject -> what was told of it, in the order it was told first."""
    query = select(logged_metadata).where(
        logged_metadata.c.subject_kind == kind, logged_metadata.c.subject.in_(subjects)
    )
    found: dict[str, dict[str, Any]] = {subject: {} for subject in subjects}
    for row in connection.execute(query.order_by(logged_metadata.c.logged_at)):
        found[row.subject][row.name] = json.loads(row.value)
    return found
