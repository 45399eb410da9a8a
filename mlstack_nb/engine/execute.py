"""Executing a whole plan: hands the orchestrator its nodes, and runs each with the step runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepEnded
from mlstack_nb.core.plan import Node, Plan
from mlstack_nb.core.run import Failure, Run, State, StepRun, combined_state
from mlstack_nb.core.step import Body, FromParameter, FromStep, Literal, Step
from mlstack_nb.engine.calls import Engine, StepCall, StepResult, begun
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
        self.fail_fast = fail_fast
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
        )
        self.engine.store.put_plan(plan)
        self.engine.emit(RunStarted(run, plan))
        try:
            states = orchestrator.run(
                plan.nodes, self._run_node, company=self.company, fail_fast=self.fail_fast, stop=self._stop
            )
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
        return self._run(self._steps[node.name])

    def _run(self, step: Step) -> State:
        try:
            result = run_sync(drive(self._call(step), self.engine), self.bodies[step.name])
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a step's code raises is kept for the caller)
            self.errors[step.name] = error
            if step.name not in self.ended:
                self._end(step.name, State.FAILED, Failure.of(error))
            return State.FAILED
        self.results[step.name] = result
        return result.run.state

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
        )

    def _emit(self, event: Event) -> None:
        if isinstance(event, StepEnded):
            self.ended[event.step.step] = event.step
        self._listener(event)

    def _edges(self, step: Step) -> dict[str, Value]:
        return {
            name: self.results[source.step].outputs[source.output]
            for name, source in step.inputs.items()
            if isinstance(source, FromStep)
        }

    def _parameters(self, step: Step) -> dict[str, Any]:
        return {
            name: self._value_of(source)
            for name, source in step.inputs.items()
            if isinstance(source, (FromParameter, Literal))
        }

    def _value_of(self, source: FromParameter | Literal) -> Any:
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


def awaited(produced: Any) -> Any:
    """The result of an awaitable, found in another thread where a loop runs in this one; anything else as it is."""
    if not isinstance(produced, Awaitable):
        return produced
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    async def whole() -> Any:
        return await produced

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, whole()).result()
