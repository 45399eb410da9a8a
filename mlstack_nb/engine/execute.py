"""Executing a whole plan: hands the orchestrator its nodes, and runs each with the step runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepEnded
from mlstack_nb.core.plan import Node, Plan
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.run import Failure, Run, State, StepRun, combined_state
from mlstack_nb.core.step import Body, FromArtifact, FromParameter, FromStep, Literal, Step
from mlstack_nb.engine.awaiting import awaited
from mlstack_nb.engine.calls import Engine, StepCall, StepResult, begun
from mlstack_nb.engine.mapping import Outcome, RunItems, body_of, running_item, whole
from mlstack_nb.engine.masking import failure_of
from mlstack_nb.engine.reuse import look_up, reused
from mlstack_nb.engine.runner import Driver, drive
from mlstack_nb.engine.store import CacheEntry
from mlstack_nb.engine.tracking import check_tracker
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.orchestrator import Company, InProcessOrchestrator

Complete = Callable[[Step, Mapping[str, StepResult]], tuple[Step, Mapping[str, Value]]]
"""Gives a step, once those before it have ended, the values that only a run finds out."""


class Outlook(StrEnum):
    """What would become of a step: `depends` stands for one that reads from a step that runs."""

    CACHED = "cached"
    RUNS = "runs"
    DEPENDS = "depends"


class _FailedFast(BaseException):
    """A step has failed, and the others are to end with it."""


class Execution:
    """One plan being executed.

    `captured` has, by step and name, the values that steps take from ordinary cells, `complete` is asked for what only
    a run finds out. With `fail_fast` nothing is begun after the first failure; `stop` is set when everything is to end.
    Afterwards `ended` has every step run, `results` what ended well, and `errors` what each failed step raised.
    """

    def __init__(
        self,
        plan: Plan,
        bodies: Mapping[str, Body],
        engine: Engine,
        *,
        captured: Mapping[str, Mapping[str, Value]] | None = None,
        complete: Complete | None = None,
        company: Company = Company.IN_THREADS,
        fail_fast: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        self._stop = stop
        self._complete = complete
        self._resumes = frozenset(plan.launch.get("resumes", ()))
        self.company = company
        self.fail_fast = fail_fast or (plan.execution_mode is not None and plan.execution_mode.stops)
        self.captured = captured or {}
        self.plan = plan
        self.bodies = bodies
        self.engine = replace(engine, emit=self._emit)
        self._listener = engine.emit
        self.errors: dict[str, BaseException] = {}
        self.results: dict[str, StepResult] = {}
        self._steps = {step.name: step for step in plan.steps}
        self.ended: dict[str, StepRun] = {}

    def run(self) -> Run:
        """Execute everything; the run's state tells how it went. Raises only what stops the whole run."""
        orchestrator = self.engine.orchestrator
        if not isinstance(orchestrator, InProcessOrchestrator):
            raise ConfigError(
                f"Stack {self.plan.stack.name!r} runs steps outside this process, by {orchestrator.name!r}.",
                f"Hand the pipeline over: mlstack run TARGET --stack {self.plan.stack.name}",
            )
        for step in self.plan.steps:
            check_tracker(step, self.engine.tracker)
        plan = self.plan
        run = Run(
            id=plan.run_id,
            pipeline=plan.pipeline,
            stack=plan.stack.name,
            state=State.RUNNING,
            started_at=time.time(),
            mode=plan.mode,
            parameters=plan.parameters,
            name=plan.run_name,
        )
        self.engine.store.put_plan(plan)
        self.engine.emit(RunStarted(run, plan))
        try:
            states = orchestrator.run(
                plan.nodes, self._run_node, company=self.company, fail_fast=self.fail_fast, stop=self._stop
            )
        except _FailedFast:
            for name in self._steps.keys() - self.ended.keys():
                self._end(name, State.SKIPPED)
            return self._finish(run, [State.FAILED])
        except BaseException:
            self._finish(run, [State.CANCELLED])
            raise
        for name, state in states.items():
            if state is State.SKIPPED:
                self._end(name, State.SKIPPED)
        return self._finish(run, [state for state in states.values() if state is not State.SKIPPED])

    def run_one(self, step: str, ended: Mapping[str, StepRun]) -> State:
        """Execute one step alone; `ended` has what is recorded of the steps before it."""
        for name, run in ended.items():
            if run.state.is_good:
                outputs = {key: Value(artifact, self.engine.codec) for key, artifact in run.outputs.items()}
                self.results[name] = StepResult(run, outputs)
        return self._run(self._steps[step])

    def _run_node(self, node: Node) -> State:
        state = self._run(self._steps[node.name])
        if state is State.FAILED and self.plan.execution_mode is ExecutionMode.FAIL_FAST:
            raise _FailedFast  # the orchestrator ends what runs
        return state

    def _run(self, step: Step) -> State:
        try:
            call, body = self._call(step), self.bodies[step.name]
            if step.over:
                body, call = body_of(call, self.engine, self._run_items(body)), whole(call)
            result = run_sync(drive(call, self.engine), body)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a step's code raises is kept for the caller)
            if not any(error is known for known in self.errors.values()):  # that of an item is told already
                self.errors[step.name] = error
            if step.name not in self.ended:
                self._end(step.name, State.FAILED, failure_of(error))
            return State.FAILED
        self.results[step.name] = result
        return result.run.state

    def _run_items(self, body: Body) -> RunItems:
        """The items of a step go to the orchestrator as steps do; where it is an engine outside, they run in turn."""

        def run_items(items: Sequence[StepCall]) -> dict[str, Outcome]:
            outcomes: dict[str, Outcome] = {}
            calls = {item.step.name: item for item in items}

            def run_item(node: Node) -> State:
                outcomes[node.name] = found = self._run_item(calls[node.name], body)
                return found.run.state if isinstance(found, StepResult) else State.FAILED

            nodes = [Node(item.step.name, ()) for item in items]
            orchestrator = self.engine.orchestrator
            if not isinstance(orchestrator, InProcessOrchestrator):
                states = {node.name: run_item(node) for node in nodes}
            else:
                states = orchestrator.run(
                    nodes, run_item, company=self.company, fail_fast=self.fail_fast, stop=self._stop
                )
            for name in [name for name, state in states.items() if state is State.SKIPPED]:
                self._end(name, State.SKIPPED)
            return outcomes

        return run_items

    def _run_item(self, call: StepCall, body: Body) -> Outcome:
        name = call.step.name
        token = running_item.set(call)
        try:
            return run_sync(drive(call, self.engine), body)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (as with steps)
            self.errors[name] = error
            if name not in self.ended:
                self._end(name, State.FAILED, failure_of(error))
            return error
        finally:
            running_item.reset(token)

    def foresee(self) -> dict[str, Outlook]:
        """What would become of each step if it ran now; nothing is run or stored."""
        found: dict[str, Outlook] = {}
        for step in self.plan.steps:
            if any(found[need] is not Outlook.CACHED for need in step.needs if need in found):
                found[step.name] = Outlook.DEPENDS
                continue
            call = self._call(step)
            began = begun(call, self.engine)
            hit = look_up(call, self.engine, began.key)
            found[step.name] = Outlook.CACHED if isinstance(hit, CacheEntry) else Outlook.RUNS
            if isinstance(hit, CacheEntry):
                self.results[step.name] = reused(call, self.engine, began, hit)
        self.results.clear()
        return found

    def _call(self, step: Step) -> StepCall:
        captured = self.captured.get(step.name, {})
        if self._complete is not None:
            step, captured = self._complete(step, self.results)
        return StepCall(
            step,
            run_id=self.plan.run_id,
            pipeline=self.plan.pipeline,
            inputs={**self._edges(step), **captured},
            parameters=self._parameters(step),
            only_cached=step.name in self.plan.only_cached,
            resumes=self._resumes,
            apart=self.company is Company.APART,
            stop=self._stop,
        )

    def _emit(self, event: Event) -> None:
        if isinstance(event, StepEnded):
            self.ended[event.step.step] = event.step
        self._listener(event)

    def _edges(self, step: Step) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, source in step.inputs.items():
            if isinstance(source, FromStep):
                found[name] = self.results[source.step].outputs[source.output]
            elif isinstance(source, FromArtifact) and not source.metadata:
                found[name] = self.engine.recall(source)
        return found

    def _parameters(self, step: Step) -> dict[str, Any]:
        return {
            name: self._value_of(source)
            for name, source in step.inputs.items()
            if isinstance(source, (FromParameter, Literal)) or (isinstance(source, FromArtifact) and source.metadata)
        }

    def _value_of(self, source: FromParameter | Literal | FromArtifact) -> Any:
        if isinstance(source, FromArtifact):
            return self.engine.recall(source)
        return self.plan.parameters[source.name] if isinstance(source, FromParameter) else source.value

    def _end(self, name: str, state: State, failure: Failure | None = None) -> None:
        """Record a step that never came to run."""
        now = time.time()
        step = StepRun(self.plan.run_id, name, state, started_at=now, ended_at=now, failure=failure)
        self.engine.store.put_step(step)
        self.engine.emit(StepEnded(step))

    def _finish(self, run: Run, states: list[State]) -> Run:
        ended = replace(run, state=combined_state(states), ended_at=time.time(), steps=tuple(self.ended.values()))
        self.engine.store.put_run(ended)
        self.engine.emit(RunEnded(ended))
        return ended


def run_sync(driver: Driver, body: Body) -> StepResult:
    """Drive one step by calling its body; an awaitable result is run to its end."""
    try:
        inputs = next(driver)
        while True:
            try:
                produced = awaited(body(inputs))
            except BaseException as error:  # noqa: BLE001  (handed on, not kept)
                inputs = driver.throw(error)
            else:
                inputs = driver.send(produced)
    except StopIteration as stop:
        result: StepResult = stop.value
        return result
