"""Reading artifacts: names, versions, and which step runs made and read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.rows import artifact_of
from mlstack_nb.catalog.tables import artifacts, runs, step_inputs, step_runs
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select


@dataclass(frozen=True, slots=True)
class ArtifactVersion:
    """`output` is the name the artifact has in the step `step` of run `run_id`, which made it."""

    artifact: Artifact
    version: int
    created_at: float
    run_id: str
    pipeline: str
    step: str
    output: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A step run that took an artifact as its input `input`; `state` tells whether it executed or was cached."""

    run_id: str
    pipeline: str
    step: str
    input: str
    state: str
    started_at: float


def latest_versions(catalog: Catalog, *, limit: int | None = None) -> list[ArtifactVersion]:
    """The newest version of each artifact, sorted by name."""
    newest = select(artifacts.c.name, func.max(artifacts.c.version).label("version")).group_by(artifacts.c.name)
    chosen = newest.subquery()
    is_newest = and_(artifacts.c.name == chosen.c.name, artifacts.c.version == chosen.c.version)
    query = _versions().join(chosen, is_newest).order_by(artifacts.c.name).limit(limit)
    with catalog.read() as connection:
        return [_version(row) for row in connection.execute(query).mappings()]


def versions(catalog: Catalog, name: str) -> list[ArtifactVersion]:
    """Every version, newest first. Raises NotFoundError with the nearest name."""
    query = _versions().where(artifacts.c.name == name).order_by(artifacts.c.version.desc())
    with catalog.read() as connection:
        found = [_version(row) for row in connection.execute(query).mappings()]
        if not found:
            known = list(connection.scalars(select(artifacts.c.name).distinct()))
            raise NotFoundError.of("artifact", name, known, "Run: mlstack artifacts list")
    return found


def get_version(catalog: Catalog, name: str, version: int | None = None) -> ArtifactVersion:
    """One version, the newest by default. Raises NotFoundError."""
    query = _versions().where(artifacts.c.name == name).order_by(artifacts.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(artifacts.c.version == version)
    with catalog.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is not None:
        return _version(row)
    there = versions(catalog, name)
    raise NotFoundError(
        f"Artifact {name!r} has no version {version}; its versions are {there[-1].version} to {there[0].version}.",
        f"Run: mlstack artifacts versions {name}",
    )


def with_digest(catalog: Catalog, digest: str) -> Artifact | None:
    """The newest artifact of that content, whatever it is called."""
    query = select(artifacts).where(artifacts.c.digest == digest).order_by(artifacts.c.id.desc()).limit(1)
    with catalog.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else artifact_of(row)


def read_by(catalog: Catalog, version: ArtifactVersion, *, limit: int | None = None) -> list[Reading]:
    """The step runs that read this content from the step that made it, newest first.

    Content counts: two versions with the same content have the same readers.
    """
    reader = step_inputs.c.step_run_id
    query = (
        select(step_runs, step_inputs.c.name.label("input"), runs.c.pipeline)
        .select_from(step_inputs)
        .join(step_runs, or_(step_runs.c.id == reader, step_runs.c.origin == reader))
        .join(runs, runs.c.id == step_runs.c.run_id)
        .where(step_inputs.c.digest == version.artifact.digest)
        .where(
            or_(
                step_inputs.c.from_step.is_(None),
                and_(step_inputs.c.from_step == version.step, step_inputs.c.from_output == version.output),
            )
        )
        .where(runs.c.pipeline == version.pipeline)
        .order_by(step_runs.c.started_at.desc())
        .limit(limit)
    )
    with catalog.read() as connection:
        return [
            Reading(row.run_id, row.pipeline, row.step, row.input, row.state, row.started_at)
            for row in connection.execute(query)
        ]


def _versions() -> Select[Any]:
    made_by = artifacts.join(step_runs, step_runs.c.id == artifacts.c.step_run_id)
    return select(artifacts, step_runs.c.run_id, step_runs.c.step, runs.c.pipeline).select_from(
        made_by.join(runs, runs.c.id == step_runs.c.run_id)
    )


def _version(row: RowMapping) -> ArtifactVersion:
    return ArtifactVersion(
        artifact=artifact_of(row),
        version=row["version"],
        created_at=row["created_at"],
        run_id=row["run_id"],
        pipeline=row["pipeline"],
        step=row["step"],
        output=row["output"],
    )
