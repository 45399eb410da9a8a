"""The run that cells executed one by one belong to."""

from __future__ import annotations

import time
from dataclasses import replace

from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.core.events import RunEnded, RunStarted
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, State, StepRun, combined_state


class LiveRun:
    """One after the other: a run lasts until a step that is in it is executed again, or stack or name change.

    After each cell the run reads as ended; the next cell opens it again. So *Run All* is one run, and nothing
    needs to be told that a notebook is finished.
    """

    def __init__(self) -> None:
        self._run: Run | None = None

    def open(self, step: str, pipeline: Pipeline, runtime: Runtime) -> Run:
        """The run that `step` is about to be executed in. `pipeline` has every step so far, `step` included."""
        run = self._run
        done = {known.step for known in run.steps} if run else set()
        if run is None or step in done or (run.stack, run.pipeline) != (runtime.stack.name, pipeline.name):
            run = Run(
                id=new_run_id(),
                pipeline=pipeline.name,
                stack=runtime.stack.name,
                state=State.RUNNING,
                started_at=time.time(),
                mode="interactive",
                parameters=pipeline.parameters,
            )
        self._run = run = replace(run, state=State.RUNNING, ended_at=None)
        plan = Plan(run.id, pipeline.name, runtime.stack, pipeline.steps, pipeline.parameters, mode=run.mode)
        runtime.engine.store.put_plan(plan)
        runtime.engine.emit(RunStarted(run, plan))
        return run

    def close(self, step: StepRun | None, runtime: Runtime) -> None:
        """`step` has ended; None when it never began."""
        if self._run is None:
            return
        steps = (*self._run.steps, step) if step is not None else self._run.steps
        state = combined_state([known.state for known in steps])
        self._run = replace(self._run, state=state, ended_at=time.time(), steps=steps)
        runtime.engine.store.put_run(self._run)
        runtime.engine.emit(RunEnded(self._run))

    def leave(self) -> None:
        """The next cell begins a new run."""
        self._run = None
