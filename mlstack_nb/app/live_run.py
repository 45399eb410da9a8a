"""The run that cells executed one by one belong to."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.catalog.runs import get_run
from mlstack_nb.core.events import RunEnded, RunStarted
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, State, StepRun, combined_state
from mlstack_nb.errors import NotFoundError

WHOLE_RUN_VARIABLE = "MLSTACK_WHOLE_RUN"
"""The run that executes the whole notebook of a kernel: what its cells run are steps of that run."""


class LiveRun:
    """One after the other: a run lasts until a step that is in it is executed again, or stack or name change.

    After each cell the run reads as ended; the next cell opens it again. So *Run All* is one run, and nothing
    needs to be told that a notebook is finished. Where a run executes the whole notebook, it is that one throughout.
    """

    def __init__(self) -> None:
        self._run: Run | None = None
        self._outer = os.environ.pop(WHOLE_RUN_VARIABLE, "")  # it is not meant for notebooks that this one runs
        self._is_inside = False

    def open(self, step: str, pipeline: Pipeline, runtime: Runtime) -> Run:
        """The run that `step` is about to be executed in. `pipeline` has every step so far, `step` included."""
        outer = self._outer_run(runtime)
        self._is_inside = outer is not None
        if outer is not None:
            plan = Plan(outer.id, pipeline.name, runtime.stack, pipeline.steps, pipeline.parameters, mode=outer.mode)
            runtime.recorder.join(outer, plan)
            return outer
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
        if self._is_inside:
            if step is not None and step.state is State.CACHED:
                runtime.engine.store.put_step(step)  # the run's own record is written by who began it
            runtime.recorder.flush()
            return
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

    def _outer_run(self, runtime: Runtime) -> Run | None:
        """None also where this catalog does not know it, or another stack was chosen inside."""
        if not self._outer:
            return None
        try:
            run = get_run(runtime.catalog, self._outer)
        except NotFoundError:
            self._outer = ""
            return None
        return run if run.stack == runtime.stack.name else None
