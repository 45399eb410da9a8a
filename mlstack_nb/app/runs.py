"""Use cases of runs, as plain data for every surface. A run whose process is gone reads as failed.

What the catalog needs is imported on use: a list of runs is mostly read without it, and many times faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack_nb.catalog.quick import newest_runs
from mlstack_nb.core.run import LAST, Run, State, iso
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlstack_nb.app.workspace import Workspace


def list_all(
    workspace: Workspace,
    *,
    pipeline: str | None = None,
    stack: str | None = None,
    state: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Newest first; `step_counts` maps states to numbers of steps."""
    wanted = state_of(state) if state is not None else None
    quick = newest_runs(workspace.catalog_file, pipeline=pipeline, stack=stack, state=wanted, limit=limit)
    found, counts = quick or _read(workspace, pipeline=pipeline, stack=stack, state=wanted, limit=limit)
    return [_as_dict(run, counts[run.id]) for run in found]


def _read(workspace: Workspace, **wanted: Any) -> tuple[list[Run], Mapping[str, Mapping[State, int]]]:
    from mlstack_nb.app.remote.refreshing import refresh_all
    from mlstack_nb.catalog import runs as rows

    refresh_all(workspace)
    found = rows.list_runs(workspace.catalog, **wanted)
    return found, rows.count_steps(workspace.catalog, [run.id for run in found])


def show(workspace: Workspace, reference: str = LAST) -> dict[str, Any]:
    """A run with its steps, by id, the beginning of one, or `last`. Raises NotFoundError or UsageError.

    `models` has the versions of models that it belongs to.
    """
    from mlstack_nb.app.remote.refreshing import find_run
    from mlstack_nb.catalog import models

    run = find_run(workspace, reference)
    with workspace.catalog.read() as connection:
        linked = models.versions_linked(connection, models.RUN, run.id)
    counts: dict[State, int] = {}
    for step in run.steps:
        counts[step.state] = counts.get(step.state, 0) + 1
    return {
        **_as_dict(run, counts),
        "parameters": dict(run.parameters),
        "models": [{"model": one.model, "version": one.name} for one in linked],
        "steps": _steps(workspace, run),
    }


def steps(workspace: Workspace, reference: str = LAST) -> list[dict[str, Any]]:
    """The run's step runs, in the order they started."""
    from mlstack_nb.app.remote.refreshing import find_run

    return _steps(workspace, find_run(workspace, reference))


def _steps(workspace: Workspace, run: Run) -> list[dict[str, Any]]:
    """`logged` is what their code told of them, also of those from the cache, when they ran."""
    from mlstack_nb.catalog.logged import logged_in

    with workspace.catalog.read() as connection:
        told = logged_in(connection, run.id)
    return [{**step.to_json(), "logged": told.get(step.step, {})} for step in run.steps]


def state_of(text: str) -> State:
    """Raises NotFoundError with the nearest state."""
    try:
        return State(text)
    except ValueError:
        raise NotFoundError.of("state", text, list(State), f"States: {', '.join(State)}.") from None


def _as_dict(run: Run, counts: Mapping[State, int]) -> dict[str, Any]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "stack": run.stack,
        "mode": run.mode,
        "state": run.state.value,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "duration_s": run.duration_s,
        "step_counts": {state.value: counts[state] for state in State if state in counts},
    }
