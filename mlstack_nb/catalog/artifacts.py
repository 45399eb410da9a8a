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
    from sqlalchemy import ColumnElement, Connection, RowMapping, Select


@dataclass(frozen=True, slots=True)
class ArtifactVersion:
    """`output` is the name the artifact has in the step `step` of run `run_id`, which made it.

    `origin` tells how it came: `step` as an output, else by hand; then `output` is empty, and run and step are, too,
    where it was saved outside of steps. `number` counts the versions of a name; it is not positive for one that has a
    name of its own. `stack` is that of the run.
    """

    id: int
    artifact: Artifact
    number: int
    created_at: float
    run_id: str
    pipeline: str
    step: str
    output: str
    origin: str = "step"
    step_run_id: str = ""
    stack: str = ""

    @property
    def version(self) -> int | str:
        """What people call it: its number, or the name that its author gave it."""
        return self.artifact.label or self.number


def latest_versions(catalog: Catalog, *, limit: int | None = None) -> list[ArtifactVersion]:
    """The newest version of each artifact, sorted by name."""
    newest = select(func.max(artifacts.c.id)).group_by(artifacts.c.name)
    query = version_rows().where(artifacts.c.id.in_(newest)).order_by(artifacts.c.name).limit(limit)
    with catalog.read() as connection:
        return versions_of(connection, query)


def versions(catalog: Catalog, name: str) -> list[ArtifactVersion]:
    """Every version, newest first. Raises NotFoundError with the nearest name."""
    query = version_rows().where(artifacts.c.name == name).order_by(artifacts.c.id.desc())
    with catalog.read() as connection:
        found = versions_of(connection, query)
        if not found:
            known = list(connection.scalars(select(artifacts.c.name).distinct()))
            raise NotFoundError.of("artifact", name, known, "Run: mlstack artifacts list")
    return found


def get_version(catalog: Catalog, name: str, version: int | str | None = None) -> ArtifactVersion:
    """One version, the newest by default. Raises NotFoundError."""
    wanted = select(func.max(artifacts.c.id)).where(artifacts.c.name == name)
    if version not in (None, ""):
        wanted = wanted.where(_is_version(str(version)))
    query = version_rows().where(artifacts.c.id == wanted.scalar_subquery())
    with catalog.read() as connection:
        found = versions_of(connection, query)
    if found:
        return found[0]
    there = versions(catalog, name)
    listed = [str(one.version) for one in reversed(there)]
    is_counted = all(one.number > 0 for one in there)
    told = f"{listed[0]} to {listed[-1]}" if is_counted else ", ".join(listed[-8:])
    raise NotFoundError(
        f"Artifact {name!r} has no version {version}; its versions are {told}.",
        f"Run: mlstack artifacts versions {name}",
    )


def version_with_id(catalog: Catalog, number: int) -> ArtifactVersion | None:
    """The version that the catalog has under that id."""
    with catalog.read() as connection:
        found = versions_of(connection, version_rows().where(artifacts.c.id == number))
    return found[0] if found else None


def origin_of(connection: Connection, step_run_id: str) -> str:
    """The step run that it repeats; itself where it repeats none."""
    origin = select(func.coalesce(step_runs.c.origin, step_runs.c.id)).where(step_runs.c.id == step_run_id)
    return str(connection.execute(origin).scalar_one())


def versions_made(catalog: Catalog, step_run_id: str) -> list[ArtifactVersion]:
    """By a step run, or by the one that it repeats: its outputs, and what its code saved by itself."""
    with catalog.read() as connection:
        made = version_rows().where(artifacts.c.step_run_id == origin_of(connection, step_run_id))
        return versions_of(connection, made.order_by(artifacts.c.id))


def versions_read(catalog: Catalog, step_run_id: str) -> dict[str, ArtifactVersion]:
    """Input -> the version that a step run took: of the step before it in its run, else the newest of that content."""
    found: dict[str, ArtifactVersion] = {}
    with catalog.read() as connection:
        run = select(step_runs.c.run_id, step_runs.c.origin).where(step_runs.c.id == step_run_id)
        own = connection.execute(run).one()
        taken = select(step_inputs).where(step_inputs.c.step_run_id == (own.origin or step_run_id))
        for row in list(connection.execute(taken)):
            same = version_rows().where(artifacts.c.digest == row.digest).order_by(artifacts.c.id.desc())
            beside = step_runs.alias()
            here = select(func.coalesce(beside.c.origin, beside.c.id)).where(
                beside.c.run_id == own.run_id, beside.c.step == row.from_step
            )
            edge = same.where(artifacts.c.output == row.from_output, artifacts.c.step_run_id.in_(here))
            known = versions_of(connection, edge.limit(1)) if row.from_step else []
            known = known or versions_of(connection, same.limit(1))
            if known:
                found[row.name] = known[0]
    return found


def with_digest(catalog: Catalog, digest: str) -> Artifact | None:
    """The newest artifact of that content, whatever it is called."""
    query = select(artifacts).where(artifacts.c.digest == digest).order_by(artifacts.c.id.desc()).limit(1)
    with catalog.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else artifact_of(row)


@dataclass(frozen=True, slots=True)
class Reading:
    """A step run that took an artifact as its input `input`; `state` tells whether it executed or was cached."""

    run_id: str
    pipeline: str
    step: str
    input: str
    state: str
    started_at: float


def read_by(catalog: Catalog, version: ArtifactVersion, *, limit: int | None = None) -> list[Reading]:
    """The step runs that read this content from the step that made it, newest first.

    Content counts: two versions with the same content have the same readers.
    """
    reader = step_inputs.c.step_run_id
    from_it = and_(step_inputs.c.from_step == version.step, step_inputs.c.from_output == version.output)
    query = (
        select(step_runs, step_inputs.c.name.label("input"), runs.c.pipeline)
        .select_from(step_inputs)
        .join(step_runs, or_(step_runs.c.id == reader, step_runs.c.origin == reader))
        .join(runs, runs.c.id == step_runs.c.run_id)
        .where(step_inputs.c.digest == version.artifact.digest)
        .where(or_(step_inputs.c.from_step.is_(None), from_it))
        .order_by(step_runs.c.started_at.desc())
        .limit(limit)
    )
    if version.output:
        query = query.where(runs.c.pipeline == version.pipeline)
    with catalog.read() as connection:
        return [
            Reading(row.run_id, row.pipeline, row.step, row.input, row.state, row.started_at)
            for row in connection.execute(query)
        ]


def version_rows() -> Select[Any]:
    """What `versions_of` reads; the joined tables may be named in conditions."""
    made_by = artifacts.outerjoin(step_runs, step_runs.c.id == artifacts.c.step_run_id)
    return select(artifacts, step_runs.c.run_id, step_runs.c.step, runs.c.pipeline, runs.c.stack).select_from(
        made_by.outerjoin(runs, runs.c.id == step_runs.c.run_id)
    )


def versions_of(connection: Connection, query: Select[Any]) -> list[ArtifactVersion]:
    return [_version(row) for row in connection.execute(query).mappings()]


def _is_version(version: str) -> ColumnElement[bool]:
    named = artifacts.c.label == version
    return or_(named, artifacts.c.version == int(version)) if version.isdecimal() else named


def _version(row: RowMapping) -> ArtifactVersion:
    return ArtifactVersion(
        id=row["id"],
        artifact=artifact_of(row),
        number=row["version"],
        created_at=row["created_at"],
        run_id=row["run_id"] or "",
        pipeline=row["pipeline"] or "",
        step=row["step"] or "",
        output=row["output"] or "",
        origin=row["origin"],
        step_run_id=row["step_run_id"] or "",
        stack=row["stack"] or "",
    )
