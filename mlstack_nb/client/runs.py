"""Runs and pipelines, as the client gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog import listings, models
from mlstack_nb.catalog.logged import RUN, STEP_RUN, logged
from mlstack_nb.catalog.runs import fail_lost_runs, steps_of
from mlstack_nb.catalog.tags import made_in, tags_by_subject
from mlstack_nb.client.configuration import Configuration, stored_plan
from mlstack_nb.client.pages import Page
from mlstack_nb.client.status import ExecutionStatus, status_of_run
from mlstack_nb.client.steps import Named, StepRecord, Steps
from mlstack_nb.client.ties import model_version_of
from mlstack_nb.client.versions import ArtifactVersionRecord
from mlstack_nb.core.run import State

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run

_GOOD = (State.COMPLETED.value, State.CACHED.value)


class RunRecord:
    """One run of a pipeline, as it was when it was asked for; its steps are read when they are first asked for."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace = workspace
        self._run = run

    @classmethod
    def called(cls, workspace: Workspace, run_id: str) -> RunRecord | None:
        found = listings.runs_called(workspace.catalog, run_id)
        return cls(workspace, found[0]) if found else None

    @property
    def id(self) -> str:
        return self._run.id

    @property
    def recorded(self) -> Run:
        """As the catalog has it now, with its steps."""
        from mlstack_nb.catalog.runs import get_run

        return get_run(self._workspace.catalog, self.id)

    @property
    def name(self) -> str:
        return self._run.name or self._run.id

    @property
    def status(self) -> ExecutionStatus:
        return status_of_run(self._run.state)

    @property
    def pipeline(self) -> PipelineRecord:
        return PipelineRecord(self._workspace, self._run.pipeline)

    @property
    def stack_name(self) -> str:
        return self._run.stack

    @property
    def stack(self) -> Any:
        """The stack of that name as it is now; None when there is none any more."""
        from mlstack_nb.client.stacks import stack_called

        return stack_called(self._workspace, self._run.stack)

    @property
    def start_time(self) -> datetime:
        return datetime.fromtimestamp(self._run.started_at, UTC)

    @property
    def created(self) -> datetime:
        return self.start_time

    @property
    def end_time(self) -> datetime | None:
        ended = self._run.ended_at
        return None if ended is None else datetime.fromtimestamp(ended, UTC)

    @property
    def duration(self) -> timedelta | None:
        return None if self.end_time is None else self.end_time - self.start_time

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self._run.parameters)

    @cached_property
    def steps(self) -> Steps:
        """By name. Of a run that goes on, those so far; ask the client again for more."""
        found = steps_of(self._workspace.catalog, self.id)
        return Steps(self.id, {one.step: StepRecord(self._workspace, number, one) for number, one in found.items()})

    @property
    def outputs(self) -> Named:
        """What its last steps gave, by name of the artifact."""
        return Named("artifact", {one.name: one for one in self.artifact_versions})

    @property
    def artifact_versions(self) -> list[ArtifactVersionRecord]:
        """Of every output of its steps, those of cached ones included."""
        return [one for step in self.steps.values() for output in step.outputs.values() for one in output]

    @property
    def produced_artifact_versions(self) -> list[ArtifactVersionRecord]:
        """Those that this run made itself."""
        with self._workspace.catalog.read() as connection:
            own = set(made_in(connection, self.id))
        return [one for one in self.artifact_versions if one.id in own]

    @property
    def run_metadata(self) -> dict[str, Any]:
        """What was told of the run, and what its steps told of themselves as `step::name`."""
        names = {step.id: step.name for step in self.steps.values()}
        with self._workspace.catalog.read() as connection:
            own = logged(connection, RUN, [self.id])[self.id]
            of_steps = logged(connection, STEP_RUN, list(names))
        steps = {f"{names[step]}::{name}": value for step, told in of_steps.items() for name, value in told.items()}
        return {**steps, **own}

    @property
    def tags(self) -> list[str]:
        with self._workspace.catalog.read() as connection:
            return list(tags_by_subject(connection, RUN, [self.id])[self.id])

    @property
    def model_version(self) -> Any:
        """The newest version of a model that it belongs to, a `ModelVersionRecord`; None where it belongs to none."""
        with self._workspace.catalog.read() as connection:
            found = models.versions_linked(connection, models.RUN, self.id)
        return model_version_of(self._workspace, found[0]) if found else None

    @cached_property
    def config(self) -> Configuration:
        """As the run's plan has it: name, parameters, enable_cache, ..."""
        plan = stored_plan(self._workspace, self._run.stack, self.id)
        caches = [step["settings"]["cache"] for step in plan.get("steps", ())]
        rest = {name: value for name, value in plan.items() if name in ("extra", "tags", "model", "execution_mode")}
        return Configuration(
            {
                "name": self._run.pipeline,
                "parameters": self.parameters,
                "enable_cache": not caches or any(caches),
                "mode": self._run.mode,
                **rest,
            }
        )

    def __repr__(self) -> str:
        return f"<run {self.name} of pipeline {self._run.pipeline} on stack {self._run.stack}: {self.status}>"


class PipelineRecord:
    """A pipeline that has run in this workspace. Its runs are read when they are asked for."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.name = name

    @property
    def id(self) -> str:
        return self.name

    @property
    def last_run(self) -> RunRecord | None:
        """The newest, whatever became of it."""
        return self._newest()

    @property
    def last_successful_run(self) -> RunRecord | None:
        return self._newest(*_GOOD)

    @property
    def runs(self) -> Page[RunRecord]:
        """The newest twenty, newest first; `Client().list_pipeline_runs(pipeline=...)` has more."""
        return self.get_runs()

    def get_runs(self, **asked: Any) -> Page[RunRecord]:
        """As `Client.list_pipeline_runs`."""
        from mlstack_nb.client.pages import page_of, wanted

        order = {name: asked.pop(name) for name in ("sort_by", "page", "size", "logical_operator") if name in asked}
        query = wanted({**asked, "pipeline": self.name}, **order)
        found, total = listings.list_runs(self._workspace.catalog, query)
        return page_of((RunRecord(self._workspace, run) for run in found), total, query)

    @property
    def num_runs(self) -> int:
        return listings.count_runs(self._workspace.catalog, self.name)

    @property
    def tags(self) -> list[str]:
        with self._workspace.catalog.read() as connection:
            return list(tags_by_subject(connection, "pipeline", [self.name])[self.name])

    def _newest(self, *states: str) -> RunRecord | None:
        found = listings.last_run(self._workspace.catalog, self.name, states=states)
        if found is not None and not found.state.is_final:
            fail_lost_runs(self._workspace.catalog)  # its process may have ended without a word
            found = listings.last_run(self._workspace.catalog, self.name, states=states)
        return None if found is None else RunRecord(self._workspace, found)

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"
