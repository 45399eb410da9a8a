"""Artifacts saved and read by hand, in steps and outside: objects first, then the row that names them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mlstack_nb.app.recalling import stored, told_of
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import artifacts as rows
from mlstack_nb.catalog.saved import add_version
from mlstack_nb.catalog.tables import step_runs
from mlstack_nb.catalog.tags import VERSION, attach
from mlstack_nb.core.artifact import Artifact, ArtifactType
from mlstack_nb.core.notes import notes
from mlstack_nb.core.tag import Tag, tags_of
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.ports.materializer import BaseMaterializer

MANUAL, PREEXISTING, EXTERNAL = "manual", "preexisting", "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is said of a version when it is saved. Without `extracted` and `preview` these are not kept of the value."""

    version: str | int | None = None
    kind: ArtifactType | None = None
    tags: str | Tag | Iterable[str | Tag] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    materializer: type[BaseMaterializer] | None = None
    extracted: bool = True
    preview: bool = True


def save(runtime: Runtime, value: Any, name: str, about: About, *, origin: str = MANUAL) -> ArtifactVersion:
    """Keep a value as a new version of an artifact: the next number, or the version that `about` names.

    In a step it belongs to the step's run. Raises ConflictError for a version that is there, UsageError for the name,
    MaterializerError for a value that can not be written, StoreError.
    """
    check_artifact_name(name)
    saved = runtime.engine.codec.save(value, name=name, materializer=about.materializer).artifact
    return _added(runtime, _told(saved, about), about, origin)


def register(runtime: Runtime, path: str | Path, name: str, about: About) -> ArtifactVersion:
    """Keep a file or a folder that is there already; what changes in it later does not change the artifact.

    Raises NotFoundError where nothing is.
    """
    place = Path(str(path).removeprefix("file://"))
    if not place.exists():
        raise NotFoundError(f"There is no file or folder {place} to register as {name!r}.", "Check the path.")
    return save(runtime, place, name, about, origin=PREEXISTING)


def external(runtime: Runtime, value: Any, about: About) -> ArtifactVersion:
    """A value of outside as an input of a step. Equal ones are one version, so that its steps are cached."""
    saved = runtime.engine.codec.save(value, name="", materializer=about.materializer).artifact
    named = _told(replace(saved, name=f"external::{saved.digest[:16]}"), about)
    try:
        return rows.get_version(runtime.catalog, named.name)
    except NotFoundError:
        return _added(runtime, named, about, EXTERNAL)


def load(workspace: Workspace, version: ArtifactVersion) -> Any:
    """The value, from whichever store has it. Raises ObjectMissingError, DamagedObjectError or MaterializerError."""
    return stored_in(workspace, version).get()


def stored_in(workspace: Workspace, version: ArtifactVersion) -> Value:
    """The version with a codec that can read it. Raises ObjectMissingError."""
    return stored(Runtime.here(workspace), version)


def metadata_of(workspace: Workspace, version: ArtifactVersion) -> dict[str, Any]:
    """What its materializer and its step told of it, and what was told of it since."""
    return told_of(workspace.catalog, version)


def check_artifact_name(name: object) -> None:
    """Raises UsageError."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 255:
        raise UsageError(f"{name!r} can not be the name of an artifact.", "Give a text of 1 to 255 characters.")


def step_run_here(connection: Connection) -> str | None:
    """The id of the step run whose code runs here; None outside of steps, and where this catalog knows none."""
    here = notes()
    if here is None:
        return None
    same = (step_runs.c.run_id == here.run_id) & (step_runs.c.step == here.step.name)
    found = connection.execute(select(step_runs.c.id).where(same).order_by(step_runs.c.position.desc()).limit(1))
    number: str | None = found.scalar()
    return number


def _told(artifact: Artifact, about: About) -> Artifact:
    metadata = {**(artifact.metadata if about.extracted else {}), **about.metadata}
    label = "" if about.version is None else str(about.version)
    preview = artifact.preview if about.preview else None
    return replace(artifact, metadata=metadata, label=label, preview=preview, kind=about.kind or artifact.kind)


def _added(runtime: Runtime, artifact: Artifact, about: About, origin: str) -> ArtifactVersion:
    given = tags_of(about.tags)
    with runtime.catalog.write() as connection:
        here = step_run_here(connection) if origin != EXTERNAL else None
        number = add_version(connection, artifact, origin=origin, created_at=time.time(), step_run_id=here)
        attach(connection, VERSION, str(number), given)
    made = rows.version_with_id(runtime.catalog, number)
    assert made is not None
    return made
