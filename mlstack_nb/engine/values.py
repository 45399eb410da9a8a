"""Values on their way between steps: written once, handed over without a copy where that is safe, read on use."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from mlstack_nb.core.artifact import Artifact, ArtifactConfig
from mlstack_nb.core.digest import digest, digest_bytes
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import MaterializerError, MlstackError, StoreUnwritableError
from mlstack_nb.ports.materializer import BaseMaterializer, Materializers
from mlstack_nb.ports.registry import load_target, qualified_name
from mlstack_nb.source.function_fingerprint import of_value
from mlstack_nb.source.live_values import type_name

_ABSENT = object()
_OURS = "mlstack_nb."
WRITER = "materializer_version"
"""What an artifact's metadata has of a materializer that people wrote."""


class Value:
    """A step's output, bound to a name: known by its artifact, loaded when it is first asked for.

    `get` gives each caller a value of its own: what one changes in place, no other sees.
    """

    __slots__ = ("_pristine", "artifact", "codec")

    def __init__(self, artifact: Artifact, codec: Codec, pristine: Any = _ABSENT) -> None:
        self.artifact = artifact
        self.codec = codec
        self._pristine = pristine

    def told(self, metadata: Mapping[str, Any], tags: Iterable[str]) -> Value:
        """The same value, with more known of it."""
        artifact = self.artifact
        known = {**artifact.metadata, **metadata}
        return Value(
            replace(artifact, metadata=known, tags=tuple(dict.fromkeys((*artifact.tags, *tags)))),
            self.codec,
            self._pristine,
        )

    def called(self, name: str) -> Value:
        """The same value under another name."""
        return self if self.artifact.name == name else Value(renamed(self.artifact, name), self.codec, self._pristine)

    def without(self, *, metadata: bool, preview: bool) -> Value:
        """The same value, with its metadata, or its preview, forgotten."""
        known = self.artifact
        if metadata:
            known = replace(known, metadata={key: one for key, one in known.metadata.items() if key == WRITER})
        return Value(replace(known, preview=None) if preview else known, self.codec, self._pristine)

    def configured(self, config: ArtifactConfig) -> Value:
        """The same value, with what its author said of the output."""
        known = self.told(config.run_metadata, config.tags)
        label = "" if config.version is None else str(config.version)
        artifact = replace(known.artifact, label=label, kind=config.artifact_type or known.artifact.kind)
        return Value(artifact, self.codec, self._pristine)

    def get(self) -> Any:
        """Raises ObjectMissingError, DamagedObjectError or MaterializerError."""
        artifact = self.artifact
        materializer = self.codec.materializers.by_target(artifact.materializer)
        if artifact.inline is not None:
            return materializer.loads(artifact.inline)
        if self._pristine is not _ABSENT:
            return materializer.share(self._pristine)
        loaded = self.codec.load(artifact)
        shared = materializer.share(loaded)
        if shared is not NotImplemented:
            self._pristine = shared
        return loaded


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value that this process does not open, such as a function of a notebook: `digest` is what it counts as."""

    digest: str
    value: Value

    def __repr__(self) -> str:
        return f"<{self.value.artifact.type}>"


class Codec:
    """Values to artifacts in a store, and back. One that does not keep what it saves only finds out its digest."""

    def __init__(self, store: Store, materializers: Materializers, *, keeps: bool = True) -> None:
        self.store = store
        self.materializers = materializers
        self.keeps = keeps

    def save(
        self,
        value: Any,
        *,
        name: str,
        materializer: type[BaseMaterializer] | None = None,
        metadata: bool = True,
        preview: bool = True,
    ) -> Value:
        """Write `value` and return it as later steps will get it, with `metadata` and a `preview` of it if wanted.

        Raises MaterializerError or StoreError.
        """
        chosen = materializer or self.materializers.choose(value)
        inline = _inline(value, name, chosen, metadata=metadata)
        if inline is not None:
            return Value(replace(inline, digest=self._by_code(value) or inline.digest), self)
        facts = _Facts(metadata=metadata, preview=preview) if self.keeps else _NOTHING
        artifact = self._save_files(value, name, chosen, keep=self.keeps, facts=facts)
        shared = chosen.share(value)
        return Value(artifact, self, _ABSENT if shared is NotImplemented else shared)

    def load(self, artifact: Artifact) -> Any:
        """Read files, after their digest was checked."""
        assert artifact.object is not None
        folder = self.store.open_object(artifact.object)
        chosen = self.materializers.by_target(artifact.materializer)
        try:
            return chosen(str(folder)).load(_class_named(artifact.type))
        except MlstackError:
            raise
        except Exception as error:
            raise MaterializerError(
                f"Artifact {artifact.name!r} ({artifact.type}) can not be read by {artifact.materializer}: "
                f"{type(error).__name__}: {error}",
                "Install the package versions it was written with, or run its step again with --no-cache.",
            ) from error

    def is_current(self, artifact: Artifact) -> bool:
        """Whether the materializer that wrote it is still the same; of ours it always is, they read what they wrote."""
        if artifact.materializer.startswith(_OURS):
            return True
        try:
            kind = self.materializers.by_target(artifact.materializer)
        except MaterializerError:
            return True  # who loads it is told
        return artifact.metadata.get(WRITER) == _mark(kind)[WRITER]

    def digest_of(self, value: Any) -> str:
        """The content digest `save` would give, without keeping anything."""
        chosen = self.materializers.choose(value)
        inline = _inline(value, "", chosen)
        if inline is not None:
            return self._by_code(value) or inline.digest
        return self._save_files(value, "", chosen, keep=False, facts=_NOTHING).digest

    def _by_code(self, value: Any) -> str | None:
        """The digest of a value that code of the project is in, or makes it what it is; None for all other data.

        Files tell of code no more than where to import it from, or the cell and the line that it was compiled from.
        """
        with suppress(RecursionError):  # nested too deeply: only its files can tell
            meant = of_value(value, content=self.digest_of)
            return None if meant is None else digest("artifact of code", meant)
        return None

    def _save_files(
        self, value: Any, name: str, chosen: type[BaseMaterializer], *, keep: bool, facts: _Facts
    ) -> Artifact:
        folder = self.store.files.staging()
        try:
            with _writing(value, chosen):
                writer = chosen(str(folder))
                writer.save(value)
                content = writer.content_digest(value)
                known = writer.file_digests()
                found = facts.of(writer, value)
            address, size = self.store.put_object(folder, known=known, keep=keep)
        except OSError as error:
            raise StoreUnwritableError(
                f"The disk of artifact store {self.store.files.name!r} ({folder.parent}) is full.",
                "Free some space, then run the step again.",
            ) from error
        finally:
            self.store.discard(folder)
        return Artifact(
            name=name,
            type=qualified_name(type(value)),
            materializer=_target(chosen),
            digest=self._by_code(value) or digest("artifact", qualified_name(type(value)), content or address),
            size_bytes=size,
            object=address,
            kind=chosen.ASSOCIATED_ARTIFACT_TYPE,
            **found,
        )


def renamed(artifact: Artifact, name: str) -> Artifact:
    return artifact if artifact.name == name else replace(artifact, name=name)


def _inline(value: Any, name: str, materializer: type[BaseMaterializer], *, metadata: bool = True) -> Artifact | None:
    """The artifact of a value that is small enough to have no files."""
    with _writing(value, materializer):
        text = materializer.dumps(value)
        if text is None:
            return None
        told = _jsonable(materializer().extract_metadata(value)) if metadata else {}
    kind = qualified_name(type(value))
    encoded = text.encode("utf-8", "surrogatepass")
    return Artifact(
        name=name,
        type=kind,
        materializer=_target(materializer),
        digest=digest("artifact", kind, digest_bytes(encoded)),
        size_bytes=len(encoded),
        inline=text,
        kind=materializer.ASSOCIATED_ARTIFACT_TYPE,
        metadata={**told, **_mark(materializer)},
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is to be known of a value beside what it is."""

    metadata: bool = True
    preview: bool = True

    def of(self, writer: BaseMaterializer, value: Any) -> dict[str, Any]:
        if self is _NOTHING:
            return {}
        preview = writer.preview(value) if self.preview else None
        told = _jsonable(writer.extract_metadata(value)) if self.metadata else {}
        return {
            "metadata": {**told, **_mark(type(writer))},
            "preview": None if preview is None else _jsonable(preview),
        }


_NOTHING = _Facts(metadata=False, preview=False)


def _mark(materializer: type[BaseMaterializer]) -> dict[str, str]:
    """What tells a materializer that people wrote from what it becomes when they change it."""
    if _target(materializer).startswith(_OURS):
        return {}
    return {WRITER: digest(materializer.VERSION, of_value(materializer, content=type_name) or "")[:16]}


def _jsonable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as it is stored; raises TypeError or ValueError for what JSON has no word for."""
    if facts:
        json.dumps(facts)
    return dict(facts)


@contextmanager
def _writing(value: Any, chosen: type[BaseMaterializer]) -> Iterator[None]:
    """A materializer is other people's code: what it raises becomes a MaterializerError, but for a full disk."""
    try:
        yield
    except MlstackError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MaterializerError(
            f"{chosen.__name__} can not write {qualified_name(type(value))}: {type(error).__name__}: {error}",
            "Return a plainer type, or give the output a materializer of its own.",
        ) from error


def _target(materializer: type[BaseMaterializer]) -> str:
    return f"{materializer.__module__}:{materializer.__qualname__}"


def _class_named(name: str) -> type[Any]:
    """The class an artifact records as its type; `object` where it can not be imported any more."""
    module, _, qualname = name.rpartition(".")
    try:
        return load_target(f"{module}:{qualname}")
    except (ImportError, AttributeError):
        return object
