"""`Model`: what a pipeline or a step belongs to, and a way to what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.models import contents, mirror, telling
from mlstack_nb.app.models.versions import update_version
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_wiring import wiring
from mlstack_nb.app.stored_inputs import ArtifactToCome
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.model import ModelSpec, Stage
from mlstack_nb.errors import NotFoundError, UsageError
from mlstack_nb.ports.registry import load_target

if TYPE_CHECKING:
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.core.model import ModelVersion
    from mlstack_nb.ports.model_registry import Registered

_RECORD = "mlstack_nb.client.versions:ArtifactVersionRecord"  # of a floor above, so it is named and not imported


@dataclass(frozen=True)
class Model(ModelSpec):
    """Say it of a pipeline, `@pipeline(model=Model("fraud"))`, or of a step: what they give becomes a version's own.

    `version`: a number, a stage (`production`, `latest`) or a name; without one each run makes a version, unless all of
    it came from the cache. What is read here, is read of that version; without one, of the newest, and in a step of
    this model of its own run's. Raises NotFoundError where there is none.
    """

    @classmethod
    def of(cls, spec: ModelSpec) -> Model:
        return spec if isinstance(spec, cls) else cls(**spec.to_json())

    @property
    def model_version(self) -> ModelVersion:
        return telling.of_spec(Runtime.here(), self)

    @property
    def id(self) -> str:
        return str(self.model_version.id)

    @property
    def model_id(self) -> str:
        return self.name

    @property
    def number(self) -> int:
        return self.model_version.number

    @property
    def stage(self) -> Stage:
        return self.model_version.stage

    @property
    def run_metadata(self) -> dict[str, Any]:
        """What people's code told of the version."""
        return contents.metadata_of(Runtime.here().workspace, self.model_version)

    @property
    def registered(self) -> list[Registered]:
        """What the active stack's model registry has of the version: `uri` loads it with the registry's own tools."""
        return mirror.entries(Runtime.here().workspace, self.model_version)

    def get_artifact(self, name: str, version: str | int | None = None) -> Any:
        """The version's newest artifact of that name, or of an output of that name; None where it has none.

        While a pipeline is wired it is an input for a step, which is read when the step runs.
        """
        return self._get(name, version, tuple(ArtifactType))

    def get_model_artifact(self, name: str, version: str | int | None = None) -> Any:
        return self._get(name, version, contents.MODELS)

    def get_data_artifact(self, name: str, version: str | int | None = None) -> Any:
        return self._get(name, version, contents.DATA)

    def get_deployment_artifact(self, name: str, version: str | int | None = None) -> Any:
        return self._get(name, version, contents.SERVICES)

    def load_artifact(self, name: str, version: str | int | None = None) -> Any:
        """The value of an artifact. Raises NotFoundError."""
        found = self.get_artifact(name, version)
        if found is None:
            raise NotFoundError(
                f"Version {self.model_version.name} of model {self.name!r} has no artifact {name!r}.",
                f"See what it has: mlstack model show {self.name} {self.model_version.name}",
            )
        return found.load()

    def log_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Tell values by name of the version. Raises UsageError for what can not be kept."""
        telling.log_of_model(metadata, name=self.name, version=self.version)

    def set_stage(self, stage: str | Stage, force: bool = False) -> None:
        """With `force` the version that has the stage moves to the archive; without, that is a ConflictError."""
        workspace = Runtime.here().workspace
        update_version(workspace, self.name, self.model_version.number, stage=str(stage), force=force)

    def delete_artifact(self, name: str, version: str | int | None = None) -> None:
        """The artifact stays; it does not belong to the version any more. Raises NotFoundError."""
        workspace, own = Runtime.here().workspace, self.model_version
        found = contents.find_artifact(workspace, own, name, number=version)
        if found is None:
            raise NotFoundError(f"Version {own.name} of model {self.name!r} has no artifact {name!r}.", "")
        contents.unlink(workspace, own, [found])

    def delete_all_artifacts(self) -> None:
        """As `delete_artifact`, of all that the version has."""
        workspace, own = Runtime.here().workspace, self.model_version
        contents.unlink(workspace, own, contents.artifacts_of(workspace, own))

    def _get(self, name: str, number: str | int | None, kinds: Sequence[ArtifactType]) -> Any:
        workspace = Runtime.here().workspace
        if wiring.get() is not None:
            return self._to_come(name, number, kinds)
        found = contents.find_artifact(workspace, self.model_version, name, number=number, kinds=kinds)
        return None if found is None else load_target(_RECORD)(workspace, found)

    def _to_come(self, name: str, number: str | int | None, kinds: Sequence[ArtifactType]) -> ArtifactToCome:
        """Which version of the artifact it is, is settled now; where the model has none yet, the newest counts."""
        try:
            own = self.model_version
        except NotFoundError:
            return ArtifactToCome(name, number)
        found = contents.find_artifact(Runtime.here().workspace, own, name, number=number, kinds=kinds)
        return ArtifactToCome(name, number) if found is None else ArtifactToCome(found.artifact.name, found.version)


def log_model_metadata(
    metadata: Mapping[str, Any], model_name: str | None = None, model_version: str | int | None = None
) -> None:
    """Of a version of a model; without a name of that of the step that runs."""
    telling.log_of_model(metadata, name=model_name, version=model_version)


def link_artifact_to_model(artifact_version: Any, model: ModelSpec | None = None) -> None:
    """An artifact's version, as the client gives it, belongs to a version of `model`, too; without one to that of the
    step that runs. Raises UsageError, or NotFoundError.
    """
    from mlstack_nb.app.models.linking import link_artifact

    runtime = Runtime.here()
    version = telling.meant(runtime) if model is None else telling.of_spec(runtime, model)
    link_artifact(runtime.workspace, version, _row(runtime, artifact_version))


def _row(runtime: Runtime, given: Any) -> ArtifactVersion:
    from mlstack_nb.catalog.artifacts import version_with_id

    number = str(getattr(given, "id", given))
    found = version_with_id(runtime.catalog, int(number)) if number.isdecimal() else None
    if found is None:
        raise UsageError(f"{given!r} is no version of an artifact.", 'Give Client().get_artifact_version("...")')
    return found
