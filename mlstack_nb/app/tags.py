"""Use cases of tags: register, change, delete them, put them on things and take them off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.artifact_names import find_version
from mlstack_nb.app.logged import is_output, need_step, output_of
from mlstack_nb.app.run_names import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import artifacts, listings
from mlstack_nb.catalog import tags as rows
from mlstack_nb.core.notes import notes
from mlstack_nb.core.run import iso
from mlstack_nb.core.tag import Tag, tags_of
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.tags import TagRow

Given = str | Tag | Iterable[str | Tag]
KINDS = ("pipeline", "run", "artifact", "artifact_version")
_FIELDS = {"name": "name", "color": "color", "exclusive": "is_exclusive", "cascade": "cascades"}


def list_all(workspace: Workspace) -> list[dict[str, Any]]:
    """By name."""
    with workspace.catalog.read() as connection:
        return [as_dict(row) for row in rows.list_tags(connection)]


def get(workspace: Workspace, name: str) -> TagRow:
    """Raises NotFoundError with the nearest name."""
    with workspace.catalog.read() as connection:
        return rows.get_tag(connection, name)


def register(workspace: Workspace, tag: Tag) -> TagRow:
    """Raises ConflictError when there is one of that name."""
    with workspace.catalog.write() as connection:
        rows.add_tag(connection, tag)
    return get(workspace, tag.name)


def update(
    workspace: Workspace,
    name: str,
    *,
    new: str | None = None,
    color: str | None = None,
    exclusive: bool | None = None,
    cascade: bool | None = None,
) -> TagRow:
    """What is not given stays. Raises NotFoundError, ConflictError, or UsageError for the new name or the color."""
    changed = Tag(name=name if new is None else new, color=color, exclusive=exclusive, cascade=cascade)
    changes = {_FIELDS[key]: value for key, value in asdict(changed).items() if value is not None}
    with workspace.catalog.write() as connection:
        rows.change_tag(connection, name, changes)
    return get(workspace, changed.name)


def delete(workspace: Workspace, name: str) -> None:
    """Whatever has it loses it."""
    with workspace.catalog.write() as connection:
        rows.delete_tag(connection, name)


def attach(workspace: Workspace, tags: Given, kind: str, subject: str) -> None:
    """Put tags on what `subject_of` found. In a step that is going on, a run's tag cascades when the run ends."""
    given = tags_of(tags)
    runtime = Runtime.here(workspace)
    runtime.recorder.flush()
    with workspace.catalog.write() as connection:
        rows.attach(connection, kind, subject, given)
    if kind == rows.RUN:
        runtime.recorder.tagged(subject, given)


def detach(workspace: Workspace, tags: Given, kind: str, subject: str) -> None:
    """Take them off again; one that is not there is fine."""
    names = [tag.name for tag in tags_of(tags)]
    runtime = Runtime.here(workspace)
    runtime.recorder.flush()
    with workspace.catalog.write() as connection:
        rows.detach(connection, kind, subject, names)
    if kind == rows.RUN:
        runtime.recorder.untagged(subject, names)


def attach_to_output(tags: Given, output: str | None) -> None:
    """Tags for an output of the step whose code runs here. Raises UsageError outside of steps."""
    here = need_step("A tag")
    here.tag_output(output_of(here, output), [tag.name for tag in tags_of(tags)])


def subject_of(
    workspace: Workspace,
    *,
    pipeline: str | None = None,
    run: str | None = None,
    artifact: str | None = None,
    version_id: str | int | None = None,
    name: str | None = None,
    version: str | int | None = None,
) -> tuple[str, str]:
    """Kind and subject of one thing that is named; of the run that goes on here when nothing is.

    Raises UsageError for several at once, and outside of steps; NotFoundError.
    """
    named = [one for one in (pipeline, run, artifact, version_id, name) if one is not None]
    if len(named) > 1:
        raise UsageError(
            "Tags are put on one thing at a time.", "Name a pipeline, a run, an artifact, or a version of one."
        )
    if pipeline is not None:
        if not listings.has_pipeline(workspace.catalog, pipeline):
            known = [one.name for one in listings.list_pipelines(workspace.catalog, listings.Wanted(size=0))[0]]
            raise NotFoundError.of("pipeline", pipeline, known, "Run: mlstack runs list")
        return "pipeline", pipeline
    if run is not None:
        return rows.RUN, find_run(workspace, run).id
    if artifact is not None:
        return "artifact", artifacts.get_version(workspace.catalog, artifact).artifact.name
    if version_id is not None or name is not None:
        found = find_version(workspace, version_id if version_id is not None else str(name), version)
        return rows.VERSION, str(found.id)
    return rows.RUN, need_step("A tag").run_id


def is_for_output(name: str | None, version: str | int | None, *, infer: bool) -> bool:
    """Whether tags are meant for an output that the step whose code runs here will make."""
    return version is None and notes() is not None and (infer or name is not None) and is_output(name)


def as_dict(row: TagRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "color": row.color,
        "exclusive": row.is_exclusive,
        "cascade": row.cascades,
        "uses": row.uses,
        "created_at": iso(row.created_at),
    }
