"""What a run gives to its models: once it has ended well, its artifacts and deployments belong to a version.

Nothing of it is on the way of a step; a step whose code asks for its version while it runs has it made there and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mlstack_nb.app.models import mirror
from mlstack_nb.app.models.versions import check, made
from mlstack_nb.catalog import deployments, logged
from mlstack_nb.catalog import models as rows
from mlstack_nb.catalog.tables import runs
from mlstack_nb.core.model import ModelSpec, ModelVersion, models_of
from mlstack_nb.core.notes import Notes, notes
from mlstack_nb.core.run import REMOTE, Run, State
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion
    from mlstack_nb.core.plan import Plan


OF_MODEL = "model::"
"""Begins the names under which a step's record has what its code told of its model."""


def check_models(workspace: Workspace, models: Iterable[ModelSpec]) -> None:
    """Raises NotFoundError, before anything runs, for a version that there is none of; UsageError for a name."""
    with workspace.catalog.read() as connection:
        for spec in models:
            check(connection, spec)


def run_ended(runtime: Runtime, run: Run, models: Mapping[str, ModelSpec]) -> None:
    """Link what the run gave; `models` has that of each step. Nothing is linked of a run that did not end well, but
    for a version that its own code asked for: that has the run.
    """
    linked: list[tuple[ModelVersion, bool]] = []
    with runtime.catalog.write() as connection:
        for spec, steps in _by_model(models):
            version = _version_of_run(connection, run, spec, steps)
            if version is None:
                continue
            rows.link(connection, version, rows.RUN, [run.id])
            if run.state.is_good:
                _link_outputs(connection, version, run.id, steps)
                _tell(connection, version, run, steps)
            linked.append((version, spec.save_models_to_registry and run.state.is_good))
    for version, saves_models in linked:
        mirror.version_changed(runtime.workspace, version, saves_models=saves_models)


def model_here(runtime: Runtime) -> ModelSpec | None:
    """The model that the step whose code runs here belongs to; None outside of steps, and for one without a model."""
    here = notes()
    if here is None:
        return None
    own: ModelSpec | None = here.step.settings.model
    return own or models_here(runtime, here).get(here.step.name)


def version_here(runtime: Runtime) -> ModelVersion:
    """The version that the step whose code runs here belongs to; it is made where the run has none yet.

    Raises UsageError outside of steps, where the step has no model, and on a node, which knows no versions.
    """
    here = notes()
    spec = model_here(runtime)
    if here is None or spec is None:
        where = "No step runs here" if here is None else f"Step {here.step.name!r} has no model"
        raise UsageError(f"{where}, so it is not known whose version is meant.", 'Name it: model_name="..."')
    if is_on_node(runtime, here):
        raise UsageError(
            f"Step {here.step.name!r} runs on a node, which knows no version of model {spec.name!r}: it is made when "
            "the run has ended.",
            "Tell of it by log_model_metadata, and look it up after the run.",
        )
    runtime.recorder.flush()
    with runtime.catalog.write() as connection:
        known = rows.versions_linked(connection, rows.RUN, here.run_id, spec.name)
        version = known[0] if known and spec.is_new else made(connection, spec)
        rows.link(connection, version, rows.RUN, [here.run_id])
    return version


def link_artifact(workspace: Workspace, version: ModelVersion, artifact: ArtifactVersion) -> None:
    """The artifact's version belongs to the model's version, too."""
    with workspace.catalog.write() as connection:
        rows.link(connection, version, rows.ARTIFACT_VERSION, [str(artifact.id)])
    mirror.version_changed(workspace, version)


def models_here(runtime: Runtime, here: Notes) -> Mapping[str, ModelSpec]:
    """The models of the run that the step belongs to, by step: its plan has them, for every process."""
    plan: Plan = runtime.engine.store.plan(here.run_id)
    return models_of(plan.steps, plan.model)


def is_on_node(runtime: Runtime, here: Notes) -> bool:
    """Whether the step runs where an engine outside put it, with a catalog that goes when it ends."""
    with runtime.catalog.read() as connection:
        return connection.scalar(select(runs.c.mode).where(runs.c.id == here.run_id)) == REMOTE


def _version_of_run(connection: Connection, run: Run, spec: ModelSpec, steps: list[str]) -> ModelVersion | None:
    """A run that found everything in the cache gives the version that has all of it, and makes none."""
    known = rows.versions_linked(connection, rows.RUN, run.id, spec.name)
    if not run.state.is_good:
        return known[0] if known else None
    if not spec.is_new:
        return made(connection, spec)
    if known:
        return known[0]
    if all(step.state is State.CACHED for step in run.steps if step.step in steps):
        outputs = rows.outputs_of(connection, run.id, steps)
        found = rows.newest_with_all(connection, spec.name, outputs) if outputs else None
        if found is not None:
            return found
    return made(connection, spec)


def _link_outputs(connection: Connection, version: ModelVersion, run_id: str, steps: list[str]) -> None:
    outputs = rows.outputs_of(connection, run_id, steps)
    rows.link(connection, version, rows.ARTIFACT_VERSION, map(str, outputs))
    deployed = deployments.list_deployments(connection, run_id=run_id)
    rows.link(connection, version, rows.DEPLOYMENT, [one.name for one in deployed if one.step in steps])


def _tell(connection: Connection, version: ModelVersion, run: Run, steps: list[str]) -> None:
    """What the steps told of their model. Those from the cache told it when they ran; what was told since is newer."""
    told = logged.logged_in(connection, run.id)
    before = logged.logged(connection, rows.VERSION, [str(version.id)])[str(version.id)]
    fresh: dict[str, Any] = {}
    for step in run.steps:
        own = told.get(step.step, {}) if step.step in steps else {}
        said = {name.removeprefix(OF_MODEL): value for name, value in own.items() if name.startswith(OF_MODEL)}
        is_old = step.state is State.CACHED
        fresh |= {name: value for name, value in said.items() if not (is_old and (name in before or name in fresh))}
    if fresh:
        logged.log(connection, rows.VERSION, str(version.id), fresh)


def _by_model(models: Mapping[str, ModelSpec]) -> Iterable[tuple[ModelSpec, list[str]]]:
    """Each version that is meant once, with the steps that belong to it."""
    found: dict[tuple[Any, ...], tuple[ModelSpec, list[str]]] = {}
    for step, spec in models.items():
        found.setdefault((spec.name, spec.version), (spec, []))[1].append(step)
    return found.values()
