"""`save_artifact`, `load_artifact` and `register_artifact`: artifacts by hand, in steps and outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlstack_nb.app import saved_artifacts
from mlstack_nb.app.artifact_names import find_version
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.saved_artifacts import About
from mlstack_nb.client.versions import ArtifactVersionRecord
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.tag import Tag
from mlstack_nb.ports.materializer import BaseMaterializer

Tags = str | Tag | Iterable[str | Tag] | None


def save_artifact(
    data: Any,
    name: str,
    version: str | int | None = None,
    artifact_type: ArtifactType | None = None,
    tags: Tags = None,
    extract_metadata: bool = True,
    include_visualizations: bool = True,
    user_metadata: Mapping[str, Any] | None = None,
    materializer: type[BaseMaterializer] | None = None,
) -> ArtifactVersionRecord:
    """Keep a value as a new version of artifact `name`: the next number, or the `version` that is given.

    In a step it belongs to the step's run. Raises ConflictError for a version that is there already, UsageError for a
    name that is none, MaterializerError for a value that can not be written.
    """
    about = About(
        version=version,
        kind=artifact_type,
        tags=tags,
        metadata=_plain(user_metadata),
        materializer=materializer,
        extracted=extract_metadata,
        preview=include_visualizations,
    )
    runtime = Runtime.here()
    return ArtifactVersionRecord(runtime.workspace, saved_artifacts.save(runtime, data, name, about))


def load_artifact(name_or_id: str | int, version: str | int | None = None) -> Any:
    """The value of an artifact: of its newest version by default. Raises NotFoundError, a KeyError too."""
    runtime = Runtime.here()
    runtime.recorder.flush()
    return saved_artifacts.load(runtime.workspace, find_version(runtime.workspace, name_or_id, version))


def register_artifact(
    folder_or_file_uri: str | Path,
    name: str,
    version: str | int | None = None,
    artifact_type: ArtifactType | None = None,
    tags: Tags = None,
    artifact_metadata: Mapping[str, Any] | None = None,
) -> ArtifactVersionRecord:
    """Keep a file or folder that is there already, such as a checkpoint; loading it gives the path of a copy.

    What becomes of the file later does not change the artifact. Raises NotFoundError where nothing is, ConflictError.
    """
    about = About(version=version, kind=artifact_type, tags=tags, metadata=_plain(artifact_metadata))
    runtime = Runtime.here()
    made = saved_artifacts.register(runtime, folder_or_file_uri, name, about)
    return ArtifactVersionRecord(runtime.workspace, made)


def _plain(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    from mlstack_nb.app.logged import plain

    return plain(metadata) if metadata else {}
