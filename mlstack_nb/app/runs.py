"""Use cases of runs, as plain data for every surface. A run whose process is gone reads as failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack_nb.app.remote.refreshing import find_run, refresh_all
from mlstack_nb.catalog import runs as rows
from mlstack_nb.core.run import Run, State, iso
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlstack_nb.app.workspace import Workspace

LAST = rows.LAST


def list_all(
    workspace: Workspace,
    *,
    pipeline: str | None = None,
    stack: str | None = None,
    state: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Newest first; `step_counts` maps states to numbers of steps."""
    refresh_all(workspace)
    wanted = state_of(state) if state is not None else None
    found = rows.list_runs(workspace.catalog, pipeline=pipeline, stack=stack, state=wanted, limit=limit)
    counts = rows.count_steps(workspace.catalog, [run.id for run in found])
    return [_as_dict(run, counts[run.id]) for run in found]


def show(workspace: Workspace, reference: str = LAST) -> dict[str, Any]:
    """A run with its steps, by id, the beginning of one, or `last`. Raises NotFoundError or UsageError."""
    run = find_run(workspace, reference)
    counts: dict[State, int] = {}
    for step in run.steps:
        counts[step.state] = counts.get(step.state, 0) + 1
    return {
        **_as_dict(run, counts),
        "parameters": dict(run.parameters),
        "steps": [step.to_json() for step in run.steps],
    }


def steps(workspace: Workspace, reference: str = LAST) -> list[dict[str, Any]]:
    """The run's step runs, in the order they started."""
    return [step.to_json() for step in find_run(workspace, reference).steps]


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
