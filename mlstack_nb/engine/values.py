"""Values on their way between steps: written once, handed over without a copy where that is safe, read on use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.digest import digest, digest_bytes
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import MaterializerError, MlstackError
from mlstack_nb.ports.materializer import BaseMaterializer, Materializers
from mlstack_nb.ports.registry import load_target, qualified_name

_ABSENT = object()


class Value:
    """A step's output, bound to a name: known by its artifact, loaded when it is first asked for.

    `get` gives each caller a value of its own: what one changes in place, no other sees.
    """

    __slots__ = ("_pristine", "artifact", "codec")

    def __init__(self, artifact: Artifact, codec: Codec, pristine: Any = _ABSENT) -> None:
        self.artifact = artifact
        self.codec = codec
        self._pristine = pristine

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


class Codec:
    """Values to artifacts in a store, and back."""

    def __init__(self, store: Store, materializers: Materializers) -> None:
        self.store = store
        self.materializers = materializers

    def save(self, value: Any, *, name: str, materializer: type[BaseMaterializer] | None = None) -> Value:
        """Write `value` and return it as later steps will get it. Raises MaterializerError or StoreError."""
        chosen = materializer or self.materializers.choose(value)
        text = chosen.dumps(value)
        if text is not None:
            return Value(_inline(value, text, name=name, materializer=chosen), self)
        artifact = self._save_files(value, name, chosen)
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

    def digest_of(self, value: Any) -> str:
        """The content digest `save` would give, without keeping anything."""
        chosen = self.materializers.choose(value)
        text = chosen.dumps(value)
        if text is not None:
            return _inline(value, text, name="", materializer=chosen).digest
        return self._save_files(value, "", chosen, keep=False).digest

    def _save_files(self, value: Any, name: str, chosen: type[BaseMaterializer], *, keep: bool = True) -> Artifact:
        folder = self.store.files.staging()
        try:
            writer = chosen(str(folder))
            writer.save(value)
            content = writer.content_digest(value)
            known = writer.file_digests()
            facts = _facts(writer, value) if keep else {}
            address, size = self.store.put_object(folder, known=known, keep=keep)
        except MlstackError:
            raise
        except Exception as error:
            if isinstance(error, OSError):
                raise
            raise MaterializerError(
                f"{chosen.__name__} can not write {qualified_name(type(value))}: {type(error).__name__}: {error}",
                "Return a plainer type, or give the output a materializer of its own.",
            ) from error
        finally:
            self.store.discard(folder)
        return Artifact(
            name=name,
            type=qualified_name(type(value)),
            materializer=_target(chosen),
            digest=digest("artifact", qualified_name(type(value)), content or address),
            size_bytes=size,
            object=address,
            kind=chosen.ASSOCIATED_ARTIFACT_TYPE,
            **facts,
        )


def renamed(artifact: Artifact, name: str) -> Artifact:
    return artifact if artifact.name == name else replace(artifact, name=name)


def _inline(value: Any, text: str, *, name: str, materializer: type[BaseMaterializer]) -> Artifact:
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
        metadata=materializer().extract_metadata(value),
    )


def _facts(writer: BaseMaterializer, value: Any) -> dict[str, Any]:
    return {"metadata": writer.extract_metadata(value), "preview": writer.preview(value)}


def _target(materializer: type[BaseMaterializer]) -> str:
    return f"{materializer.__module__}:{materializer.__qualname__}"


def _class_named(name: str) -> type[Any]:
    """The class an artifact records as its type; `object` where it can not be imported any more."""
    module, _, qualname = name.rpartition(".")
    try:
        return load_target(f"{module}:{qualname}")
    except (ImportError, AttributeError):
        return object
