"""Taking runs out of the catalog, so that what other runs repeat of them stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from mlstack_nb.catalog.runs import GOING_ON
from mlstack_nb.catalog.subject_tables import logged_metadata, model_links, taggings
from mlstack_nb.catalog.tables import artifacts, runs, step_inputs, step_runs
from mlstack_nb.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_TOLD_OF = (taggings, logged_metadata, model_links)


def delete_run(connection: Connection, run_id: str) -> None:
    """With its step runs. The artifacts that it made stay: as versions of the next run that repeats its steps, else as
    versions that nothing uses. Raises ConflictError while it goes on.
    """
    state = connection.execute(select(runs.c.state).where(runs.c.id == run_id)).scalar()
    if state in GOING_ON:
        raise ConflictError(f"Run {run_id} is still going on.", f"Stop it first: mlstack cancel {run_id}")
    ids = list(connection.scalars(select(step_runs.c.id).where(step_runs.c.run_id == run_id)))
    repeats = select(step_runs).where(step_runs.c.origin.in_(ids), step_runs.c.run_id != run_id)
    heirs: dict[str, Row[tuple[object, ...]]] = {}
    for row in connection.execute(repeats.order_by(step_runs.c.started_at, step_runs.c.id)):
        heirs.setdefault(row.origin, row)
    for origin, heir in heirs.items():
        _hand_over(connection, origin, heir.id)
    own = artifacts.c.step_run_id.in_(ids)
    connection.execute(update(artifacts).where(own).values(step_run_id=None, output=None))
    for table in _TOLD_OF:
        told = (table.c.subject_kind == "step_run") & table.c.subject.in_(ids)
        told |= (table.c.subject_kind == "run") & (table.c.subject == run_id)
        connection.execute(delete(table).where(told))
    connection.execute(update(step_runs).where(step_runs.c.run_id == run_id).values(origin=None))
    connection.execute(delete(runs).where(runs.c.id == run_id))


def open_runs(connection: Connection) -> list[str]:
    """Ids of the runs that go on."""
    return list(connection.scalars(select(runs.c.id).where(runs.c.state.in_(GOING_ON))))


def _hand_over(connection: Connection, origin: str, heir: str) -> None:
    """What the catalog has of a step run's inputs and outputs is from now on that of one that repeats it."""
    kept = (step_runs.c.fingerprint, step_runs.c.parameters, step_runs.c.code)
    values = dict(connection.execute(select(*kept).where(step_runs.c.id == origin)).mappings().one())
    connection.execute(update(step_runs).where(step_runs.c.id == heir).values(origin=None, **values))
    connection.execute(update(step_runs).where(step_runs.c.origin == origin).values(origin=heir))
    connection.execute(update(step_inputs).where(step_inputs.c.step_run_id == origin).values(step_run_id=heir))
    connection.execute(update(artifacts).where(artifacts.c.step_run_id == origin).values(step_run_id=heir))
