"""Reading runs and step runs. A run whose process is gone reads as failed, and is recorded so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.rows import artifact_of, run_of, step_of
from mlstack_nb.catalog.tables import artifacts, runs, step_inputs, step_runs
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import LAST, Run, State, StepRun
from mlstack_nb.errors import NotFoundError, UsageError
from mlstack_nb.ports.owner import Owner, this_host

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping, Update

GOING_ON = (State.PENDING.value, State.RUNNING.value)
_AT_ONCE = 500
"""Databases limit how many values one statement may have."""
_LOST = json.dumps({"type": "ProcessEnded", "message": "the process that ran it ended"})


def list_runs(
    catalog: Catalog,
    *,
    pipeline: str | None = None,
    stack: str | None = None,
    state: State | None = None,
    limit: int | None = None,
) -> list[Run]:
    """Newest first, without their steps."""
    fail_lost_runs(catalog)
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    for column, wanted in ((runs.c.pipeline, pipeline), (runs.c.stack, stack), (runs.c.state, state)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    with catalog.read() as connection:
        return [run_of(row, ()) for row in connection.execute(query).mappings()]


def going_on(catalog: Catalog, *, mode: str) -> list[Run]:
    """Those of a mode that have not ended, oldest first, without their steps."""
    query = select(runs).where(runs.c.state.in_(GOING_ON), runs.c.mode == mode).order_by(runs.c.started_at)
    with catalog.read() as connection:
        return [run_of(row, ()) for row in connection.execute(query).mappings()]


def count_steps(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, dict[State, int]]:
    """Run id -> how many of its step runs are in each state."""
    query = (
        select(step_runs.c.run_id, step_runs.c.state, func.count())
        .where(step_runs.c.run_id.in_(run_ids))
        .group_by(step_runs.c.run_id, step_runs.c.state)
    )
    counts: dict[str, dict[State, int]] = {run_id: {} for run_id in run_ids}
    with catalog.read() as connection:
        for run_id, state, count in connection.execute(query):
            counts[run_id][State(state)] = count
    return counts


def get_run(catalog: Catalog, reference: str) -> Run:
    """The run with its steps, by id, by the beginning of an id, or the `last` one.

    Raises NotFoundError, or UsageError when several ids begin so.
    """
    fail_lost_runs(catalog)
    with catalog.read() as connection:
        row = _find(connection, reference)
        return run_of(row, tuple(_steps(connection, step_runs.c.run_id == row["id"])))


def owner_of(catalog: Catalog, run_id: str) -> Owner:
    """The process that carries a run out, or did."""
    query = select(runs.c.owner_host, runs.c.owner_pid, runs.c.owner_ticks).where(runs.c.id == run_id)
    with catalog.read() as connection:
        return Owner(*connection.execute(query).one())


def end_lost_steps(catalog: Catalog, run_id: str, *, but: str) -> None:
    """Steps that another process, which has ended, left as running end as failed. `but` is the caller's own step."""
    lost = (step_runs.c.run_id == run_id) & (step_runs.c.step != but) & step_runs.c.state.in_(GOING_ON)
    with catalog.write() as connection:
        connection.execute(_failed(lost))


def _find(connection: Connection, reference: str) -> RowMapping:
    newest = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    if reference == LAST:
        found = list(connection.execute(newest.limit(1)).mappings())
    else:
        alike = newest.where(runs.c.id.startswith(reference, autoescape=True)).limit(4)
        found = list(connection.execute(alike).mappings())
        found = [row for row in found if row["id"] == reference] or found
    if not found:
        if reference == LAST:
            raise NotFoundError("There is no run yet.", "Run a step cell, or call a pipeline.")
        raise NotFoundError(f"No run has an id that begins with {reference!r}.", "Run: mlstack runs list")
    if len(found) > 1:
        raise UsageError(
            f"Several runs have an id that begins with {reference!r}: {', '.join(row['id'] for row in found[:3])}, ...",
            "Give more characters of the id.",
        )
    return found[0]


def last_steps(catalog: Catalog, pipeline: str) -> dict[str, StepRun]:
    """Step -> its newest step run in any run of the pipeline, whatever became of it."""
    fail_lost_runs(catalog)
    order = (step_runs.c.started_at.desc(), step_runs.c.run_id.desc(), step_runs.c.position.desc())
    rank = func.row_number().over(partition_by=step_runs.c.step, order_by=order).label("rank")
    of_pipeline = select(step_runs.c.id, rank).join(runs, runs.c.id == step_runs.c.run_id)
    ranked = of_pipeline.where(runs.c.pipeline == pipeline).subquery()
    newest = select(ranked.c.id).where(ranked.c.rank == 1)
    with catalog.read() as connection:
        return {step.step: step for step in _steps(connection, step_runs.c.id.in_(newest))}


def steps_of(catalog: Catalog, run_id: str) -> dict[str, StepRun]:
    """Id -> step run, in the order they started."""
    with catalog.read() as connection:
        return _by_id(connection, step_runs.c.run_id == run_id)


def step_runs_with(catalog: Catalog, ids: Sequence[str]) -> dict[str, StepRun]:
    """Id -> step run, in the order of `ids`. Raises NotFoundError."""
    found: dict[str, StepRun] = {}
    with catalog.read() as connection:
        for first in range(0, len(ids), _AT_ONCE):
            found |= _by_id(connection, step_runs.c.id.in_(ids[first : first + _AT_ONCE]))
    for number in ids:
        if number not in found:
            raise NotFoundError(f"No step run has the id {number!r}.", "Run: mlstack runs steps last --json")
    return {number: found[number] for number in ids}


def _steps(connection: Connection, is_wanted: ColumnElement[bool]) -> list[StepRun]:
    """Step runs; those of one run in the order they started."""
    return list(_by_id(connection, is_wanted).values())


def _by_id(connection: Connection, is_wanted: ColumnElement[bool]) -> dict[str, StepRun]:
    rows = connection.execute(select(step_runs).where(is_wanted).order_by(step_runs.c.position)).mappings()
    own = {row["id"]: row for row in rows}
    missing = {row["origin"] for row in own.values() if row["origin"]} - own.keys()
    elsewhere = connection.execute(select(step_runs).where(step_runs.c.id.in_(missing))).mappings() if missing else ()
    recorded = {**own, **{row["id"]: row for row in elsewhere}}
    inputs = _inputs(connection, list(recorded))
    outputs = _outputs(connection, list(recorded))
    return {number: _step(row, recorded[row["origin"] or number], inputs, outputs) for number, row in own.items()}


def _step(
    row: RowMapping,
    recorded: RowMapping,
    inputs: Mapping[str, Mapping[str, str]],
    outputs: Mapping[str, Mapping[str, Artifact]],
) -> StepRun:
    wrote = recorded["id"]
    return step_of(row, recorded=recorded, inputs=inputs.get(wrote, {}), outputs=outputs.get(wrote, {}))


def _inputs(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(step_inputs).where(step_inputs.c.step_run_id.in_(ids))):
        found.setdefault(row.step_run_id, {})[row.name] = row.digest
    return found


def _outputs(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Artifact]]:
    found: dict[str, dict[str, Artifact]] = {}
    is_output = artifacts.c.step_run_id.in_(ids) & artifacts.c.output.is_not(None)
    query = select(artifacts).where(is_output).order_by(artifacts.c.id)
    for row in connection.execute(query).mappings():
        found.setdefault(row["step_run_id"], {})[row["output"]] = artifact_of(row)
    return found


def fail_lost_runs(catalog: Catalog) -> None:
    """Runs that this host's dead processes left behind end as failed, at the last time they were heard of."""
    query = select(runs).where(runs.c.state.in_(GOING_ON), runs.c.owner_host == this_host())
    with catalog.read() as connection:
        open_runs = connection.execute(query).all()
    lost = [row.id for row in open_runs if Owner(row.owner_host, row.owner_pid, row.owner_ticks).is_gone]
    if not lost:
        return
    ended = func.coalesce(step_runs.c.ended_at, step_runs.c.started_at)
    heard_of = select(func.max(ended)).where(step_runs.c.run_id == runs.c.id).scalar_subquery()
    failed = State.FAILED.value
    with catalog.write() as connection:
        # it may have ended well between the two transactions
        still = runs.c.id.in_(lost) & runs.c.state.in_(GOING_ON)
        going_on = step_runs.c.run_id.in_(select(runs.c.id).where(still)) & step_runs.c.state.in_(GOING_ON)
        connection.execute(_failed(going_on))
        connection.execute(
            update(runs).where(still).values(state=failed, ended_at=func.coalesce(heard_of, runs.c.started_at))
        )


def _failed(lost: ColumnElement[bool]) -> Update:
    """Step runs that nobody carries out any more."""
    known = {"state": State.FAILED.value, "ended_at": step_runs.c.started_at, "failure": _LOST}
    return update(step_runs).where(lost).values(known)
