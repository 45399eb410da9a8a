"""What steps and pipelines tell beside their results, as rows: metadata of steps, tags of artifacts and of runs.

Most tell nothing: what writes it is imported on use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import StepRun
from mlstack_nb.core.step import Step
from mlstack_nb.core.tag import Tag
from mlstack_nb.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy import Connection

Labels = Sequence[tuple[str, str]]


def tells(step: StepRun) -> bool:
    """Whether `write_told` has anything to write of it."""
    return bool(step.logged or step.aside) or any(artifact.tags for artifact in step.outputs.values())


def write_told(connection: Connection, step_run_id: str, step: StepRun) -> None:
    """The rows of its artifacts are there already."""
    from sqlalchemy import select

    from mlstack_nb.catalog import logged
    from mlstack_nb.catalog.tables import artifacts
    from mlstack_nb.catalog.tags import VERSION, attach

    if step.logged:
        logged.log(connection, logged.STEP_RUN, step_run_id, step.logged)
    tagged = {output: artifact.tags for output, artifact in step.outputs.items() if artifact.tags}
    query = select(artifacts.c.id, artifacts.c.output).where(artifacts.c.step_run_id == step_run_id)
    for number, output in list(connection.execute(query)) if tagged else ():
        attach(connection, VERSION, str(number), [Tag(name=name) for name in tagged.get(output, ())])
    if step.aside:
        _write_aside(connection, step_run_id, step)


def _write_aside(connection: Connection, step_run_id: str, step: StepRun) -> None:
    """Once, however often the step's end is told. A version whose name somebody has taken meanwhile gets a number."""
    from sqlalchemy import select

    from mlstack_nb.catalog import logged, saved
    from mlstack_nb.catalog.tables import artifacts
    from mlstack_nb.catalog.tags import RUN, VERSION, attach

    mine = select(artifacts.c.name, artifacts.c.digest).where(artifacts.c.step_run_id == step_run_id)
    there = {(row.name, row.digest) for row in connection.execute(mine)}
    for one in step.aside.get("saved", ()):
        artifact = Artifact.from_json(one["artifact"])
        if (artifact.name, artifact.digest) in there:
            continue
        try:
            saved.refuse_taken(connection, artifact.name, artifact.label)
        except ConflictError:
            artifact = replace(artifact, label="")
        number = saved.add_version(
            connection, artifact, origin=one["origin"], created_at=one["created_at"], step_run_id=step_run_id
        )
        attach(connection, VERSION, str(number), [Tag(name=name) for name in artifact.tags])
    attach(connection, RUN, step.run_id, [Tag(name=name) for name in step.aside.get("tags", ())])
    if step.aside.get("metadata"):
        logged.log(connection, logged.RUN, step.run_id, step.aside["metadata"])


def tag_run(connection: Connection, run_id: str, tags: Sequence[Tag]) -> None:
    """And, where they cascade, what it has made so far."""
    from mlstack_nb.catalog.tags import RUN, attach

    attach(connection, RUN, run_id, tags)


def labels_of(steps: Sequence[Step], pipeline: str) -> dict[str, Labels]:
    """Step -> name and version of each artifact that its author gave a version."""
    found: dict[str, Labels] = {}
    for step in steps:
        named = [
            (output.artifact_name(pipeline, step.name), str(output.config.version))
            for output in step.outputs
            if output.config is not None and output.config.version is not None
        ]
        if named:
            found[step.name] = named
    return found


def check_labels(connection: Connection, labels: Labels) -> None:
    """Raises ConflictError, before a step runs, for a version that it would make and that is there already."""
    from mlstack_nb.catalog.saved import refuse_taken

    for name, label in labels:
        refuse_taken(connection, name, label)
