"""Pages of what the catalog has, filtered and sorted: pipelines, runs, step runs, artifacts and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, case, cast, func, literal, or_, select

from mlstack_nb.catalog.artifacts import ArtifactVersion, version_rows, versions_of
from mlstack_nb.catalog.filters import Field, Fields, condition, moment_of, order
from mlstack_nb.catalog.rows import run_of
from mlstack_nb.catalog.subject_tables import taggings
from mlstack_nb.catalog.tables import artifacts, runs, step_runs
from mlstack_nb.catalog.tags import tagged
from mlstack_nb.core.run import Run
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from mlstack_nb.catalog.database import Catalog

FIRST, SIZE = 1, 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of what. `size` 0 stands for everything on one page."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort_by: str = "desc:created"
    page: int = FIRST
    size: int = SIZE
    operator: str = "and"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: `key` tells one from another, `is_grouped` that each stands for several rows."""

    noun: str
    fields: Fields
    key: ColumnElement[Any]
    is_grouped: bool = False


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """A pipeline that has run at least once; `id` is its name."""

    name: str
    runs: int
    created_at: float
    updated_at: float


def _state(column: ColumnElement[Any], *, cached: str) -> ColumnElement[Any]:
    """States as ZenML calls them: a run whose steps were all cached is completed."""
    return case((column == "pending", "initializing"), (column == "cached", cached), else_=column)


def _tag(kind: str, subject: ColumnElement[Any]) -> Field:
    return Field(taggings.c.tag, within=lambda is_tag: tagged(kind, subject, is_tag))


_run_name = func.coalesce(runs.c.name, runs.c.id)
RUNS: Fields = {
    "id": Field(runs.c.id),
    "name": Field(_run_name),
    "pipeline": Field(runs.c.pipeline),
    "pipeline_id": Field(runs.c.pipeline),
    "pipeline_name": Field(runs.c.pipeline),
    "stack": Field(runs.c.stack),
    "stack_id": Field(runs.c.stack),
    "status": Field(_state(runs.c.state, cached="completed")),
    "mode": Field(runs.c.mode),
    "tag": _tag("run", runs.c.id),
    "created": Field(runs.c.started_at, moment_of),
    "updated": Field(func.coalesce(runs.c.ended_at, runs.c.started_at), moment_of),
    "start_time": Field(runs.c.started_at, moment_of),
    "end_time": Field(runs.c.ended_at, moment_of),
}
STEPS: Fields = {
    "id": Field(step_runs.c.id),
    "name": Field(step_runs.c.step),
    "pipeline_run_id": Field(step_runs.c.run_id),
    "pipeline": Field(runs.c.pipeline),
    "status": Field(_state(step_runs.c.state, cached="cached")),
    "cache_key": Field(step_runs.c.key),
    "created": Field(step_runs.c.started_at, moment_of),
    "updated": Field(func.coalesce(step_runs.c.ended_at, step_runs.c.started_at), moment_of),
    "start_time": Field(step_runs.c.started_at, moment_of),
    "end_time": Field(step_runs.c.ended_at, moment_of),
}
_called = func.coalesce(artifacts.c.label, cast(artifacts.c.version, String))
VERSIONS: Fields = {
    "id": Field(artifacts.c.id, int),
    "name": Field(artifacts.c.name),
    "artifact": Field(artifacts.c.name),
    "artifact_id": Field(artifacts.c.name),
    "version": Field(_called),
    "version_number": Field(artifacts.c.version, int),
    "type": Field(artifacts.c.kind),
    "data_type": Field(artifacts.c.type),
    "materializer": Field(artifacts.c.materializer),
    "content_hash": Field(artifacts.c.digest),
    "save_type": Field(artifacts.c.origin),
    "pipeline_run": Field(step_runs.c.run_id),
    "pipeline": Field(runs.c.pipeline),
    "step": Field(step_runs.c.step),
    "tag": _tag("artifact_version", artifacts.c.id),
    "created": Field(artifacts.c.created_at, moment_of),
    "updated": Field(artifacts.c.created_at, moment_of),
}
_OF_RUNS = {"pipeline_run", "pipeline", "step"}
ARTIFACTS: Fields = {
    "id": Field(artifacts.c.name),
    "name": Field(artifacts.c.name),
    "tag": _tag("artifact", artifacts.c.name),
    "created": Field(func.min(artifacts.c.created_at), moment_of),
    "updated": Field(func.max(artifacts.c.created_at), moment_of),
}
PIPELINES: Fields = {
    "id": Field(runs.c.pipeline),
    "name": Field(runs.c.pipeline),
    "tag": _tag("pipeline", runs.c.pipeline),
    "created": Field(func.min(runs.c.started_at), moment_of),
    "updated": Field(func.max(runs.c.started_at), moment_of),
}

_RUNS = Listing("Runs", RUNS, runs.c.id)
_STEPS = Listing("Step runs", STEPS, step_runs.c.id)
_VERSIONS = Listing("Artifact versions", VERSIONS, artifacts.c.id)
_ARTIFACTS = Listing("Artifacts", ARTIFACTS, artifacts.c.name, is_grouped=True)
_PIPELINES = Listing("Pipelines", PIPELINES, runs.c.pipeline, is_grouped=True)


def list_runs(catalog: Catalog, wanted: Wanted) -> tuple[list[Run], int]:
    """A page of runs without their steps, and how many there are altogether. Raises UsageError, as the others do."""
    with catalog.read() as connection:
        rows, total = _page(connection, select(runs), _RUNS, wanted)
        return [run_of(row, ()) for row in rows], total


def list_steps(catalog: Catalog, wanted: Wanted) -> tuple[list[str], int]:
    """Ids."""
    query = select(step_runs.c.id).join(runs, runs.c.id == step_runs.c.run_id)
    with catalog.read() as connection:
        rows, total = _page(connection, query, _STEPS, wanted)
        return [row["id"] for row in rows], total


def list_versions(catalog: Catalog, wanted: Wanted) -> tuple[list[ArtifactVersion], int]:
    """Chosen among artifacts alone where that is enough, so that runs are joined to those of the page only."""
    asked = {*wanted.filters, wanted.sort_by.rpartition(":")[2]}
    rows = version_rows() if asked & _OF_RUNS else select(artifacts.c.id)
    with catalog.read() as connection:
        chosen, total = _chosen(connection, rows.with_only_columns(artifacts.c.id), _VERSIONS, wanted)
        ids = list(connection.scalars(chosen))
        found = {one.id: one for one in versions_of(connection, version_rows().where(artifacts.c.id.in_(chosen)))}
        return [found[number] for number in ids], total


def list_artifacts(catalog: Catalog, wanted: Wanted) -> tuple[list[str], int]:
    """Names."""
    query = select(artifacts.c.name).group_by(artifacts.c.name)
    with catalog.read() as connection:
        rows, total = _page(connection, query, _ARTIFACTS, wanted)
        return [row["name"] for row in rows], total


def list_pipelines(catalog: Catalog, wanted: Wanted) -> tuple[list[PipelineRow], int]:
    first, last = func.min(runs.c.started_at).label("first"), func.max(runs.c.started_at).label("last")
    query = select(runs.c.pipeline, func.count().label("runs"), first, last).group_by(runs.c.pipeline)
    with catalog.read() as connection:
        rows, total = _page(connection, query, _PIPELINES, wanted)
        return [PipelineRow(row["pipeline"], row["runs"], row["first"], row["last"]) for row in rows], total


def runs_called(catalog: Catalog, reference: str) -> list[Run]:
    """The run of that id or name; else those whose id begins so, newest first, at most four."""
    newest = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    is_called = or_(runs.c.id == reference, runs.c.name == reference)
    begins = runs.c.id.startswith(reference, autoescape=True)
    with catalog.read() as connection:
        found = list(connection.execute(newest.where(is_called).limit(1)).mappings())
        found = found or list(connection.execute(newest.where(begins).limit(4)).mappings())
        return [run_of(row, ()) for row in found]


def last_run(catalog: Catalog, pipeline: str, *, states: tuple[str, ...] = ()) -> Run | None:
    """The newest run, or the newest in one of these states; without its steps."""
    query = select(runs).where(runs.c.pipeline == pipeline).order_by(runs.c.started_at.desc()).limit(1)
    if states:
        query = query.where(runs.c.state.in_(states))
    with catalog.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else run_of(row, ())


def has_pipeline(catalog: Catalog, name: str) -> bool:
    with catalog.read() as connection:
        return connection.execute(select(literal(1)).where(runs.c.pipeline == name).limit(1)).first() is not None


def step_ids(catalog: Catalog, run_id: str) -> dict[str, str]:
    """Step -> id of its newest step run in the run, in the order they started."""
    query = select(step_runs.c.step, step_runs.c.id).where(step_runs.c.run_id == run_id).order_by(step_runs.c.position)
    with catalog.read() as connection:
        return {row.step: row.id for row in connection.execute(query)}


def count_runs(catalog: Catalog, pipeline: str) -> int:
    with catalog.read() as connection:
        return connection.execute(select(func.count()).where(runs.c.pipeline == pipeline)).scalar_one()


def _page(connection: Connection, query: Select[Any], listing: Listing, wanted: Wanted) -> tuple[list[Any], int]:
    chosen, total = _chosen(connection, query, listing, wanted)
    return list(connection.execute(chosen).mappings()), total


def _chosen(connection: Connection, query: Select[Any], listing: Listing, wanted: Wanted) -> tuple[Select[Any], int]:
    noun, fields, key = listing.noun, listing.fields, listing.key
    is_wanted = condition(noun, fields, wanted.filters, operator=wanted.operator)
    chosen = query.having(is_wanted) if listing.is_grouped else query.where(is_wanted)
    total = _count(connection, chosen.with_only_columns(key))
    ordered = chosen.order_by(order(noun, fields, wanted.sort_by), key.desc())
    return _cut(ordered, wanted), total


def _count(connection: Connection, query: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()


def _cut(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.page < 1 or wanted.size < 0:
        raise UsageError(f"There is no page {wanted.page} of size {wanted.size}.", "Pages begin with 1.")
    return query.limit(wanted.size).offset((wanted.page - 1) * wanted.size) if wanted.size else query
