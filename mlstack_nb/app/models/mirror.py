"""The stack's model registry as a mirror of what the catalog has of models.

A registry that can not be reached costs nothing but a line that says so: the catalog's record stands, and the next
change of the version, or `mlstack model sync`, brings the registry up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.saved_artifacts import stored_in
from mlstack_nb.catalog import artifacts, logged, tags
from mlstack_nb.catalog import models as rows
from mlstack_nb.core.artifact import ArtifactType
from mlstack_nb.core.notes import notes
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, MaterializerError, MlstackError, StoreError
from mlstack_nb.ports.model_registry import Entry, ModelRegistry, Registered, Told

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.core.model import ModelVersion

Notice = Callable[[str], None]


def version_changed(workspace: Workspace, version: ModelVersion, *, saves_models: bool = True) -> list[Registered]:
    """Bring the registry up to date with a version, its models and what is known of it; returns its entries.

    Of the version of a run that goes on here nothing is done: the run's end does all at once.
    """
    if _is_of_run_here(workspace, version):
        return []
    with _open(workspace, f"version {version.name} of model {version.model!r}") as registry:
        if registry is not None:
            return _put(workspace, registry, version, saves_models=saves_models)
    return []


def model_changed(workspace: Workspace, name: str, *, before: str) -> None:
    """`before` is what it was called; under a new name it is registered anew."""
    with _open(workspace, f"model {name!r}") as registry:
        if registry is None:
            return
        if before != name:
            registry.delete(before)
        with workspace.catalog.read() as connection:
            versions = rows.versions(connection, name)
        _put_model(workspace, registry, name)
        for version in reversed(versions if before != name else []):
            _put(workspace, registry, version, saves_models=True)


def model_deleted(workspace: Workspace, name: str) -> None:
    with _open(workspace, f"model {name!r}") as registry:
        if registry is not None:
            registry.delete(name)


def version_deleted(workspace: Workspace, version: ModelVersion) -> None:
    with _open(workspace, f"version {version.name} of model {version.model!r}") as registry:
        if registry is not None:
            registry.delete(version.model, version.number)


def entries(workspace: Workspace, version: ModelVersion) -> list[Registered]:
    """What the active stack's registry has of a version; nothing where the stack has none. Raises ConfigError."""
    registry: ModelRegistry | None = Runtime.here(workspace).component(Kind.MODEL_REGISTRY)
    return registry.entries(version.model, version.number) if registry is not None else []


def sync_all(
    workspace: Workspace, model: str, wanted: str | None = None
) -> Iterator[tuple[ModelVersion, list[Registered]]]:
    """Bring the registry up to date with every version of a model, oldest first, or with one.

    What fails is raised. Raises NotFoundError, and ConfigError also where the stack has no registry.
    """
    with workspace.catalog.read() as connection:
        rows.get_model(connection, model)
        every = rows.versions(connection, model)[::-1]
        versions = every if wanted is None else [rows.get_version(connection, model, wanted)]
    for version in versions:
        yield version, _sync(workspace, version)


def _sync(workspace: Workspace, version: ModelVersion) -> list[Registered]:
    runtime = Runtime.here(workspace)
    registry: ModelRegistry | None = runtime.component(Kind.MODEL_REGISTRY)
    if registry is None:
        raise ConfigError(
            f"Stack {runtime.stack.name!r} has no model registry.",
            "Register one: mlstack component register model_registry NAME --flavor mlflow",
        )
    return _put(workspace, registry, version, saves_models=True)


def _is_of_run_here(workspace: Workspace, version: ModelVersion) -> bool:
    here = notes()
    if here is None:
        return False
    with workspace.catalog.read() as connection:
        own = rows.versions_linked(connection, rows.RUN, here.run_id, version.model)
    return version.id in {one.id for one in own}


@contextmanager
def _open(workspace: Workspace, what: str) -> Iterator[ModelRegistry | None]:
    """The active stack's registry, None where it has none; what fails in the block is told."""
    runtime = Runtime.here(workspace)
    if runtime.stack.get(Kind.MODEL_REGISTRY) is None:
        yield None
        return
    try:
        yield runtime.component(Kind.MODEL_REGISTRY)
    except (ConfigError, MaterializerError, StoreError) as error:
        runtime.engine.notice(
            f"Warning: {what} is recorded, but not in the model registry: {error.what}\n"
            f"  -> {error.hint} Then run: mlstack model sync MODEL VERSION"
        )


def _put(
    workspace: Workspace, registry: ModelRegistry, version: ModelVersion, *, saves_models: bool
) -> list[Registered]:
    _put_model(workspace, registry, version.model)
    failure: MlstackError | None = None
    for made in _models(workspace, version) if saves_models else ():
        with workspace.catalog.read() as connection:
            tracked = rows.tracker_run(connection, made.step_run_id)
        entry = Entry(version.model, version.number, made.artifact.name, made.artifact.digest, made.run_id, tracked)
        try:
            registry.register(entry, lambda made=made: stored_in(workspace, made).get())  # type: ignore[misc]
        except (ConfigError, MaterializerError, StoreError) as error:
            failure = error
    with workspace.catalog.read() as connection:
        subject = str(version.id)
        told = Told(
            version.name,
            rows.version_with_id(connection, version.id).stage,
            version.description,
            dict.fromkeys(tags.tags_by_subject(connection, rows.VERSION, [subject])[subject], "true"),
            logged.logged(connection, rows.VERSION, [subject])[subject],
        )
    registry.describe(version.model, version.number, told)
    if failure is not None:
        raise failure
    return registry.entries(version.model, version.number)


def _put_model(workspace: Workspace, registry: ModelRegistry, name: str) -> None:
    with workspace.catalog.read() as connection:
        model = rows.get_model(connection, name)
        words = tags.tags_by_subject(connection, rows.MODEL, [name])[name]
    said = {f"mlstack.{field}": text for field, text in model.about.items() if field != "description"}
    registry.put_model(
        name, description=model.about.get("description", ""), tags={**said, **dict.fromkeys(words, "true")}
    )


def _models(workspace: Workspace, version: ModelVersion) -> list[ArtifactVersion]:
    """The version's artifacts that are models, oldest first."""
    with workspace.catalog.read() as connection:
        ids = sorted(int(subject) for subject in rows.links(connection, version, rows.ARTIFACT_VERSION))
    found = (artifacts.version_with_id(workspace.catalog, number) for number in ids)
    return [one for one in found if one is not None and one.artifact.kind is ArtifactType.MODEL]
