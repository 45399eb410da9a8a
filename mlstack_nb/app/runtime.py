"""The active stack made live: components built from their configuration, events wired to the catalog."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlstack_nb import materializers
from mlstack_nb.app import trackers
from mlstack_nb.app.building import build
from mlstack_nb.app.models.run_models import RunModels
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.recorder import Recorder
from mlstack_nb.core.events import Event, Listener, StepEnded, StepStarted
from mlstack_nb.core.model import ModelSpec, models_of
from mlstack_nb.core.notes import notes
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run
from mlstack_nb.core.stack import Kind, Stack
from mlstack_nb.core.step import Body, FromArtifact, Step
from mlstack_nb.engine.calls import Engine
from mlstack_nb.engine.execute import Complete, Execution
from mlstack_nb.engine.lease import Leases
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Codec, Value
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.ports.registry import load_target
from mlstack_nb.ports.remote_orchestrator import RemoteOrchestrator

if TYPE_CHECKING:
    from mlstack_nb.app.secrets import SecretSource

_runtimes: dict[tuple[int, str], Runtime] = {}
_LINKING = "mlstack_nb.app.models.linking:"
"""By name: it is imported by runs that have a model, and needs a runtime itself."""


class Runtime:
    """One stack of one workspace, ready to run. Building it reaches no service."""

    def __init__(self, workspace: Workspace, stack: Stack) -> None:
        self.workspace = workspace
        self.stack = stack
        self.catalog = workspace.catalog
        self.recorder = Recorder(self.catalog)
        self._beside: dict[str, Runtime] = {}
        self._models = RunModels(self._give_to_models)
        self._referred = sorted({name for part in stack.components for name, _ in part.references})
        self._secret_versions = self._versions()
        files = self._need(Kind.ARTIFACT_STORE)
        self.engine = Engine(
            codec=Codec(Store(files), materializers),
            leases=Leases(files),
            orchestrator=self._need(Kind.ORCHESTRATOR),
            tracker=self.component(Kind.EXPERIMENT_TRACKER),
            emit=self._record,
            notice=_to_stderr,
            secret_of=self._secret,
            recall=self._recall,
        )
        self._alerts = None if stack.get(Kind.ALERTER) is None else self._run_alerts()

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
        if known is None or known.stack != active or known.catalog is not workspace.catalog or known.is_outdated:
            known = _runtimes[place] = cls(workspace, active)
        return known

    @classmethod
    def here(cls, workspace: Workspace | None = None) -> Runtime:
        """That of the step whose code runs here, whatever stack is active; outside of steps the current one."""
        workspace = workspace or Workspace.find()
        known = _runtimes.get((os.getpid(), str(workspace.root))) if notes() is not None else None
        return known or cls.current(workspace=workspace)

    @property
    def is_outdated(self) -> bool:
        """Whether a secret has been changed since, which its components refer to."""
        return self._versions() != self._secret_versions

    def _versions(self) -> Mapping[str, Any]:
        if not self._referred:
            return {}
        from mlstack_nb.app.secrets import versions

        return versions(self.workspace, self._referred)

    def _secret(self, name: str) -> Mapping[str, str] | None:
        return self.secrets.values(name)

    @cached_property
    def secrets(self) -> SecretSource:
        """Imported on use: most runs have none."""
        from mlstack_nb.app.secrets import SecretSource

        return SecretSource(self.workspace)

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
        self.check(plan)
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

    def check(self, plan: Plan) -> None:
        """Raises what a run of `plan` would end with that can be known before it begins."""
        for step in plan.steps:
            self.check_tracker(step)
        self.check_models(plan.steps, plan.model)
        if plan.tags:
            self._check_tags(plan)

    def check_tracker(self, step: Step) -> None:
        """Raises ConfigError, naming the stacks that have one, when the step asks for a tracker that this one lacks."""
        trackers.check(step, self.engine.tracker, self.workspace)

    def _check_tags(self, plan: Plan) -> None:
        from mlstack_nb.catalog.tags import check_known
        from mlstack_nb.core.tag import tags_of

        with self.catalog.read() as connection:
            check_known(connection, tags_of(plan.tags))

    def _recall(self, source: FromArtifact) -> Any:
        from mlstack_nb.app.recalling import recalled

        return recalled(self, source)

    def beside(self, stack: str) -> Runtime:
        """Another stack of the workspace; kept, so that what it has verified of its store it need not verify again."""
        active = self.workspace.active_stack(stack)
        known = self._beside.get(stack)
        if known is None or known.stack != active or known.catalog is not self.workspace.catalog:
            known = self._beside[stack] = Runtime(self.workspace, active)
        return known

    def check_models(self, steps: Iterable[Step], default: ModelSpec | None) -> None:
        """Raises NotFoundError when a step is to belong to a version of a model that there is none of."""
        models = set(models_of(steps, default).values())
        if models:
            load_target(_LINKING + "check_models")(self.workspace, models)

    def _give_to_models(self, run: Run, models: Mapping[str, ModelSpec]) -> None:
        load_target(_LINKING + "run_ended")(self, run, models)

    def _record(self, event: Event) -> None:
        self.recorder(event)
        if not isinstance(event, (StepStarted, StepEnded)):
            self._models(event)
            if self._alerts is not None:
                self._alerts(event)

    def _run_alerts(self) -> Listener:
        from mlstack_nb.app.alerting import RunAlerts

        return RunAlerts(lambda: self.component(Kind.ALERTER), self.engine.store, _to_stderr)

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
        if component is None:
            return None
        return build(component, self.workspace.root, self.secrets if component.references else None)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def new_run_id() -> str:
    """Sorts by time, reads as a date, and is unique: `20261121-093000-1f2e3d`."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
