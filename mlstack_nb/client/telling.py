"""The `log_metadata` family: what people's code tells of runs, steps, artifacts and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlstack_nb.app import logged
from mlstack_nb.app.run_names import find_run
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.catalog import listings
from mlstack_nb.core.notes import notes
from mlstack_nb.errors import UsageError

Metadata = Mapping[str, Any]


def log_metadata(
    metadata: Metadata,
    step_id: str | None = None,
    step_name: str | None = None,
    run_id_name_or_prefix: str | None = None,
    artifact_version_id: str | int | None = None,
    artifact_name: str | None = None,
    artifact_version: str | int | None = None,
    infer_artifact: bool = False,
    model_version_id: str | int | None = None,
    model_name: str | None = None,
    model_version: str | int | None = None,
    infer_model: bool = False,
) -> None:
    """Tell values by name of one thing; the last value of a name counts.

    Of a step (`step_id`, or `step_name` with `run_id_name_or_prefix`), a run (`run_id_name_or_prefix` alone), a version
    of an artifact (its id, or `artifact_name`, the newest version by default; with `infer_artifact` an output of the
    step that runs) or of a model. In a step without any of these it is of that step. Raises UsageError where it is not
    clear whose it is, NotFoundError for what is not there.
    """
    workspace = Runtime.here().workspace
    if model_version_id is not None or model_name is not None or infer_model:
        _log_of_model(metadata, model_version_id, model_name, model_version)
    elif step_id is not None or step_name is not None:
        run = run_id_name_or_prefix or _run_here() or ""
        logged.log_of_step_run(workspace, metadata, step=step_name or "", run=run, id=step_id or "")
    elif run_id_name_or_prefix is not None:
        logged.log_of_run(workspace, metadata, run_id_name_or_prefix)
    elif artifact_version_id is not None:
        logged.log_of_version(workspace, metadata, artifact_version_id)
    elif infer_artifact or artifact_name is not None:
        if infer_artifact or (artifact_version is None and logged.is_output(artifact_name)):
            logged.log_of_output(metadata, artifact_name)
        else:
            logged.log_of_version(workspace, metadata, str(artifact_name), artifact_version)
    else:
        logged.log_of_step(metadata)


def bulk_log_metadata(
    metadata: Metadata,
    pipeline_runs: Iterable[Any] | None = None,
    step_runs: Iterable[Any] | None = None,
    artifact_versions: Iterable[Any] | None = None,
    model_versions: Iterable[Any] | None = None,
    infer_models: bool = False,
    infer_artifacts: bool = False,
) -> None:
    """The same of several things: each an id, a name, a pair of name and version, or a record of the client.

    Of a step run: its id, or a pair of step and run. `infer_artifacts`: of every output of the step that runs.
    """
    workspace = Runtime.here().workspace
    for run in pipeline_runs or ():
        logged.log_of_run(workspace, metadata, str(getattr(run, "id", run)))
    for step in step_runs or ():
        name, run = step if isinstance(step, tuple) else ("", "")
        number = "" if isinstance(step, tuple) else str(getattr(step, "id", step))
        logged.log_of_step_run(workspace, metadata, step=name, run=run, id=number)
    for version in artifact_versions or ():
        name, number = version if isinstance(version, tuple) else (getattr(version, "id", version), None)
        logged.log_of_version(workspace, metadata, name, number)
    for model in model_versions or ():
        name, number = model if isinstance(model, tuple) else (None, None)
        log_metadata(
            metadata,
            model_version_id=None if isinstance(model, tuple) else getattr(model, "id", model),
            model_name=name,
            model_version=number,
        )
    if infer_models:
        log_metadata(metadata, infer_model=True)
    if infer_artifacts:
        for output in logged.need_step("Metadata of outputs").step.outputs:
            logged.log_of_output(metadata, output.name)


def log_artifact_metadata(
    metadata: Metadata, artifact_name: str | None = None, artifact_version: str | int | None = None
) -> None:
    """Of an output of the step that runs (the name may be left out where it has one only), else of an artifact."""
    if artifact_name is None and notes() is None:
        raise UsageError("No artifact is named, and no step runs here.", 'Name it: artifact_name="..."')
    log_metadata(
        metadata,
        artifact_name=artifact_name,
        artifact_version=artifact_version,
        infer_artifact=artifact_name is None,
    )


def log_step_metadata(
    metadata: Metadata,
    step_name: str | None = None,
    pipeline_name_id_or_prefix: str | None = None,
    run_id: str | None = None,
) -> None:
    """Of the step that runs; else of a step of a run, or of the newest run of a pipeline."""
    if step_name is None:
        logged.log_of_step(metadata)
        return
    workspace = Runtime.here().workspace
    run = run_id or ""
    if not run and pipeline_name_id_or_prefix is not None:
        newest = listings.last_run(workspace.catalog, pipeline_name_id_or_prefix)
        run = newest.id if newest is not None else find_run(workspace, pipeline_name_id_or_prefix).id
    logged.log_of_step_run(workspace, metadata, step=step_name, run=run or _run_here() or "")


def _run_here() -> str | None:
    here = notes()
    return None if here is None else here.run_id


def _log_of_model(
    metadata: Metadata,
    version_id: str | int | None,
    name: str | None,
    version: str | int | None,
) -> None:
    from mlstack_nb.app.models import telling

    telling.log_of_model(logged.plain(metadata), version_id=version_id, name=name, version=version)
