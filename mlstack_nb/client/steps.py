"""A step run, as the client gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog import artifacts as rows
from mlstack_nb.catalog.logged import STEP_RUN, logged
from mlstack_nb.catalog.runs import step_runs_with
from mlstack_nb.client.configuration import Configuration, stored_plan
from mlstack_nb.client.status import ExecutionStatus, status_of
from mlstack_nb.client.ties import run_of
from mlstack_nb.client.versions import ArtifactVersionRecord
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import StepRun


class SeveralOutputsError(UsageError, ValueError):
    """The output is asked for where there is not just one."""


class Named(dict[str, Any]):
    """What has names; one that nobody has raises NotFoundError, a KeyError too, with the nearest."""

    def __init__(self, noun: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._noun = noun

    def __missing__(self, name: str) -> Any:
        raise NotFoundError.of(self._noun, name, self, f"There is: {', '.join(self) or 'none'}.")


class Versions(list[ArtifactVersionRecord]):
    """Several versions that a step gave under one name."""

    def load(self) -> Any:
        return self[-1].load()


class StepRecord:
    """One execution of a step, or one reuse of its result."""

    def __init__(self, workspace: Workspace, id: str, step: StepRun) -> None:  # noqa: A002
        self._workspace = workspace
        self._step = step
        self.id = id

    @classmethod
    def of_id(cls, workspace: Workspace, number: str) -> StepRecord:
        """Raises NotFoundError."""
        return cls.of_ids(workspace, [number])[0]

    @classmethod
    def of_ids(cls, workspace: Workspace, ids: Sequence[str]) -> list[StepRecord]:
        """Raises NotFoundError."""
        found = step_runs_with(workspace.catalog, ids)
        return [cls(workspace, number, step) for number, step in found.items()]

    @property
    def name(self) -> str:
        return self._step.step

    @property
    def status(self) -> ExecutionStatus:
        return status_of(self._step.state)

    @property
    def pipeline_run_id(self) -> str:
        return self._step.run_id

    @property
    def run(self) -> Any:
        """The `RunRecord` that it belongs to."""
        return run_of(self._workspace, self._step.run_id)

    @property
    def cache_key(self) -> str:
        return self._step.key

    @property
    def version(self) -> int:
        """Which attempt it was, from 1."""
        return self._step.attempt

    @property
    def start_time(self) -> datetime:
        return datetime.fromtimestamp(self._step.started_at, UTC)

    @property
    def end_time(self) -> datetime | None:
        ended = self._step.ended_at
        return None if ended is None else datetime.fromtimestamp(ended, UTC)

    @property
    def duration(self) -> timedelta | None:
        return None if self.end_time is None else self.end_time - self.start_time

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self._step.parameters)

    @property
    def exception_info(self) -> str | None:
        """The traceback of a step that failed, else its message."""
        failure = self._step.failure
        return None if failure is None else failure.traceback or f"{failure.type}: {failure.message}"

    @cached_property
    def outputs(self) -> Named:
        """By name; each an artifact version, which is a list of itself as well. With what its code saved by hand."""
        found: dict[str, list[ArtifactVersionRecord]] = {}
        for row in rows.versions_made(self._workspace.catalog, self.id):
            name = row.output or row.artifact.name
            found.setdefault(name, []).append(ArtifactVersionRecord(self._workspace, row))
        order = [*(name for name in self._step.outputs if name in found), *found]
        made = {name: found[name][0] if len(found[name]) == 1 else Versions(found[name]) for name in order}
        return Named(f"output of step {self.name!r}", made)

    @property
    def output(self) -> ArtifactVersionRecord:
        """The only output. Raises SeveralOutputsError, a ValueError too, where there are several or none."""
        own = [self.outputs[name] for name in self._step.outputs if name in self.outputs]
        if len(own) != 1:
            raise SeveralOutputsError(
                f"Step {self.name!r} has {len(own)} outputs.", f"Choose one: .outputs[{next(iter(self.outputs), '')!r}]"
            )
        only: ArtifactVersionRecord = own[0]
        return only

    @cached_property
    def inputs(self) -> Named:
        """The artifacts that it read, by the names of its inputs; parameters are in `parameters`."""
        found = rows.versions_read(self._workspace.catalog, self.id)
        read = {name: ArtifactVersionRecord(self._workspace, row) for name, row in found.items()}
        return Named(f"input of step {self.name!r}", read)

    @property
    def run_metadata(self) -> dict[str, Any]:
        """What its code told of it; a cached step has what the one told that it repeats."""
        with self._workspace.catalog.read() as connection:
            first = rows.origin_of(connection, self.id)
            found = logged(connection, STEP_RUN, [first, self.id])
        return {**found[first], **found[self.id]}

    @cached_property
    def config(self) -> Configuration:
        """As the run's plan has it: parameters, enable_cache, retries, experiment_tracker, ..."""
        plan = stored_plan(self._workspace, self.run.stack_name, self._step.run_id)
        own: dict[str, Any] = next((one for one in plan.get("steps", ()) if one["name"] == self.name), {})
        settings = own.get("settings", {})
        return Configuration(
            {
                "name": self.name,
                "parameters": self.parameters,
                "enable_cache": settings.get("cache", True),
                "experiment_tracker": settings.get("tracker"),
                "retries": settings.get("retries", 0),
                "timeout_s": settings.get("timeout_s"),
                **{name: value for name, value in settings.items() if name not in ("cache", "tracker")},
                "outputs": {one["name"]: one["artifact"] for one in own.get("outputs", ())},
            }
        )

    def __repr__(self) -> str:
        return f"<step {self.name} of run {self._step.run_id}: {self.status}>"


class Steps(Named):
    """The step runs of a run by name, in the order they started."""

    def __init__(self, run: str, steps: Mapping[str, StepRecord]) -> None:
        super().__init__(f"step of run {run}", steps)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: {step.status}' for name, step in self.items())}}}"
