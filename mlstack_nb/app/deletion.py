"""Use cases of taking things away: runs, pipelines, versions of artifacts, and what nothing uses."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mlstack_nb.app.run_names import find_run
from mlstack_nb.app.saved_artifacts import stored_in
from mlstack_nb.catalog import artifacts, deletion, listings, saved
from mlstack_nb.errors import ConflictError, ObjectMissingError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.engine.store import Store


def delete_run(workspace: Workspace, reference: str) -> None:
    """Raises NotFoundError, or ConflictError while it goes on."""
    run = find_run(workspace, reference)
    with workspace.catalog.write() as connection:
        deletion.delete_run(connection, run.id)


def delete_pipeline(workspace: Workspace, name: str) -> None:
    """All its runs. Raises ConflictError while one goes on, and then deletes none."""
    found, _ = listings.list_runs(workspace.catalog, listings.Wanted({"pipeline": name}, size=0))
    with workspace.catalog.write() as connection:
        for run in found:
            deletion.delete_run(connection, run.id)


def delete_version(
    workspace: Workspace, version: ArtifactVersion, *, metadata: bool = True, from_store: bool = False
) -> None:
    """Its row, its files, or both. Files that another version has, too, stay; the step that makes it runs again.

    Raises ConflictError for the row of a version that a run or a model uses.
    """
    stored = _stored(workspace, version) if from_store else None
    with workspace.catalog.write() as connection:
        if metadata:
            if saved.in_use(connection, version.id):
                raise ConflictError(
                    f"Version {version.version} of artifact {version.artifact.name!r} is used by a run or a model.",
                    "Delete the runs first, or its files alone: delete_metadata=False, delete_from_artifact_store=True",
                )
            saved.delete_version(connection, version.id)
        if stored is not None:
            sharing = saved.sharing(connection, stored[1])
            if not sharing - {version.id}:
                stored[0].delete_object(stored[1])


def prune(workspace: Workspace, *, from_store: bool = False, with_names: bool = False) -> list[ArtifactVersion]:
    """Take away every version that no run made or read, and no model has; returns them.

    Files that a version which stays has, too, stay. Raises ConflictError when files are to go while a run goes on:
    what it has made may not be recorded yet. `with_names`: what is left of an artifact without versions goes, too.
    """
    gone: list[ArtifactVersion] = []
    stored: list[tuple[Store, str]] = []
    with workspace.catalog.read() as connection:
        numbers = saved.unused(connection)
        going_on = deletion.open_runs(connection)
    if from_store and numbers and going_on:
        raise ConflictError(
            f"Run {going_on[0]} is going on: what it has made may not be recorded yet.",
            "Prune when it has ended, or leave the files where they are.",
        )
    for number in numbers:
        version = artifacts.version_with_id(workspace.catalog, number)
        place = _stored(workspace, version) if version is not None and from_store else None
        if version is not None:
            gone.append(version)
        if place is not None:
            stored.append(place)
    with workspace.catalog.write() as connection:
        still = set(saved.unused(connection))
        gone = [version for version in gone if version.id in still]
        for version in gone:
            saved.delete_version(connection, version.id)
        if with_names:
            saved.forget_names(connection, {version.artifact.name for version in gone})
        needed = saved.objects_needed(connection, {address for _, address in stored})
        for store, address in stored:
            if address not in needed:
                store.delete_object(address)
    return gone


def _stored(workspace: Workspace, version: ArtifactVersion) -> tuple[Store, str] | None:
    """Where its files are; None when it has none."""
    if version.artifact.object is None:
        return None
    with suppress(ObjectMissingError):
        return stored_in(workspace, version).codec.store, version.artifact.object
    return None
