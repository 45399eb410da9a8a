"""Use cases of artifacts, as plain data for every surface: what there is, its versions, where it came from and went."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog import artifacts as rows
from mlstack_nb.core.run import iso

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion


def list_all(workspace: Workspace, *, limit: int | None = None) -> list[dict[str, Any]]:
    """The newest version of each artifact, sorted by name."""
    return [_as_dict(version) for version in rows.latest_versions(workspace.catalog, limit=limit)]


def versions(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """Every version, newest first. Raises NotFoundError with the nearest name."""
    return [_as_dict(version) for version in rows.versions(workspace.catalog, name)]


def show(workspace: Workspace, name: str, *, version: int | None = None) -> dict[str, Any]:
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
        "metadata": dict(artifact.metadata),
        "preview": dict(artifact.preview) if artifact.preview is not None else None,
        "made_by": {"run_id": found.run_id, "pipeline": found.pipeline, "step": found.step, "output": found.output},
        "read_by": [{**asdict(reading), "started_at": iso(reading.started_at)} for reading in readings],
    }


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
