"""The materializer: turns values of some types into files in a local folder, and back. ZenML's shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mlstack_nb.core.artifact import ArtifactType

declared_materializers: list[type[BaseMaterializer]] = []
"""Subclasses that name types, in the order they were defined; the materializers floor takes them from here."""


class BaseMaterializer:
    """Subclass, name the types, write `save` and `load`.

    `self.uri` is always a local folder, whatever the store is, so plain `open` works: it exists and is empty
    when `save` is called; it holds what `save` wrote, read-only, when `load` is called. `save` must not keep or
    change the value. What `load` returns belongs to the caller, who may change it. `load` may return lazily
    read values (memory maps) as long as changing them does not change the files.
    """

    ASSOCIATED_TYPES: ClassVar[tuple[type, ...]] = ()
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.BASE
    VERSION: ClassVar[int] = 1

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__dict__.get("ASSOCIATED_TYPES"):
            declared_materializers.append(cls)

    def __init__(self, uri: str = "") -> None:
        self.uri = uri

    @property
    def folder(self) -> Path:
        return Path(self.uri)

    def load(self, data_type: type[Any]) -> Any:
        """The value, of class `data_type` where that class can still be imported, else of its nearest base."""
        raise NotImplementedError(f"{type(self).__name__} has no load")

    def save(self, data: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no save")

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        """Facts worth listing, JSON-able: shape, dtypes, counts."""
        return {}

    # What follows has a default that is right for every type; built-in materializers are faster with their own.

    @classmethod
    def accepts(cls, data: Any) -> bool:
        """Whether `data` comes back equal, type included. Where not, the next base's materializer is asked."""
        return True

    def preview(self, data: Any) -> Mapping[str, Any] | None:
        """A small picture of the value as a Jupyter mimebundle (`text/plain`, `text/html`, `image/png`)."""
        return None

    @classmethod
    def dumps(cls, data: Any) -> str | None:
        """The whole value as a short text, or None when it must be files. Equal values give equal texts."""
        return None

    @classmethod
    def loads(cls, text: str) -> Any:
        """The value that `dumps` made `text` of; a new one each time when it is mutable."""
        raise NotImplementedError(f"{cls.__name__} has no loads")

    def content_digest(self, data: Any) -> str | None:
        """A digest of the value that does not depend on the encoding chosen by `save`; None: that of the files.

        Called after `save`, with `self.uri` holding the files.
        """
        return None

    def file_digests(self) -> Mapping[str, str]:
        """BLAKE3 hex of files that `save` hashed while it wrote them, by path in `self.uri`."""
        return {}

    @classmethod
    def share(cls, data: Any) -> Any:
        """A value equal to `data`, made without copying its content: a change of one is never seen in the other.

        NotImplemented when only a load from the store gives that.
        """
        return NotImplemented


class Materializers(Protocol):
    """Finds materializers; the engine is given one, so that it knows no type of any library."""

    def choose(self, value: Any) -> type[BaseMaterializer]:
        """The class that writes `value`. Raises MaterializerError when none can."""

    def by_target(self, target: str) -> type[BaseMaterializer]:
        """The class recorded in an artifact as `module:QualName`. Raises MaterializerError when it is gone."""
