"""What people's code tells of runs, steps, artifacts and models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.artifact_names import find_version
from mlstack_nb.app.run_names import find_run, find_step_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import logged as rows
from mlstack_nb.core.notes import Notes, notes
from mlstack_nb.core.run import LAST
from mlstack_nb.errors import UsageError, nearest

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

_EXAMPLE = 'log_metadata({"rows": 100})'


def log_of_step(metadata: Mapping[str, Any]) -> None:
    """Of the step whose code runs here. Raises UsageError outside of steps."""
    need_step("Metadata").own.update(plain(metadata))


def log_of_step_run(
    workspace: Workspace,
    metadata: Mapping[str, Any],
    *,
    step: str,
    run: str = "",
    id: str = "",  # noqa: A002
) -> None:
    """Of a step of a run that has ended, or goes on: by its id, or by its name in a run."""
    log_of(workspace, metadata, rows.STEP_RUN, find_step_run(workspace, step=step, run=run or LAST, id=id))


def log_of_run(workspace: Workspace, metadata: Mapping[str, Any], run: str) -> None:
    """Of a run, by its id, the beginning of one, or its name. Raises NotFoundError."""
    log_of(workspace, metadata, rows.RUN, find_run(workspace, run).id)


def log_of_output(metadata: Mapping[str, Any], output: str | None = None) -> None:
    """Of an output of the step whose code runs here; the name may be left out where it has one only.

    Raises UsageError.
    """
    here = need_step("Metadata of an output")
    here.add_to_output(output_of(here, output), plain(metadata))


def log_of_version(
    workspace: Workspace, metadata: Mapping[str, Any], name_or_id: str | int, version: str | int | None = None
) -> None:
    """Of a version of an artifact, the newest by default. Raises NotFoundError."""
    found = find_version(workspace, name_or_id, version)
    log_of(workspace, metadata, rows.VERSION, str(found.id))


def is_output(name: str | None) -> bool:
    """Whether the step whose code runs here will make it: by the output's name, or the artifact's."""
    here = notes()
    return here is not None and (name is None or _output_called(here, name) is not None)


def output_of(here: Notes, name: str | None) -> str:
    """The output that `name` means. Raises UsageError."""
    outputs = [output.name for output in here.step.outputs]
    if name is None:
        if len(outputs) != 1:
            raise UsageError(
                f"Step {here.step.name!r} has {len(outputs)} outputs.", f"Name one: {', '.join(map(repr, outputs))}"
            )
        return outputs[0]
    found = _output_called(here, name)
    if found is None:
        near = nearest(name, outputs)
        hint = f"Did you mean {near!r}?" if near else f"Its outputs are: {', '.join(outputs)}."
        raise UsageError(f"Step {here.step.name!r} has no output {name!r}.", hint)
    return found


def need_step(what: str) -> Notes:
    """Raises UsageError outside of steps."""
    here = notes()
    if here is None:
        raise UsageError(
            f"{what} without saying whose it is belongs to a step, and no step runs here.",
            'Say whose it is: artifact_name="...", run_id_name_or_prefix="..."',
        )
    return here


def plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """As it is kept: JSON, numbers of numpy as numbers. Raises UsageError naming what can not be."""
    told: object = metadata
    if not isinstance(told, Mapping) or not told:
        raise UsageError(f"{metadata!r} is no metadata.", f"Give values by name: {_EXAMPLE}")
    found: dict[str, Any] = {}
    for name, value in told.items():
        if not isinstance(name, str):
            raise UsageError(f"Metadata is told under the name {name!r}, which is no text.", f"For example: {_EXAMPLE}")
        try:
            found[name] = json.loads(json.dumps(value, default=_as_plain))
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"Metadata {name!r} can not be kept: {error}.",
                "Give numbers, texts, lists or dictionaries; save anything else as an artifact.",
            ) from error
    return found


def log_of(workspace: Workspace, metadata: Mapping[str, Any], kind: str, subject: str) -> None:
    """Of what the catalog knows by that kind and id."""
    told = plain(metadata)
    Runtime.here(workspace).recorder.flush()
    with workspace.catalog.write() as connection:
        rows.log(connection, kind, subject, told)


def _output_called(here: Notes, name: str) -> str | None:
    for output in here.step.outputs:
        if name in (output.name, output.artifact_name(here.pipeline, here.step.name)):
            return output.name
    return None


def _as_plain(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not plain data")
