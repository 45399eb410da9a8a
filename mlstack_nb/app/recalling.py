"""Artifacts of earlier: found in the catalog, and read from whichever store has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mlstack_nb.catalog import stacks
from mlstack_nb.catalog.artifacts import get_version
from mlstack_nb.catalog.logged import logged
from mlstack_nb.catalog.tags import VERSION
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.step import FromArtifact
from mlstack_nb.engine.values import WRITER, Value
from mlstack_nb.errors import MlstackError, NotFoundError, ObjectMissingError

if TYPE_CHECKING:
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.catalog.database import Catalog
    from mlstack_nb.catalog.recorder import Recorder
    from mlstack_nb.engine.calls import Engine


class Reader(Protocol):
    """What reads artifacts: a stack made live, and a way to the others of its workspace."""

    catalog: Catalog
    engine: Engine
    recorder: Recorder

    def beside(self, stack: str) -> Reader:
        """Another stack of the workspace, made live. Raises MlstackError."""


def recalled(reader: Reader, source: FromArtifact) -> Any:
    """What the input of a step stands for at this moment: a `Value`, or what was told of it. Raises NotFoundError."""
    reader.recorder.flush()
    found = get_version(reader.catalog, source.name, source.version or None)
    if not source.metadata:
        return stored(reader, found)
    told = told_of(reader.catalog, found)
    if source.metadata not in told:
        what = f"metadata of artifact {source.name!r}"
        raise NotFoundError.of(what, source.metadata, told, f"There is: {', '.join(told) or 'none'}.")
    return told[source.metadata]


def stored(reader: Reader, version: ArtifactVersion) -> Value:
    """The version with a codec that can read it: the reader's own, else of the stack that made it, else of any.

    Raises ObjectMissingError.
    """
    artifact = version.artifact
    if _has(reader, artifact):
        return Value(artifact, reader.engine.codec)
    for stack in _stacks(reader.catalog, version.stack):
        try:
            other = reader.beside(stack)
            if _has(other, artifact):
                return Value(artifact, other.engine.codec)
        except MlstackError:  # its SDK is not here, or it is out of reach: another store may have it
            continue
    raise ObjectMissingError(
        f"Version {version.version} of artifact {artifact.name!r} is not in any artifact store of this workspace.",
        f"Run step {version.step!r} again: it makes it anew." if version.step else "Save it again.",
    )


def told_of(catalog: Catalog, version: ArtifactVersion) -> dict[str, Any]:
    """What its materializer and its step told of it, and what was told of it since."""
    subject = str(version.id)
    with catalog.read() as connection:
        since = logged(connection, VERSION, [subject])[subject]
    return {name: value for name, value in {**version.artifact.metadata, **since}.items() if name != WRITER}


def _has(reader: Reader, artifact: Artifact) -> bool:
    return artifact.object is None or reader.engine.store.has_object(artifact.object)


def _stacks(catalog: Catalog, first: str) -> list[str]:
    with catalog.read() as connection:
        known = list(stacks.stack_names(connection))
    return sorted(known, key=lambda name: name != first)
