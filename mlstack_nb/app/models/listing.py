"""Models and their versions as plain data, for every surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack_nb.app.models import contents, mirror
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import models as rows
from mlstack_nb.core.model import ABOUT
from mlstack_nb.core.run import iso
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.model import ModelRecord, ModelVersion


def list_all(workspace: Workspace) -> list[dict[str, Any]]:
    """By name; `stages` maps stages to the versions there, `latest` is the newest one."""
    with workspace.catalog.read() as connection:
        found = [(model, rows.versions(connection, model.name)) for model in rows.list_models(connection)]
    return [_model(workspace, model, versions) for model, versions in found]


def show(workspace: Workspace, model: str) -> dict[str, Any]:
    """A model with its versions, newest first. Raises NotFoundError with the nearest name."""
    with workspace.catalog.read() as connection:
        found = rows.get_model(connection, model)
        versions = rows.versions(connection, model)
    return {**_model(workspace, found, versions), "versions": [_version(workspace, one) for one in versions]}


def versions(workspace: Workspace, model: str) -> list[dict[str, Any]]:
    """Newest first."""
    listed: list[dict[str, Any]] = show(workspace, model)["versions"]
    return listed


def show_version(workspace: Workspace, model: str, wanted: str) -> dict[str, Any]:
    """A version by number, stage or name, with all that belongs to it. Raises NotFoundError.

    `registered` is what the active stack's model registry has of it, None where it has none or can not be reached.
    """
    with workspace.catalog.read() as connection:
        version = rows.get_version(connection, model, wanted)
    try:
        is_mirrored = Runtime.here(workspace).stack.get(Kind.MODEL_REGISTRY) is not None
        registered = [one.uri for one in mirror.entries(workspace, version)] if is_mirrored else None
    except ConfigError:
        registered = None
    return {
        **_version(workspace, version),
        "artifacts": [
            {
                "name": one.artifact.name,
                "version": str(one.version),
                "kind": one.artifact.kind.value,
                "type": one.artifact.type,
                "run_id": one.run_id,
                "step": one.step,
            }
            for one in contents.artifacts_of(workspace, version)
        ],
        "runs": contents.linked(workspace, version, rows.RUN),
        "deployments": contents.linked(workspace, version, rows.DEPLOYMENT),
        "registered": registered,
    }


def _model(workspace: Workspace, model: ModelRecord, versions: list[ModelVersion]) -> dict[str, Any]:
    stages = {one.stage.value: one.name for one in versions if one.stage.is_exclusive}
    return {
        "name": model.name,
        **{field: model.about.get(field, "") for field in ABOUT},
        "tags": contents.tags_of(workspace, rows.MODEL, model.name),
        "latest": versions[0].name if versions else None,
        "version_count": len(versions),
        "stages": dict(sorted(stages.items())),
        "created_at": iso(model.created_at),
    }


def _version(workspace: Workspace, version: ModelVersion) -> dict[str, Any]:
    return {
        "model": version.model,
        "version": version.name,
        "number": version.number,
        "stage": version.stage.value,
        "description": version.description,
        "tags": contents.tags_of(workspace, rows.VERSION, str(version.id)),
        "metadata": contents.metadata_of(workspace, version),
        "created_at": iso(version.created_at),
    }
