"""`mlstack scheduler`: the process that starts what is scheduled."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mlstack_nb.app.wording import duration, moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import coloured
from mlstack_nb.core.run import State, iso

if TYPE_CHECKING:
    from mlstack_nb.catalog.leaders import Leader
    from mlstack_nb.core.schedule import Firing


@click.command()
@click.option("--once", is_flag=True, help="Start what is due, wait until it has ended, and end.")
@click.option("--wait", is_flag=True, help="Where another scheduler is at work, take over when it ends.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each event.")
def scheduler(once: bool, wait: bool, as_json: bool) -> int:
    """Start what is scheduled at its time, until Ctrl-C or SIGTERM. A workspace has one scheduler at a time.

    Runs are processes of their own. They go on when the scheduler ends, or is killed; the next one looks after them.
    With --once the exit code is 1 when a run failed.

    Example: mlstack scheduler --wait
    """
    from mlstack_nb.app.scheduling.scheduler import Scheduler

    says = _Lines(as_json)
    made = Scheduler(Workspace.find(), says)
    if once:
        made.run_once()
        return 1 if says.failures else 0
    going_on = made.run(_stop_on_signals(), wait=wait)
    if going_on:
        says.line("stopped", f"{going_on} of its runs go on; the next scheduler looks after them", running=going_on)
    else:
        says.line("stopped", "no run goes on", running=0)
    return 0


class _Lines:
    """A line for each thing that happens, in words or as JSON; `failures` counts the firings that failed."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.failures = 0

    def firing(self, firing: Firing) -> None:
        from mlstack_nb.app.scheduling.schedules import firing_as_dict

        self.failures += firing.state in (State.FAILED, State.CANCELLED)
        told = firing_as_dict(firing)
        state = coloured(firing.state.value.ljust(9))
        words = f"{state}  {firing.schedule}  {firing.run_id or ''}  {_details(firing)}"
        self.line("firing", words.rstrip(), **told)

    def leads(self) -> None:
        self.line("leads", f"process {os.getpid()} is the scheduler", pid=os.getpid())

    def waits(self, leader: Leader) -> None:
        from mlstack_nb.app.scheduling.schedules import leader_as_dict

        owner = leader.owner
        self.line("waits", f"process {owner.pid} on {owner.host} is the scheduler; waiting", **leader_as_dict(leader))

    def trouble(self, what: str) -> None:
        self.line("trouble", what, what=what)

    def line(self, event: str, words: str, **told: Any) -> None:
        now = iso(time.time())
        click.echo(json.dumps({"event": event, "at": now, **told}) if self._as_json else f"{moment(now)}  {words}")


def _details(firing: Firing) -> str:
    if firing.state is State.RUNNING:
        return f"{duration(firing.lateness_s or 0.0)} late"
    took = "" if firing.duration_s is None else duration(firing.duration_s)
    return ", ".join(part for part in (took, firing.reason) if part)


def _stop_on_signals() -> Callable[[], bool]:
    """Whether SIGINT or SIGTERM came; what is being done is finished first."""
    came: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: came.append(received))
    return lambda: bool(came)
