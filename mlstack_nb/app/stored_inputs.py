"""Inputs of steps that no step of the pipeline makes: artifacts of earlier, and values given by hand."""

from __future__ import annotations

from typing import Any

from mlstack_nb.app.placeholders import Standin
from mlstack_nb.core.step import FromArtifact, Source
from mlstack_nb.errors import GraphError, UsageError
from mlstack_nb.ports.materializer import BaseMaterializer

_ABSENT: Any = object()


class ArtifactToCome(Standin):
    """A version of an artifact while a pipeline is wired: which one it is turns out when the step runs.

    It is an input of a step, and so is `.load()`, and what was told of it: `.run_metadata["rows"]`.
    """

    def __init__(self, name: str, version: str | int | None = None) -> None:
        self.name = name
        self.version = version

    @property
    def source(self) -> Source:
        return FromArtifact(self.name, "" if self.version is None else str(self.version))

    def load(self) -> ArtifactToCome:
        return self

    @property
    def run_metadata(self) -> MetadataToCome:
        return MetadataToCome(self.name, self.version)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise GraphError(
            f"Artifact {self.name!r} is asked for its {name!r} while the pipeline is wired; a step reads it later.",
            "Give it to a step, and ask there.",
        )

    def __repr__(self) -> str:
        return f"<artifact {self.name}, to be read when a step runs>"


class MetadataToCome(Standin):
    """What was told of a version, by name."""

    def __init__(self, name: str, version: str | int | None, key: str = "") -> None:
        self.name = name
        self.version = version
        self.key = key

    def __getitem__(self, key: str) -> MetadataToCome:
        return MetadataToCome(self.name, self.version, key)

    @property
    def source(self) -> Source:
        if not self.key:
            raise UsageError("All metadata of an artifact can not be an input.", 'Name it: .run_metadata["rows"]')
        return FromArtifact(self.name, "" if self.version is None else str(self.version), self.key)


class ExternalArtifact(Standin):
    """A value of outside as an input of a step: `train(data=ExternalArtifact(value=frame))`.

    It counts by its content, so a step that is given an equal value again comes from the cache. `id` is a version that
    is there already, as an artifact's `id` or `name`. Raises UsageError unless one of both is given.
    """

    def __init__(
        self,
        *,
        id: str | int | None = None,  # noqa: A002  (ZenML's name)
        value: Any = _ABSENT,
        materializer: type[BaseMaterializer] | None = None,
        store_artifact_metadata: bool = True,
        store_artifact_visualizations: bool = True,
    ) -> None:
        if (id is None) == (value is _ABSENT or value is None):
            raise UsageError(
                "An ExternalArtifact is either a value or a version that is there already.",
                "Give one of both: ExternalArtifact(value=...)",
            )
        self.id = id
        self.value = None if value is _ABSENT else value
        self.materializer = materializer
        self.store_artifact_metadata = store_artifact_metadata
        self.store_artifact_visualizations = store_artifact_visualizations

    @property
    def source(self) -> Source:
        """The value is in the store, and its artifact in the catalog, from now on."""
        from mlstack_nb.app.artifact_names import find_version
        from mlstack_nb.app.runtime import Runtime
        from mlstack_nb.app.saved_artifacts import About, external

        runtime = Runtime.here()
        if self.id is not None:
            found = find_version(runtime.workspace, self.id)
        else:
            about = About(
                materializer=self.materializer,
                extracted=self.store_artifact_metadata,
                preview=self.store_artifact_visualizations,
            )
            found = external(runtime, self.value, about)
        return FromArtifact(found.artifact.name, str(found.version))

    def __repr__(self) -> str:
        return (
            f"<external artifact of type {type(self.value).__name__}>" if self.id is None else f"<artifact {self.id}>"
        )
