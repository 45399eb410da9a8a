"""The scheduler: one process of a workspace at a time claims what is due and looks after its runs.

It keeps nothing that the catalog does not have: killed at any moment, another one goes on where it was.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mlstack_nb.app.alerts import ScheduleAlerts
from mlstack_nb.app.scheduling.firing_claims import claim_due
from mlstack_nb.app.scheduling.firing_runs import CommandFor, FiringRuns, run_command
from mlstack_nb.catalog import leaders
from mlstack_nb.catalog.leaders import SCHEDULING, Leader
from mlstack_nb.core.run import State
from mlstack_nb.errors import CatalogError, ConflictError
from mlstack_nb.ports.owner import Owner

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.schedule import Firing

LEASE_S = 15.0
RENEW_S = 5.0
POLL_S = 0.25
"""How soon a new schedule, an ended run and a wish to stop are noticed."""
REPEAT_S = 600.0


class Audience(Protocol):
    """Who hears what a scheduler does."""

    def firing(self, firing: Firing) -> None:
        """It was skipped, seen to run, or has ended."""

    def leads(self) -> None:
        """The scheduler is the one of its workspace now."""

    def waits(self, leader: Leader) -> None:
        """Another one is."""

    def trouble(self, what: str) -> None:
        """Something needs a person; the scheduler goes on."""


class Scheduler:
    def __init__(
        self,
        workspace: Workspace,
        audience: Audience,
        *,
        command_for: CommandFor = run_command,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._workspace = workspace
        self._audience = audience
        self._clock = clock
        self._alerts = ScheduleAlerts(workspace, self._say)
        self._runs = FiringRuns(workspace, self._tell, command_for=command_for)
        self._holder = secrets.token_hex(8)
        self._renew_at = 0.0
        self._leader = ""
        self._said: dict[str, float] = {}

    def take_office(self) -> Leader | None:
        """Become the leader, or stay it. Returns the other one where there is one in office."""
        now = self._clock()
        if now < self._renew_at:
            return None
        candidate = Leader(self._holder, Owner.of_this_process(), now, now + LEASE_S)
        with self._workspace.catalog.write() as connection:
            leader = leaders.take(connection, SCHEDULING, candidate)
        if leader.holder != self._holder:
            return leader
        self._renew_at = now + RENEW_S
        return None

    def tick(self) -> bool:
        """Claim what is due, start what may begin, record what has ended. Whether any firing waits to begin."""
        for firing in claim_due(self._workspace.catalog, self._clock(), self._say):
            if firing.state is not State.PENDING:
                self._tell(firing)
            else:
                self._alerts(firing)
        return self._runs.look_after(self._clock())

    def run(self, should_stop: Callable[[], bool], *, wait: bool = False) -> int:
        """Schedule until it is told to stop. Returns how many of its runs go on, which the next scheduler looks after.

        Where another one leads, it is waited for, or ConflictError raised. A catalog that can not be used for a while
        is trouble, and tried again.
        """
        try:
            while not should_stop():
                try:
                    self._work(wait)
                except CatalogError as error:
                    self._say(str(error))
                time.sleep(POLL_S)
        finally:
            going_on = self._resign()
        return going_on

    def run_once(self) -> None:
        """Start what is due now and wait until it has ended; ConflictError where another scheduler is at work."""
        other = self.take_office()
        if other is not None:
            raise _taken(other)
        try:
            is_waiting = self.tick()
            while is_waiting or self._runs.count:
                time.sleep(POLL_S)
                self.take_office()
                is_waiting = self._runs.look_after(self._clock())
        finally:
            self._resign()

    def _work(self, wait: bool) -> None:
        leader = self.take_office()
        if leader is None:
            if self._leader != self._holder:
                self._leader = self._holder
                self._audience.leads()
            self.tick()
        elif not wait:
            raise _taken(leader)
        elif self._leader != leader.holder:
            self._leader = leader.holder
            self._audience.waits(leader)

    def _resign(self) -> int:
        going_on = self._runs.let_go()
        with self._workspace.catalog.write() as connection:
            leaders.resign(connection, SCHEDULING, self._holder)
        return going_on

    def _tell(self, firing: Firing) -> None:
        self._audience.firing(firing)
        self._alerts(firing)

    def _say(self, trouble: str) -> None:
        """Now and then, however often it is met."""
        now = time.monotonic()
        if now - self._said.get(trouble, -REPEAT_S) >= REPEAT_S:
            self._said[trouble] = now
            self._audience.trouble(trouble)


def _taken(leader: Leader) -> ConflictError:
    owner = leader.owner
    return ConflictError(
        f"Process {owner.pid} on {owner.host} is the scheduler of this workspace.",
        f"To take over when it ends: mlstack scheduler --wait. To end it: kill {owner.pid}",
    )
