"""An artifact: a named, versioned step output whose content lives once, under its digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ArtifactType(StrEnum):
    """What an artifact is to people; ZenML's names and values."""

    DATA_ANALYSIS = "DataAnalysisArtifact"
    DATA = "DataArtifact"
    MODEL = "ModelArtifact"
    SCHEMA = "SchemaArtifact"
    SERVICE = "ServiceArtifact"
    STATISTICS = "StatisticsArtifact"
    BASE = "BaseArtifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactConfig:
    """What an author says of an output beside its type: `-> Annotated[T, ArtifactConfig(name="model", tags=["best"])]`.

    `version` is the name of the version that the step makes, `run_metadata` what is known of it beforehand.
    """

    name: str | None = None
    version: str | int | None = None
    tags: Sequence[str] = ()
    run_metadata: Mapping[str, Any] = field(default_factory=dict)
    artifact_type: ArtifactType | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(self.tags or ()))
        object.__setattr__(self, "run_metadata", dict(self.run_metadata or {}))


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is known of an output without reading it.

    `digest` names the content and enters the keys of the steps that read it; it does not depend on the
    encoding. `object` is the address of the files under `objects/`, the digest of the files themselves;
    None when the value is small enough to live in `inline`, as the text its materializer made of it.
    `type` is the qualified name of the value's class, `materializer` the dotted path of the class that
    wrote it. `label` is the name that its author gave this version, `tags` are
    those that the step gave it.
    """

    name: str
    type: str
    materializer: str
    digest: str
    size_bytes: int
    object: str | None = None
    inline: str | None = None
    kind: ArtifactType = ArtifactType.DATA
    metadata: Mapping[str, Any] = field(default_factory=dict)
    preview: Mapping[str, Any] | None = None
    label: str = ""
    tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "materializer": self.materializer,
            "digest": self.digest,
            "size_bytes": self.size_bytes,
            "object": self.object,
            "inline": self.inline,
            "kind": self.kind.value,
            "metadata": dict(self.metadata),
            "preview": None if self.preview is None else dict(self.preview),
            "label": self.label,
            "tags": list(self.tags),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Artifact:
        return cls(**{**data, "kind": ArtifactType(data["kind"]), "tags": tuple(data.get("tags", ()))})
