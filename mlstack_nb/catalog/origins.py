"""Which earlier step run a cached one repeats, so that a cached step costs one narrow row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from mlstack_nb.catalog.tables import artifacts, step_runs
from mlstack_nb.core.run import State, StepRun

if TYPE_CHECKING:
    from sqlalchemy import Connection

Outputs = dict[str, tuple[str, str]]
Steps = Mapping[str, tuple[int, StepRun]]


class Origins:
    """Remembers, for each cache key, the step run that wrote its inputs and outputs into the catalog."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Outputs]] = {}
        self._uncommitted: dict[str, tuple[str, Outputs]] = {}

    def of(self, steps: Steps, connection: Connection) -> dict[str, str]:
        """Step run id -> id of its origin, for the cached ones whose very outputs are in the catalog already."""
        unknown = {step.key for _, step in steps.values() if step.state is State.CACHED} - self._known.keys()
        if unknown:
            self._read(unknown, connection)
        fresh: dict[str, tuple[str, Outputs]] = {}
        found = {}
        for step_run_id, (_, step) in steps.items():
            if not step.state.is_good:
                continue
            outputs = {output: (artifact.name, artifact.digest) for output, artifact in step.outputs.items()}
            origin = fresh.get(step.key) or self._known.get(step.key)
            if step.state is State.CACHED and origin is not None and origin[1] == outputs:
                found[step_run_id] = origin[0]
            else:
                fresh[step.key] = step_run_id, outputs
        self._uncommitted = fresh
        return found

    def committed(self) -> None:
        """What the last `of` was given is in the catalog now."""
        self._known.update(self._uncommitted)

    def forget(self) -> None:
        """Somebody has taken step runs out of the catalog."""
        self._known.clear()

    def _read(self, keys: Iterable[str], connection: Connection) -> None:
        """The newest step run of each key that has its inputs and outputs with it."""
        runs = step_runs.c
        is_origin = (runs.origin.is_(None), runs.state.in_([State.COMPLETED.value, State.CACHED.value]))
        started = select(runs.key, func.max(runs.started_at).label("at")).where(runs.key.in_(list(keys)), *is_origin)
        newest = started.group_by(runs.key).subquery()
        query = (
            select(runs.key, runs.id, artifacts.c.output, artifacts.c.name, artifacts.c.digest)
            .join(newest, (newest.c.key == runs.key) & (newest.c.at == runs.started_at))
            .outerjoin(artifacts, (artifacts.c.step_run_id == runs.id) & artifacts.c.output.is_not(None))
            .where(*is_origin)
        )
        for key, step_run_id, output, name, digest in connection.execute(query):
            if self._known.get(key, ("",))[0] != step_run_id:
                self._known[key] = step_run_id, {}
            if output is not None:
                self._known[key][1][output] = name, digest
