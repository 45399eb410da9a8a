"""Writing versions of artifacts by hand: counted in the database, so that any number of processes may do it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, literal, select

from mlstack_nb.catalog.numbering import next_number, number_of_named
from mlstack_nb.catalog.rows import to_text
from mlstack_nb.catalog.subject_tables import logged_metadata, model_links, taggings
from mlstack_nb.catalog.tables import artifacts, step_inputs
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy import Connection, ScalarSelect

VERSION_KIND = "artifact_version"


def add_version(
    connection: Connection, artifact: Artifact, *, origin: str, created_at: float, step_run_id: str | None = None
) -> int:
    """The id of the new version. Its `label` becomes the version, a number too; else it is the next number.

    Raises ConflictError for a version that is there.
    """
    refuse_taken(connection, artifact.name, artifact.label)
    row = {
        "name": artifact.name,
        "version": _number(artifact),
        "step_run_id": step_run_id,
        "output": None,
        "created_at": created_at,
        "type": artifact.type,
        "materializer": artifact.materializer,
        "digest": artifact.digest,
        "object": artifact.object,
        "inline": artifact.inline,
        "size_bytes": artifact.size_bytes,
        "kind": artifact.kind.value,
        "metadata": to_text(artifact.metadata),
        "preview": to_text(artifact.preview) if artifact.preview is not None else None,
        "label": None if artifact.label.isdecimal() else artifact.label or None,
        "origin": origin,
    }
    made = connection.execute(insert(artifacts).values(row).returning(artifacts.c.id))
    return int(made.scalar_one())


def refuse_taken(connection: Connection, name: str, label: str) -> None:
    """Raises ConflictError where the artifact has a version of that name already."""
    if not label:
        return
    same = artifacts.c.version == int(label) if label.isdecimal() else artifacts.c.label == label
    if connection.execute(select(artifacts.c.id).where(artifacts.c.name == name, same)).first() is not None:
        raise ConflictError(
            f"Artifact {name!r} has a version {label!r} already.",
            "Give it another version, or none: it then gets the next number.",
        )


def _number(artifact: Artifact) -> int | ScalarSelect[int]:
    if artifact.label.isdecimal():
        return int(artifact.label)
    return (number_of_named if artifact.label else next_number)(literal(artifact.name))


def in_use(connection: Connection, version: int) -> bool:
    """Whether a step made it or read it, or a model has it."""
    made = select(artifacts.c.id).where(artifacts.c.id == version, artifacts.c.step_run_id.is_not(None))
    read = (
        select(artifacts.c.id)
        .join(step_inputs, step_inputs.c.digest == artifacts.c.digest)
        .where(artifacts.c.id == version)
        .limit(1)
    )
    linked = select(model_links.c.subject).where(
        model_links.c.subject_kind == VERSION_KIND, model_links.c.subject == str(version)
    )
    return any(connection.execute(query).first() is not None for query in (made, read, linked))


def unused(connection: Connection) -> list[int]:
    """Ids of the versions that `in_use` is false for, oldest first."""
    read = select(step_inputs.c.digest)
    linked = select(model_links.c.subject).where(model_links.c.subject_kind == VERSION_KIND)
    query = select(artifacts.c.id).where(artifacts.c.step_run_id.is_(None), artifacts.c.digest.not_in(read))
    known = set(connection.scalars(linked))
    return [number for number in connection.scalars(query.order_by(artifacts.c.id)) if str(number) not in known]


def delete_version(connection: Connection, version: int) -> None:
    """With what was told of it, and its tags."""
    for table in (taggings, logged_metadata, model_links):
        same = (table.c.subject_kind == VERSION_KIND) & (table.c.subject == str(version))
        connection.execute(delete(table).where(same))
    connection.execute(delete(artifacts).where(artifacts.c.id == version))


def forget_names(connection: Connection, names: set[str]) -> None:
    """The tags of artifacts that have no version any more."""
    left = set(connection.scalars(select(artifacts.c.name).where(artifacts.c.name.in_(names)).distinct()))
    same = (taggings.c.subject_kind == "artifact") & taggings.c.subject.in_(names - left)
    connection.execute(delete(taggings).where(same))


def sharing(connection: Connection, address: str) -> set[int]:
    """Ids of the versions that have their content there."""
    return set(connection.scalars(select(artifacts.c.id).where(artifacts.c.object == address)))


def objects_needed(connection: Connection, addresses: set[str]) -> set[str]:
    """Those of `addresses` that a version still has its content at."""
    if not addresses:
        return set()
    query = select(artifacts.c.object).where(artifacts.c.object.in_(addresses)).distinct()
    return {str(address) for address in connection.scalars(query)}
