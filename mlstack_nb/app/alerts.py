"""Telling people, by the stack's alerter, of schedules that miss, of runs that left no word, and of steps by hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack_nb.app.alerting import Notice, RunAlerts, deliver, shortened
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.wording import moment
from mlstack_nb.catalog import schedules as rows
from mlstack_nb.core.notes import notes
from mlstack_nb.core.run import State, iso
from mlstack_nb.core.stack import Kind
from mlstack_nb.engine.masking import failure_of, masked
from mlstack_nb.errors import ConfigError, MlstackError
from mlstack_nb.ports.alerter import Alert, Alerter, Occasion

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.schedule import Firing


class ScheduleAlerts:
    """Hears the firings of a workspace's schedules; what goes wrong with an alert is told to `trouble`."""

    def __init__(self, workspace: Workspace, trouble: Notice) -> None:
        self._workspace = workspace
        self._trouble = trouble

    def __call__(self, firing: Firing) -> None:
        """Raises nothing but CatalogError."""
        alert = of_firing(firing)
        if alert is None:
            return
        with self._workspace.catalog.read() as connection:
            known = {schedule.name: schedule.stack for schedule in rows.list_schedules(connection)}
        try:
            stack = self._workspace.active_stack(known.get(firing.schedule))
            if stack.get(Kind.ALERTER) is None:
                return
            runtime = Runtime.current(workspace=self._workspace, stack=stack.name)
            if alert.occasion is Occasion.FAILURE:
                RunAlerts(lambda: _alerter(runtime), runtime.engine.store, self._trouble).tell(
                    str(firing.run_id), alert
                )
            elif alert.occasion in (alerter := _alerter(runtime)).occasions:
                deliver(alerter, alert, self._trouble)
        except MlstackError as error:
            self._trouble(f"No alert is sent of schedule {firing.schedule!r}: {masked(error.what)}")


def of_firing(firing: Firing) -> Alert | None:
    """What is to be said of a firing, None for nothing: that it was missed, or why it failed."""
    facts = {"schedule": firing.schedule, "for": moment(iso(firing.moment))}
    if firing.state is State.SKIPPED:
        return Alert(Occasion.MISS, f"Schedule {firing.schedule} did not run", firing.reason, facts)
    if firing.state is State.PENDING and firing.reason:
        return Alert(Occasion.MISS, f"Schedule {firing.schedule} runs late", firing.reason, facts)
    if firing.state is State.FAILED:
        facts["run"] = str(firing.run_id)
        return Alert(Occasion.FAILURE, f"Schedule {firing.schedule} failed", shortened(masked(firing.reason)), facts)
    return None


def alerter_failure_hook(exception: BaseException | None = None) -> None:
    """For `on_failure`: tells, by the active stack's alerter, that this step failed, and why."""
    failure = None if exception is None else failure_of(exception)
    _tell_of_step("failed", Occasion.FAILURE, "" if failure is None else f"{failure.type}: {failure.message}")


def alerter_success_hook() -> None:
    """For `on_success`: tells, by the active stack's alerter, that this step succeeded."""
    _tell_of_step("succeeded", Occasion.SUCCESS, "")


def _tell_of_step(what: str, occasion: Occasion, text: str) -> None:
    """Whatever the alerter is told on: the step asks for it. Raises ConfigError where the stack has none."""
    told = notes()
    runtime = Runtime.here()
    if runtime.stack.get(Kind.ALERTER) is None:
        raise ConfigError(
            f"Stack {runtime.stack.name!r} has no alerter.",
            f"Add one: mlstack stack update {runtime.stack.name} --alerter NAME",
        )
    step = told.step.name if told is not None else "a step"
    facts = {"pipeline": told.pipeline, "run": told.run_id} if told is not None else {}
    alert = Alert(occasion, f"Step {step} {what}", shortened(masked(text)), {**facts, "stack": runtime.stack.name})
    deliver(_alerter(runtime), alert, runtime.engine.notice)


def _alerter(runtime: Runtime) -> Alerter:
    found: Alerter = runtime.component(Kind.ALERTER)
    return found
