"""What a step did before: the earlier runs that it ran in, and who made what it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from mlstack_nb.catalog.tables import runs, step_inputs, step_runs
from mlstack_nb.core.run import State

if TYPE_CHECKING:
    from mlstack_nb.catalog.database import Catalog


def run_before(catalog: Catalog, *, pipeline: str, step: str, before: float) -> str | None:
    """The id of the latest run of `pipeline` in which `step` came to run or to the cache before that moment."""
    query = (
        select(step_runs.c.run_id)
        .join(runs, runs.c.id == step_runs.c.run_id)
        .where(runs.c.pipeline == pipeline, step_runs.c.step == step, step_runs.c.key != "")
        .where(step_runs.c.started_at < before)
        .order_by(step_runs.c.started_at.desc())
        .limit(1)
    )
    with catalog.read() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def run_that_made(catalog: Catalog, key: str, *, before: float) -> str | None:
    """The id of the latest run that executed the code of a cache key before that moment."""
    query = (
        select(step_runs.c.run_id)
        .where(step_runs.c.key == key, step_runs.c.state == State.COMPLETED.value, step_runs.c.started_at < before)
        .order_by(step_runs.c.started_at.desc())
        .limit(1)
    )
    with catalog.read() as connection:
        found: str | None = connection.execute(query).scalar()
    return found


def last_durations(catalog: Catalog, pipeline: str) -> dict[str, float]:
    """Step -> seconds its code took when it ended well the last time."""
    latest = func.max(step_runs.c.started_at)
    query = (
        select(step_runs.c.step, step_runs.c.ended_at - step_runs.c.started_at, latest)
        .join(runs, runs.c.id == step_runs.c.run_id)
        .where(runs.c.pipeline == pipeline, step_runs.c.state == State.COMPLETED.value)
        .group_by(step_runs.c.step)
    )
    with catalog.read() as connection:
        return {step: took for step, took, _ in connection.execute(query)}


def producers(catalog: Catalog, run_id: str, step: str) -> dict[str, str]:
    """Input name -> the step whose output it was; inputs that came from no step are left out."""
    recorded = func.coalesce(step_runs.c.origin, step_runs.c.id)
    query = (
        select(step_inputs.c.name, step_inputs.c.from_step)
        .join(step_runs, step_inputs.c.step_run_id == recorded)
        .where(step_runs.c.run_id == run_id, step_runs.c.step == step, step_inputs.c.from_step.is_not(None))
    )
    with catalog.read() as connection:
        return {row.name: row.from_step for row in connection.execute(query)}
