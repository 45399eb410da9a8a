"""Use cases of artifacts, as plain data for every surface: what there is, its versions, where it came from and went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.recalling import told_of
from mlstack_nb.catalog import artifacts as rows
from mlstack_nb.catalog.listings import Wanted, list_artifacts, list_versions
from mlstack_nb.catalog.tags import VERSION, tags_by_subject
from mlstack_nb.core.run import iso

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion


def list_all(workspace: Workspace, *, limit: int | None = None, tag: str | None = None) -> list[dict[str, Any]]:
    """The newest version of each artifact, sorted by name; with a tag, of those that have it, or a version of which."""
    found = rows.latest_versions(workspace.catalog, limit=None if tag else limit)
    if tag is not None:
        alike = Wanted({"tag": tag}, size=0)
        whole = list_artifacts(workspace.catalog, alike)[0]
        single = [version.artifact.name for version in list_versions(workspace.catalog, alike)[0]]
        found = [version for version in found if version.artifact.name in {*whole, *single}][:limit]
    return as_dicts(found)


def as_dicts(versions: Iterable[ArtifactVersion]) -> list[dict[str, Any]]:
    return [_as_dict(version) for version in versions]


def versions(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """Every version, newest first. Raises NotFoundError with the nearest name."""
    return [_as_dict(version) for version in rows.versions(workspace.catalog, name)]


def show(workspace: Workspace, name: str, *, version: int | str | None = None) -> dict[str, Any]:
    """One version, the newest by default, with all that is known of it, and its lineage.

    `made_by` is the step run that made it, `read_by` those that took its content as an input, newest first.
    """
    found = rows.get_version(workspace.catalog, name, version)
    readings = rows.read_by(workspace.catalog, found)
    artifact = found.artifact
    return {
        **_as_dict(found),
        "materializer": artifact.materializer,
        "object": artifact.object,
        "inline": artifact.inline,
        "metadata": told_of(workspace.catalog, found),
        "tags": _tags(workspace, found),
        "origin": found.origin,
        "preview": dict(artifact.preview) if artifact.preview is not None else None,
        "made_by": {"run_id": found.run_id, "pipeline": found.pipeline, "step": found.step, "output": found.output},
        "read_by": [{**asdict(reading), "started_at": iso(reading.started_at)} for reading in readings],
    }


def _tags(workspace: Workspace, version: ArtifactVersion) -> list[str]:
    with workspace.catalog.read() as connection:
        return list(tags_by_subject(connection, VERSION, [str(version.id)])[str(version.id)])


def _as_dict(version: ArtifactVersion) -> dict[str, Any]:
    artifact = version.artifact
    return {
        "name": artifact.name,
        "version": version.version,
        "type": artifact.type,
        "kind": artifact.kind.value,
        "size_bytes": artifact.size_bytes,
        "digest": artifact.digest,
        "created_at": iso(version.created_at),
        "run_id": version.run_id,
        "pipeline": version.pipeline,
        "step": version.step,
        "output": version.output,
    }
