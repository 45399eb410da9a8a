"""The active stack made live: components built from their configuration, events wired to the catalog."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlstack_nb import materializers
from mlstack_nb.app import trackers
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.recorder import Recorder
from mlstack_nb.core.events import Event, Listener
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.core.step import Body, Step
from mlstack_nb.engine.calls import Engine
from mlstack_nb.engine.execute import Complete, Execution
from mlstack_nb.engine.lease import Leases
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors import registry
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.ports.remote_orchestrator import RemoteOrchestrator

_runtimes: dict[tuple[int, str], Runtime] = {}


class Runtime:
    """One stack of one workspace, ready to run. Building it reaches no service."""

    def __init__(self, workspace: Workspace, stack: Stack) -> None:
        self.workspace = workspace
        self.stack = stack
        self.catalog = workspace.catalog
        self.recorder = Recorder(self.catalog)
        files = self._need(Kind.ARTIFACT_STORE)
        self.engine = Engine(
            codec=Codec(Store(files), materializers),
            leases=Leases(files),
            orchestrator=self._need(Kind.ORCHESTRATOR),
            tracker=self.component(Kind.EXPERIMENT_TRACKER),
            emit=self.recorder,
            notice=_to_stderr,
        )

    @classmethod
    def current(cls, *, workspace: Workspace | None = None, stack: str | None = None) -> Runtime:
        """The runtime of the active stack, the same one as long as workspace and stack stay what they were."""
        workspace = workspace or Workspace.find()
        # after a fork a connection of the parent must not be used
        place = (os.getpid(), str(workspace.root))
        known = _runtimes.get(place)
        if known is not None:
            workspace = known.workspace
        active = workspace.active_stack(stack)
        if known is None or known.stack != active or known.catalog is not workspace.catalog:
            known = _runtimes[place] = cls(workspace, active)
        return known

    def execute(
        self,
        pipeline: Pipeline,
        bodies: Mapping[str, Body],
        *,
        captured: Mapping[str, Mapping[str, Value]] | None = None,
    ) -> tuple[Run, Mapping[str, BaseException]]:
        """Run every step; returns the run and what each failed step raised."""
        execution = self.execution(pipeline, bodies, captured=captured)
        return execution.run(), execution.errors

    def execution(
        self,
        pipeline: Pipeline,
        bodies: Mapping[str, Body],
        *,
        captured: Mapping[str, Mapping[str, Value]] | None = None,
        listener: Listener | None = None,
        company: Company = Company.IN_THREADS,
        fail_fast: bool = False,
        run_id: str = "",
        launch: Mapping[str, Any] | None = None,
        only_cached: frozenset[str] = frozenset(),
        complete: Complete | None = None,
        stop: threading.Event | None = None,
    ) -> Execution:
        """A whole run, not begun yet; `listener` hears what the catalog hears, after it."""
        plan = Plan.of(
            pipeline, stack=self.stack, run_id=run_id or new_run_id(), launch=launch, only_cached=only_cached
        )
        for step in plan.steps:
            self.check_tracker(step)
        engine = self._heard_by(listener)
        return Execution(
            plan,
            bodies,
            engine,
            captured=captured,
            complete=complete,
            company=company,
            fail_fast=fail_fast,
            stop=stop,
        )

    @property
    def is_remote(self) -> bool:
        """Whether an engine outside this process runs its steps."""
        return isinstance(self.engine.orchestrator, RemoteOrchestrator)

    def check_tracker(self, step: Step) -> None:
        """Raises ConfigError, naming the stacks that have one, when the step asks for a tracker that this one lacks."""
        trackers.check(step, self.engine.tracker, self.workspace)

    def _heard_by(self, listener: Listener | None) -> Engine:
        if listener is None:
            return self.engine

        def emit(event: Event) -> None:
            self.engine.emit(event)
            listener(event)

        return replace(self.engine, emit=emit)

    def _need(self, kind: Kind) -> Any:
        found = self.component(kind)
        if found is None:
            raise ConfigError(
                f"Stack {self.stack.name!r} has no {kind}.",
                f"Add one: mlstack stack update {self.stack.name} --{kind.replace('_', '-')} NAME",
            )
        return found

    def component(self, kind: Kind) -> Any:
        """A new component of that kind, as the stack has it configured; None where it has none."""
        component = self.stack.get(kind)
        return None if component is None else self._build(component)

    def _build(self, component: Component) -> Any:
        flavor = registry().load(component.kind, component.flavor)
        try:
            configuration = flavor.Config(**component.configuration)
        except (TypeError, ValueError) as error:
            # written by another version, or by hand: pydantic's error is a ValueError, a dataclass's a TypeError
            raise ConfigError(
                f"The configuration of {component.kind} {component.name!r} does not fit its flavor "
                f"{component.flavor!r}.",
                "See what is wrong: mlstack doctor",
            ) from error
        return flavor(component.name, configuration, self.workspace.root)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def new_run_id() -> str:
    """Sorts by time, reads as a date, and is unique: `20261121-093000-1f2e3d`."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
