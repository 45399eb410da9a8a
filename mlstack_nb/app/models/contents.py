"""What belongs to a version of a model: artifacts, runs, deployments, metadata, tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog import artifacts, logged, tables
from mlstack_nb.catalog import models as rows
from mlstack_nb.catalog.tags import tags_by_subject
from mlstack_nb.core.artifact import ArtifactType

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.core.model import ModelVersion

MODELS = (ArtifactType.MODEL,)
SERVICES = (ArtifactType.SERVICE,)
DATA = tuple(kind for kind in ArtifactType if kind not in (*MODELS, *SERVICES))


def artifacts_of(
    workspace: Workspace, version: ModelVersion, kinds: Iterable[ArtifactType] = ArtifactType
) -> list[ArtifactVersion]:
    """Newest first."""
    with workspace.catalog.read() as connection:
        ids = {int(subject) for subject in rows.links(connection, version, rows.ARTIFACT_VERSION)}
        found = artifacts.versions_of(connection, artifacts.version_rows().where(tables.artifacts.c.id.in_(ids)))
    wanted = set(kinds)
    chosen = (one for one in found if one.artifact.kind in wanted)
    return sorted(chosen, key=lambda one: one.id, reverse=True)


def find_artifact(
    workspace: Workspace,
    version: ModelVersion,
    name: str,
    *,
    number: str | int | None = None,
    kinds: Sequence[ArtifactType] = tuple(ArtifactType),
) -> ArtifactVersion | None:
    """The newest of that name, or of the output's name; `number` is a version of the artifact."""
    for found in artifacts_of(workspace, version, kinds):
        is_called = name in (found.artifact.name, found.output)
        if is_called and (number is None or str(number) == str(found.version)):
            return found
    return None


def linked(workspace: Workspace, version: ModelVersion, kind: str) -> list[str]:
    """Ids of runs, names of deployments: those linked last first."""
    with workspace.catalog.read() as connection:
        return rows.links(connection, version, kind)


def metadata_of(workspace: Workspace, version: ModelVersion) -> dict[str, Any]:
    subject = str(version.id)
    with workspace.catalog.read() as connection:
        return logged.logged(connection, rows.VERSION, [subject])[subject]


def tags_of(workspace: Workspace, kind: str, subject: str) -> list[str]:
    with workspace.catalog.read() as connection:
        return list(tags_by_subject(connection, kind, [subject])[subject])


def unlink(workspace: Workspace, version: ModelVersion, found: Iterable[ArtifactVersion]) -> None:
    """The artifacts stay; they only do not belong to the version any more."""
    with workspace.catalog.write() as connection:
        rows.unlink(connection, version, rows.ARTIFACT_VERSION, [str(one.id) for one in found])
