"""Use cases of models and their versions. What is changed here is mirrored in the stack's model registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.logged import plain
from mlstack_nb.app.models import mirror
from mlstack_nb.app.names import check_name
from mlstack_nb.catalog import logged, tags
from mlstack_nb.catalog import models as rows
from mlstack_nb.core.model import ABOUT, ModelRecord, ModelSpec, ModelVersion, Stage
from mlstack_nb.core.tag import Tag, tags_of
from mlstack_nb.errors import ConflictError, NotFoundError, UsageError, nearest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace

Tags = str | Tag | Iterable[str | Tag] | None


def check(connection: Connection, spec: ModelSpec) -> None:
    """Raises NotFoundError, before anything runs, where `spec` means a version that there is none of; or UsageError."""
    check_name("model", spec.name)
    if spec.is_new or _is_name(spec.version):
        return
    rows.get_version(connection, spec.name, spec.version)


def made(connection: Connection, spec: ModelSpec) -> ModelVersion:
    """The version that `spec` means: a new one, or one that there is; a named one is made where there is none.

    What it says of the model is kept. Raises as `check`.
    """
    check_name("model", spec.name)
    if not spec.is_new and not _is_name(spec.version):
        found: ModelVersion | None = rows.get_version(connection, spec.name, spec.version)
    else:
        found = None if spec.is_new else rows.find_version(connection, spec.name, spec.version)
    given = tags_of(spec.tags)
    if rows.put_model(connection, spec.name, spec.about):
        tags.attach(connection, rows.MODEL, spec.name, given)
    if found is not None:
        return found
    version = rows.add_version(connection, spec.name, name=str(spec.version or ""))
    tags.attach(connection, rows.VERSION, str(version.id), given)
    return version


def create_model(
    workspace: Workspace, name: str, *, about: Mapping[str, str | None] | None = None, given: Tags = None
) -> ModelRecord:
    """Raises UsageError for the name, ConflictError for one that is taken."""
    check_name("model", name)
    with workspace.catalog.write() as connection:
        if rows.find_model(connection, name) is not None:
            raise ConflictError(f"There is a model called {name!r} already.", "Choose another name, or update it.")
        rows.put_model(connection, name, _about(about))
        tags.attach(connection, rows.MODEL, name, tags_of(given))
        return rows.get_model(connection, name)


def update_model(
    workspace: Workspace,
    name: str,
    *,
    new: str | None = None,
    about: Mapping[str, str | None] | None = None,
    add_tags: Tags = None,
    remove_tags: Tags = None,
) -> ModelRecord:
    """What is not given stays; an empty text takes away what was said. Raises NotFoundError or ConflictError."""
    if new is not None:
        check_name("model", new)
    with workspace.catalog.write() as connection:
        rows.get_model(connection, name)
        if new is not None and new != name:
            rows.rename_model(connection, name, new)
        now = new or name
        rows.put_model(connection, now, _about(about))
        tags.attach(connection, rows.MODEL, now, tags_of(add_tags))
        tags.detach(connection, rows.MODEL, now, [tag.name for tag in tags_of(remove_tags)])
        found = rows.get_model(connection, now)
    mirror.model_changed(workspace, now, before=name)
    return found


def delete_model(workspace: Workspace, name: str) -> None:
    """With its versions, here and in the registry; runs, artifacts and deployments stay. Raises NotFoundError."""
    with workspace.catalog.write() as connection:
        rows.get_model(connection, name)
        rows.delete_model(connection, name)
    mirror.model_deleted(workspace, name)


def create_version(
    workspace: Workspace, model: str, *, name: str | None = None, description: str = "", given: Tags = None
) -> ModelVersion:
    """The next version of a model that there is. Raises NotFoundError, UsageError or ConflictError."""
    if name is not None:
        check_version_name(name)
    with workspace.catalog.write() as connection:
        rows.get_model(connection, model)
        version = rows.add_version(connection, model, name=name or "", description=description)
        tags.attach(connection, rows.VERSION, str(version.id), tags_of(given))
    mirror.version_changed(workspace, version)
    return version


def update_version(
    workspace: Workspace,
    model: str,
    wanted: int | str | None = None,
    *,
    stage: str | None = None,
    force: bool = False,
    name: str | None = None,
    description: str | None = None,
    add_tags: Tags = None,
    remove_tags: Tags = None,
) -> ModelVersion:
    """What is not given stays. With `force` the version that has the stage moves to the archive.

    Raises NotFoundError, UsageError for a stage that is none, ConflictError for a stage or a name that is taken.
    """
    target = None if stage is None else stage_of(stage)
    if name is not None:
        check_version_name(name)
    changes = {key: value for key, value in (("name", name), ("description", description)) if value is not None}
    with workspace.catalog.write() as connection:
        version = rows.get_version(connection, model, wanted)
        moved = None if target is None else rows.set_stage(connection, version, target, force=force)
        if changes:
            rows.change_version(connection, version, changes)
        tags.attach(connection, rows.VERSION, str(version.id), tags_of(add_tags))
        tags.detach(connection, rows.VERSION, str(version.id), [tag.name for tag in tags_of(remove_tags)])
        version = rows.version_with_id(connection, version.id)
    mirror.version_changed(workspace, version)
    if moved is not None:
        mirror.version_changed(workspace, moved)
    return version


def delete_version(workspace: Workspace, model: str, wanted: int | str) -> None:
    """Here and in the registry; what was linked stays. Raises NotFoundError."""
    with workspace.catalog.write() as connection:
        version = rows.get_version(connection, model, wanted)
        rows.delete_version(connection, version)
    mirror.version_deleted(workspace, version)


def log_of_version(workspace: Workspace, version: ModelVersion, metadata: Mapping[str, Any]) -> None:
    """Raises UsageError for what can not be kept as JSON."""
    told = plain(metadata)
    with workspace.catalog.write() as connection:
        logged.log(connection, rows.VERSION, str(version.id), told)
    mirror.version_changed(workspace, version)


def stage_of(text: str) -> Stage:
    """Raises UsageError with the nearest stage; `latest` is none that a version is put in."""
    stages = [stage for stage in Stage if stage is not Stage.LATEST]
    if text not in stages:
        near = nearest(str(text), stages)
        hint = f"Did you mean {near!r}?" if near else f"Stages: {', '.join(stages)}."
        raise UsageError(f"A version can not be put in stage {str(text)!r}.", hint)
    return Stage(text)


def check_version_name(name: str) -> None:
    """Raises UsageError for a name that would be taken for a number or a stage."""
    check_name("model version", name)
    if not _is_name(name):
        raise UsageError(
            f"{name!r} can not be the name of a version: it is a {'number' if name.isdecimal() else 'stage'}.",
            "Choose another one; versions are numbered by themselves.",
        )


def _is_name(version: int | str | None) -> bool:
    return isinstance(version, str) and not version.isdecimal() and version not in set(Stage)


def _about(given: Mapping[str, str | None] | None) -> dict[str, str]:
    said = {name: text for name, text in (given or {}).items() if text is not None}
    for name in said:
        if name not in ABOUT:
            raise NotFoundError.of("thing to say of a model", name, ABOUT, f"There are: {', '.join(ABOUT)}.")
    return said
