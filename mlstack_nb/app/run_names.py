"""Which run and which step run people mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack_nb.catalog import listings
from mlstack_nb.core.run import LAST
from mlstack_nb.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.run import Run


def find_run(workspace: Workspace, reference: str) -> Run:
    """By id, by name, by the beginning of an id, or the `last` one; without its steps.

    Raises NotFoundError, or UsageError where several begin so.
    """
    if reference == LAST:
        newest, _ = listings.list_runs(workspace.catalog, listings.Wanted(size=1))
        if not newest:
            raise NotFoundError("There is no run yet.", "Run a step cell, or call a pipeline.")
        return newest[0]
    found = listings.runs_called(workspace.catalog, reference)
    if not found:
        raise NotFoundError(f"No run has the name {reference!r}, or an id that begins so.", "Run: mlstack runs list")
    if len(found) > 1:
        ids = ", ".join(run.id for run in found[:3])
        raise UsageError(
            f"Several runs have an id that begins with {reference!r}: {ids}, ...", "Give more characters of the id."
        )
    return found[0]


def find_step_run(workspace: Workspace, *, step: str = "", run: str = LAST, id: str = "") -> str:  # noqa: A002
    """The id of a step run: that id, or the newest of a step in a run. Raises NotFoundError with the nearest name."""
    if id:
        known, _ = listings.list_steps(workspace.catalog, listings.Wanted({"id": id}, size=1))
        if not known:
            raise NotFoundError(f"No step run has the id {id!r}.", "Run: mlstack runs steps last --json")
        return id
    found = find_run(workspace, run)
    ids = listings.step_ids(workspace.catalog, found.id)
    if step not in ids:
        raise NotFoundError.of("step", step, ids, f"Steps of run {found.id}: {', '.join(ids) or 'none yet'}.")
    return str(ids[step])
