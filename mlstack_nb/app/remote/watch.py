"""What has become of a run that an engine carries out: its word and the nodes' records, brought into the catalog.

Anybody may look at any time, several processes at once: what is written is the same. A node's own record counts, where
it is final; the engine tells of nodes that left none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from mlstack_nb.app.remote.submission import Submission
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_output import read_log
from mlstack_nb.catalog import runs as rows
from mlstack_nb.core.events import Event, Listener, RunEnded, RunStarted, StepEnded, StepStarted
from mlstack_nb.core.run import REMOTE, Failure, Run, State, StepRun, combined_state
from mlstack_nb.errors import FailedElsewhereError, NotFoundError
from mlstack_nb.ports.remote_orchestrator import NodeState, NodeStatus, RemoteOrchestrator

if TYPE_CHECKING:
    from mlstack_nb.app.step_output import Show
    from mlstack_nb.core.plan import Plan

POLL_S = 0.5
KNOWN_BY = 200
"""By so many last characters it is found where a text has been shown to."""
PATIENCE_S = 60.0
"""How long a run may be without the engine's reference, before it counts as never submitted."""
_STATES = {
    NodeState.FAILED: State.FAILED,
    NodeState.SUCCEEDED: State.FAILED,  # without a record it has done nothing
    NodeState.CANCELLED: State.CANCELLED,
    NodeState.SKIPPED: State.SKIPPED,
}


def watch(runtime: Runtime, run_id: str, listener: Listener, show: Show) -> tuple[Run, Mapping[str, BaseException]]:
    """Look until the run is over; returns it, and what is recorded of failed steps. `show` gets what steps print."""
    shown: dict[str, str] = {}
    listener(RunStarted(rows.get_run(runtime.catalog, run_id), runtime.engine.store.plan(run_id)))
    while True:
        run = refresh(runtime, run_id, listener)
        for step in run.steps:
            text = log_of(runtime, run, step.step)
            if new := newly(shown.get(step.step, ""), text):
                show(step.step, new)
            shown[step.step] = text
        if run.state.is_final:
            return run, {step.step: _raised(run, step) for step in run.steps if step.state is State.FAILED}
        time.sleep(POLL_S)


def newly(before: str, now: str) -> str:
    """What has come to a text since; engines forget the beginning of long ones."""
    if now.startswith(before):
        return now[len(before) :]
    end = before[-KNOWN_BY:]
    place = now.rfind(end)
    return now[place + len(end) :] if place >= 0 else now


def refresh(runtime: Runtime, run_id: str, listener: Listener | None = None) -> Run:
    """Bring what is new into the catalog, and tell it to `listener`; returns the run as it is now.

    Raises ConfigError where the engine can not be reached.
    """
    run = rows.get_run(runtime.catalog, run_id)
    if run.mode != REMOTE or run.state.is_final:
        return run
    statuses = _poll(runtime, run)
    if statuses is None:
        return run
    plan = runtime.engine.store.plan(run.id)
    news = list(_news(plan, run, statuses, runtime))
    ended = {step.step: step for step in run.steps if step.state.is_final}
    ended |= {event.step.step: event.step for event in news if isinstance(event, StepEnded)}
    if len(ended) == len(plan.steps):
        news += _last_news(run, ended, runtime)
    if news or run.state is State.PENDING:
        runtime.engine.emit(RunStarted(replace(run, state=State.RUNNING, steps=()), plan))
    for event in news:
        runtime.engine.emit(event)
        if listener is not None:
            listener(event)
    runtime.recorder.flush()
    return rows.get_run(runtime.catalog, run.id)


def _last_news(run: Run, ended: Mapping[str, StepRun], runtime: Runtime) -> list[Event]:
    """That the run is over; and before it the steps that ran inside one, as those of a whole notebook do."""
    store = runtime.engine.store
    inside = [step for step in store.steps(run.id) if step.step not in ended and step.state.is_final]
    inside.sort(key=lambda step: step.started_at)
    states: list[State] = [step.state for step in ended.values() if step.state is not State.SKIPPED]
    last = max(step.ended_at or run.started_at for step in ended.values())
    over = replace(run, state=combined_state(states), ended_at=last, steps=(*ended.values(), *inside))
    store.put_run(over)
    return [*map(StepEnded, inside), RunEnded(over)]


def log_of(runtime: Runtime, run: Run, step: str) -> str:
    """What a step printed so far: as the engine has it, and once it is over, as the store keeps it."""
    try:
        return read_log(run.id, step, runtime.workspace.root / "logs", runtime.engine.store).decode("utf-8", "replace")
    except NotFoundError:
        pass
    reference = Submission.read(runtime.engine.store, run.id).reference
    try:
        return _engine(runtime).logs(reference, step) if reference else ""
    except NotFoundError:
        return ""


def cancel(runtime: Runtime, run: Run) -> None:
    """Ask the engine to stop the run. Raises ConfigError where it can not be reached."""
    _engine(runtime).cancel(Submission.read(runtime.engine.store, run.id).reference)


def _engine(runtime: Runtime) -> RemoteOrchestrator:
    return cast("RemoteOrchestrator", runtime.engine.orchestrator)


def _poll(runtime: Runtime, run: Run) -> Mapping[str, NodeStatus] | None:
    """None for a run that the engine does not have yet; where it never will, nothing of it is known."""
    reference = Submission.read(runtime.engine.store, run.id).reference
    if not reference:
        return None if time.time() - run.started_at < PATIENCE_S else {}
    try:
        return _engine(runtime).poll(reference)
    except NotFoundError:
        return {}


def _news(plan: Plan, run: Run, statuses: Mapping[str, NodeStatus], runtime: Runtime) -> Iterator[Event]:
    unknown = NodeStatus(NodeState.FAILED, f"{runtime.engine.orchestrator.name} does not know the run")
    known = {step.step: step for step in run.steps}
    states = {name: step.state for name, step in known.items() if step.state.is_final}
    for step in plan.steps:
        before = known.get(step.name)
        if step.name in states:
            continue
        status = statuses.get(step.name, unknown)
        found = _found(run.id, step.name, status, runtime)
        if any(need in states and not states[need].is_good for need in step.needs) and _is_silent(found, status):
            found = _without_record(run.id, step.name, State.SKIPPED)
        if found is None:
            continue
        if found.state.is_final:
            states[step.name] = found.state
            yield StepEnded(found)
        elif before is None or before.attempt != found.attempt:
            yield StepStarted(found)


def _found(run_id: str, step: str, status: NodeStatus, runtime: Runtime) -> StepRun | None:
    """The step as it is now, None while nothing is to be told of it."""
    record = runtime.engine.store.step(run_id, step)
    if record is not None and record.state.is_final and (record.state.is_good or status.state.is_over):
        return record
    if not status.state.is_over:
        return record if record is not None and not record.state.is_final else None
    message = status.message or "its command ended without a record"
    now = _without_record(run_id, step, _STATES[status.state], f"{runtime.engine.orchestrator.name}: {message}")
    if record is None:
        return now
    return replace(record, state=now.state, ended_at=now.ended_at, failure=now.failure)


def _is_silent(found: StepRun | None, status: NodeStatus) -> bool:
    """Whether the step itself has said nothing, and never will."""
    return status.state.is_over and (found is None or found.key == "")


def _without_record(run_id: str, step: str, state: State, message: str = "") -> StepRun:
    now = time.time()
    failure = Failure("NodeFailed", message) if state is State.FAILED else None
    return StepRun(run_id, step, state, started_at=now, ended_at=now, failure=failure)


def _raised(run: Run, step: StepRun) -> FailedElsewhereError:
    failure = step.failure or Failure("NodeFailed", "nothing is known of why")
    what = f"{failure.type}: {failure.message}" if failure.message else failure.type
    return FailedElsewhereError(what, f"What it printed: mlstack runs logs {run.id} {step.step}", failure)
