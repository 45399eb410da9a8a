"""`add_tags` and `remove_tags`."""

from __future__ import annotations

from typing import Any

from mlstack_nb.app import tags as use_cases
from mlstack_nb.app.logged import need_step, output_of
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.tags import Given
from mlstack_nb.core.tag import tags_of


def add_tags(
    tags: Given,
    pipeline: str | None = None,
    run: str | None = None,
    artifact: str | None = None,
    artifact_version_id: str | int | None = None,
    artifact_name: str | None = None,
    artifact_version: str | int | None = None,
    infer_artifact: bool = False,
) -> None:
    """Put tags on one thing; those that are new are made.

    On a pipeline, a run, an artifact, or a version of one (its id, or `artifact_name`, the newest by default; with
    `infer_artifact` an output of the step that runs). In a step without any of these it is the run that goes on.
    Raises NotFoundError, UsageError where it is not clear what is meant, ConflictError for an exclusive tag.
    """
    if use_cases.is_for_output(artifact_name, artifact_version, infer=infer_artifact):
        use_cases.attach_to_output(tags, artifact_name)
        return
    workspace = Runtime.here().workspace
    named = _named(pipeline, run, artifact, artifact_version_id, artifact_name, artifact_version)
    use_cases.attach(workspace, tags, *use_cases.subject_of(workspace, **named))


def remove_tags(
    tags: Given,
    pipeline: str | None = None,
    run: str | None = None,
    artifact: str | None = None,
    artifact_version_id: str | int | None = None,
    artifact_name: str | None = None,
    artifact_version: str | int | None = None,
    infer_artifact: bool = False,
) -> None:
    """Take tags off again, named as in `add_tags`; one that is not there is fine."""
    if use_cases.is_for_output(artifact_name, artifact_version, infer=infer_artifact):
        here = need_step("A tag")
        output, gone = output_of(here, artifact_name), {tag.name for tag in tags_of(tags)}
        here.tags[output] = [tag for tag in here.tags.get(output, ()) if tag not in gone]
        return
    workspace = Runtime.here().workspace
    named = _named(pipeline, run, artifact, artifact_version_id, artifact_name, artifact_version)
    use_cases.detach(workspace, tags, *use_cases.subject_of(workspace, **named))


def _named(
    pipeline: str | None,
    run: str | None,
    artifact: str | None,
    version_id: str | int | None,
    *version: Any,
) -> dict[str, Any]:
    name, number = version
    return {
        "pipeline": pipeline,
        "run": run,
        "artifact": artifact,
        "version_id": version_id,
        "name": name,
        "version": number,
    }
