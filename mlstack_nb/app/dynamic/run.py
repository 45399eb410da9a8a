"""A run of a dynamic pipeline: its steps join it as they are called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from mlstack_nb.app.dynamic.arguments import Arguments
from mlstack_nb.app.dynamic.crew import Crew
from mlstack_nb.app.dynamic.outputs import WAKE_S, StepFuture
from mlstack_nb.app.loaded_code import check_loaded, modules_of
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.app.step_wiring import Wiring, wiring
from mlstack_nb.core.events import Event, Listener, RunEnded, RunStarted, StepEnded, StepsAdded
from mlstack_nb.core.naming import with_names
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Failure, Run, State, StepRun, combined_state
from mlstack_nb.core.step import Body, Step
from mlstack_nb.engine.calls import StepCall, StepResult
from mlstack_nb.engine.execute import run_sync
from mlstack_nb.engine.masking import failure_of
from mlstack_nb.engine.runner import drive
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.orchestrator import Company, InProcessOrchestrator


@dataclass(frozen=True, slots=True)
class Call:
    """A step that has been called; `after` are the futures that it waits for, beside those of its arguments."""

    step: Step
    arguments: Arguments
    body: Body
    after: Sequence[StepFuture] = ()

    @property
    def waits(self) -> list[Future[StepResult]]:
        return [future.ended for future in (*self.arguments.awaited, *self.after)]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a dynamic pipeline is run. `around` is put around every body, which with `is_apart` loads its inputs itself;
    `launch` is how the run was asked for, so that it can be resumed.
    """

    run_id: str = ""
    launch: Mapping[str, Any] = field(default_factory=dict)
    listener: Listener | None = None
    around: Callable[[Step, Body], Body] | None = None
    is_apart: bool = False
    use_cache: bool = True
    fail_fast: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class DynamicRun:
    """Afterwards `errors` has what each step raised, unless the pipeline's own code was told and went on."""

    def __init__(
        self, runtime: Runtime, pipeline: PipelineWiring[Any], parameters: Mapping[str, Any], manner: Manner
    ) -> None:
        """Raises ConfigError where steps run outside this process, and what can not be in any run."""
        orchestrator = runtime.engine.orchestrator
        if not isinstance(orchestrator, InProcessOrchestrator):
            raise ConfigError(
                f"Pipeline {pipeline.name!r} is dynamic: its steps are not known before it runs, and stack "
                f"{runtime.stack.name!r} hands them to {orchestrator.name!r} outside this process.",
                "Run it on a stack with a local orchestrator: --stack NAME",
            )
        self.runtime = runtime
        self.pipeline = pipeline
        self.manner = manner
        self.errors: dict[str, BaseException] = {}
        graph = pipeline.planning.graph(pipeline.name, [], parameters)
        run_id = manner.run_id or new_run_id()
        self._plan = Plan.of(graph, stack=runtime.stack, run_id=run_id, launch=manner.launch)
        runtime.check(self._plan)
        mode = self._plan.execution_mode
        self._fail_fast = manner.fail_fast or (mode is not None and mode.stops)
        self._engine = replace(runtime.engine, emit=self._emit)
        self._crew: Crew[StepResult] = Crew(orchestrator.workers(Company.SUBMITTED) or 1, manner.stop)
        self._steps: list[Step] = []
        self._ended: dict[str, StepRun] = {}
        self._told: list[BaseException] = []
        self._checked: set[str] = set()

    def run(self, wired: Wiring) -> Run:
        """Run the pipeline's function, then wait for what it submitted. Raises what the function itself raises,
        and KeyboardInterrupt; what a step raised is in `errors`.
        """
        run = self._begun()
        raised: BaseException | None = None
        try:
            try:
                self._carry_out_function(wired)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it is raised when the others have ended
                raised = error
            self._crew.join()
        except BaseException:
            self._crew.interrupt()
            self._finish(run, State.CANCELLED)
            raise
        finally:
            self._crew.close()
        is_of_step = raised is not None and any(raised is error for error in self.errors.values())
        known = [error for error in self._told if not (is_of_step and error is raised)]
        handled = {name for name, error in self.errors.items() if any(error is one for one in known)}
        self.errors = {name: error for name, error in self.errors.items() if name not in handled}
        ended = self._finish(run, self._state(handled, is_failed=raised is not None or bool(self.errors)))
        if raised is not None and not is_of_step:
            raise raised
        return ended

    def call(self, call: Call) -> StepResult:
        """Run a step here and now. Raises what it raises, or what a step raised that it needs."""
        while waiting := [one for one in call.waits if not one.done()]:
            wait(waiting, timeout=WAKE_S)
        try:
            return self._carry_out(call)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is raised again
            self.tell(error)

    def submit(self, call: Call) -> StepFuture:
        """Run a step when those that it needs have ended, and a thread is free."""
        ended = self._crew.submit(lambda: self._carry_out(call), after=call.waits)
        return StepFuture(call.step.name, [one.name for one in call.step.outputs], ended, told=self.tell)

    def tell(self, error: BaseException) -> NoReturn:
        """Raise an error where the pipeline's own code may deal with it."""
        self._told.append(error)
        raise error

    def add(self, steps: Sequence[Step]) -> None:
        """Let all who follow the run know of steps that are about to run. Raises ConfigError and StaleCodeError."""
        for step in steps:
            code = step.fingerprint.digest
            if code not in self._checked:
                self.runtime.check(replace(self._plan, steps=(step,), tags=()))
                check_loaded(dict.fromkeys(modules_of(step.fingerprint), step.name))
                self._checked.add(code)
        self._steps += steps
        if steps:
            self._engine.emit(StepsAdded(self._plan.run_id, tuple(steps)))

    def configured(self, step: Step) -> Step:
        """The step with what the pipeline and the run say of all of them."""
        step = with_names(self.pipeline.configured(step), run_id=self._plan.run_id)
        return step if self.manner.use_cache else replace(step, settings=replace(step.settings, cache=False))

    def _carry_out_function(self, wired: Wiring) -> None:
        token = wiring.set(wired)
        try:
            self.pipeline.function(**self._plan.parameters)
        finally:
            wiring.reset(token)

    def _carry_out(self, call: Call) -> StepResult:
        step = call.step
        for future in (*call.arguments.awaited, *call.after):
            if (error := future.ended.exception()) is not None:
                self._end(step.name, State.SKIPPED)
                raise error
        if self._fail_fast and self.errors:
            self._end(step.name, State.SKIPPED)
            raise next(iter(self.errors.values()))
        token = wiring.set(None)  # a step that the body calls is a function
        try:
            given = StepCall(
                step,
                self._plan.run_id,
                self._plan.pipeline,
                inputs=call.arguments.values(self._engine.recall),
                parameters=call.arguments.plain(self._engine.recall),
                resumes=frozenset(self._plan.launch.get("resumes", ())),
                apart=self.manner.is_apart,
                stop=self.manner.stop,
            )
            body = call.arguments.around(call.body)
            around = self.manner.around
            return run_sync(drive(given, self._engine), body if around is None else around(step, body))
        except (Exception, SystemExit) as error:
            self.errors[step.name] = error
            if step.name not in self._ended:
                self._end(step.name, State.FAILED, failure_of(error))
            raise
        finally:
            wiring.reset(token)

    def _state(self, handled: set[str], *, is_failed: bool) -> State:
        """Of steps that failed and were dealt with, and those that were skipped for them, the run says nothing."""
        if is_failed:
            return State.FAILED
        states = [run.state for name, run in self._ended.items() if name not in handled]
        return combined_state([state for state in states if state is not State.SKIPPED]) if states else State.COMPLETED

    def _begun(self) -> Run:
        plan = self._plan
        run = Run(
            plan.run_id,
            plan.pipeline,
            plan.stack.name,
            State.RUNNING,
            time.time(),
            mode=plan.mode,
            parameters=plan.parameters,
            name=plan.run_name,
        )
        self._engine.store.put_plan(plan)
        self._engine.emit(RunStarted(run, plan))
        return run

    def _finish(self, run: Run, state: State) -> Run:
        self._plan = replace(self._plan, steps=tuple(self._steps))
        self._engine.store.put_plan(self._plan)
        ended = replace(run, state=state, ended_at=time.time(), steps=tuple(self._ended.values()))
        self._engine.store.put_run(ended)
        self._engine.emit(RunEnded(ended))
        return ended

    def _end(self, name: str, state: State, failure: Failure | None = None) -> None:
        """Record a step that never came to run."""
        now = time.time()
        step = StepRun(self._plan.run_id, name, state, started_at=now, ended_at=now, failure=failure)
        self._engine.store.put_step(step)
        self._engine.emit(StepEnded(step))

    def _emit(self, event: Event) -> None:
        if isinstance(event, StepEnded):
            self._ended[event.step.step] = event.step
        self.runtime.engine.emit(event)
        if self.manner.listener is not None:
            self.manner.listener(event)
