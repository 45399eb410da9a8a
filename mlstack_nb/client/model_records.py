"""Models and their versions, as the client gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.models import contents, mirror
from mlstack_nb.app.models.versions import log_of_version, update_version
from mlstack_nb.catalog import models as rows
from mlstack_nb.catalog.tags import RUN
from mlstack_nb.client.runs import RunRecord
from mlstack_nb.client.versions import ArtifactVersionRecord
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.model import ABOUT, Stage
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.model import ModelRecord as Row
    from mlstack_nb.core.model import ModelVersion
    from mlstack_nb.ports.model_registry import Registered

_ALL = tuple(ArtifactType)


class ModelRecord:
    """A model. What people say of it are attributes: `description`, `license`, `audience`, ..."""

    def __init__(self, workspace: Workspace, row: Row) -> None:
        self._workspace = workspace
        self._row = row

    @property
    def id(self) -> str:
        return self._row.name

    @property
    def name(self) -> str:
        return self._row.name

    @property
    def versions(self) -> list[ModelVersionRecord]:
        """Newest first."""
        with self._workspace.catalog.read() as connection:
            found = rows.versions(connection, self.name)
        return sorted((ModelVersionRecord(self._workspace, one) for one in found), key=lambda one: -one.number)

    @property
    def latest_version_name(self) -> str | None:
        found = self.versions
        return found[0].name if found else None

    @property
    def tags(self) -> list[str]:
        return contents.tags_of(self._workspace, rows.MODEL, self.name)

    def __getattr__(self, name: str) -> str:
        if name in ABOUT:
            return self._row.about.get(name, "")
        raise AttributeError(f"a model has no {name!r}")

    def __repr__(self) -> str:
        return f"<model {self.name}>"


class ModelVersionRecord:
    """A version of a model, with the runs and artifacts that belong to it."""

    def __init__(self, workspace: Workspace, row: ModelVersion) -> None:
        self._workspace = workspace
        self._row = row

    @property
    def id(self) -> str:
        return str(self._row.id)

    @property
    def number(self) -> int:
        return self._row.number

    @property
    def name(self) -> str:
        return self._row.name

    version = name

    @property
    def model_name(self) -> str:
        return self._row.model

    @property
    def stage(self) -> Stage:
        return self._row.stage

    @property
    def description(self) -> str:
        return self._row.description

    @property
    def created(self) -> datetime:
        return datetime.fromtimestamp(self._row.created_at, UTC)

    @property
    def model(self) -> ModelRecord:
        with self._workspace.catalog.read() as connection:
            return ModelRecord(self._workspace, rows.get_model(connection, self._row.model))

    @property
    def run_metadata(self) -> dict[str, Any]:
        return contents.metadata_of(self._workspace, self._row)

    @property
    def tags(self) -> list[str]:
        return contents.tags_of(self._workspace, rows.VERSION, self.id)

    @property
    def pipeline_runs(self) -> dict[str, RunRecord]:
        """By name."""
        found = (RunRecord.called(self._workspace, one) for one in contents.linked(self._workspace, self._row, RUN))
        return {one.name: one for one in found if one is not None}

    @property
    def deployments(self) -> list[str]:
        """Their names."""
        return contents.linked(self._workspace, self._row, rows.DEPLOYMENT)

    @property
    def registered(self) -> list[Registered]:
        """What the active stack's model registry has of it: `uri` loads it with the registry's own tools."""
        return mirror.entries(self._workspace, self._row)

    @property
    def model_artifact_ids(self) -> dict[str, dict[str, str]]:
        """Artifact -> version -> id."""
        return self._ids(contents.MODELS)

    @property
    def data_artifact_ids(self) -> dict[str, dict[str, str]]:
        return self._ids(contents.DATA)

    @property
    def deployment_artifact_ids(self) -> dict[str, dict[str, str]]:
        return self._ids(contents.SERVICES)

    def get_artifact(self, name: str, version: str | int | None = None) -> ArtifactVersionRecord | None:
        """The newest of that name; None where it has none."""
        return self._get(name, version, _ALL)

    def get_model_artifact(self, name: str, version: str | int | None = None) -> ArtifactVersionRecord | None:
        return self._get(name, version, contents.MODELS)

    def get_data_artifact(self, name: str, version: str | int | None = None) -> ArtifactVersionRecord | None:
        return self._get(name, version, contents.DATA)

    def get_deployment_artifact(self, name: str, version: str | int | None = None) -> ArtifactVersionRecord | None:
        return self._get(name, version, contents.SERVICES)

    def load_artifact(self, name: str, version: str | int | None = None) -> Any:
        """Raises NotFoundError."""
        found = self.get_artifact(name, version)
        if found is None:
            known = [one.artifact.name for one in contents.artifacts_of(self._workspace, self._row)]
            raise NotFoundError.of("artifact", name, known, f"It has: {', '.join(known) or 'none'}.")
        return found.load()

    def set_stage(self, stage: str | Stage, force: bool = False) -> ModelVersionRecord:
        """The version as it is now. Raises ConflictError for a stage that another has, which `force` archives."""
        self._row = update_version(self._workspace, self._row.model, self.number, stage=str(stage), force=force)
        return self

    def log_metadata(self, metadata: Mapping[str, Any]) -> None:
        log_of_version(self._workspace, self._row, metadata)

    def _get(
        self, name: str, version: str | int | None, kinds: tuple[ArtifactType, ...]
    ) -> ArtifactVersionRecord | None:
        found = contents.find_artifact(self._workspace, self._row, name, number=version, kinds=kinds)
        return None if found is None else ArtifactVersionRecord(self._workspace, found)

    def _ids(self, kinds: Iterable[ArtifactType]) -> dict[str, dict[str, str]]:
        ids: dict[str, dict[str, str]] = {}
        for one in contents.artifacts_of(self._workspace, self._row, kinds):
            ids.setdefault(one.artifact.name, {})[str(one.version)] = str(one.id)
        return ids

    def __repr__(self) -> str:
        return f"<version {self.name} of model {self._row.model}: stage {self.stage}>"
