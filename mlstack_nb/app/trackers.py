"""Steps that ask for an experiment tracker, and the stacks that have one."""

from __future__ import annotations

from shlex import quote

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import stacks as rows
from mlstack_nb.core.stack import Kind
from mlstack_nb.core.step import Step
from mlstack_nb.engine.tracking import check_tracker
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.experiment_tracker import ExperimentTracker


def check(step: Step, tracker: ExperimentTracker | None, workspace: Workspace) -> None:
    """Raises ConfigError when `step` asks for a tracker that the active stack lacks; it says which ones there are."""
    try:
        check_tracker(step, tracker)
    except ConfigError as error:
        raise ConfigError(error.what, _way_out(workspace, step.settings.tracker or "") or error.hint) from None


def _way_out(workspace: Workspace, wanted: str) -> str:
    """What to type so that `wanted`, or any tracker where it is "", is there; "" where no tracker is registered."""
    with workspace.catalog.read() as connection:
        stacks = rows.list_stacks(connection)
        registered = [part.name for part in rows.list_components(connection, Kind.EXPERIMENT_TRACKER)]
    owned = {stack.name: part.name for stack in stacks if (part := stack.get(Kind.EXPERIMENT_TRACKER)) is not None}
    listing = ", ".join(f"{stack} ({tracker})" for stack, tracker in owned.items())
    fitting = next((stack for stack, tracker in owned.items() if wanted in ("", tracker)), None)
    if fitting is not None:
        return f"Stacks that have one: {listing}. Run: mlstack stack set {quote(fitting)}"
    if wanted in registered or (registered and not wanted):
        name = wanted or registered[0]
        return f"No stack has it yet. Run: mlstack stack register NAME -o default -a default -e {quote(name)} --set"
    if owned:
        return f"Ask for one that there is; stacks that have one: {listing}."
    return f"Ask for one that is registered: {', '.join(registered)}." if registered else ""
