"""Beginning a run of a dynamic pipeline, by calling it or by its target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlstack_nb.app.dynamic.calls import DynamicWiring
from mlstack_nb.app.dynamic.run import DynamicRun, Manner
from mlstack_nb.app.outward import told
from mlstack_nb.app.pipeline_wiring import PipelineWiring
from mlstack_nb.app.process_steps import ProcessRun
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.step_output import Show, StepOutput
from mlstack_nb.core.events import Listener
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Body, Step
from mlstack_nb.errors import MlstackError, StepError, UsageError


def run_function(
    pipeline: PipelineWiring[Any], runtime: Runtime, parameters: Mapping[str, Any], manner: Manner | None = None
) -> tuple[Run, Mapping[str, BaseException]]:
    """Run it; returns the run and what each failed step raised. Raises what the pipeline's own function raises."""
    made = DynamicRun(runtime, pipeline, parameters, manner or Manner())
    run = made.run(DynamicWiring(configured=pipeline.planning.arguments, pipeline=pipeline, run=made))
    return run, made.errors


def check_request(request: Request, pipeline: str) -> None:
    """Raises UsageError for a part of it: which steps it has is not known before."""
    if request.first or request.only or request.until:
        what = f"Pipeline {pipeline!r} is dynamic: a part of it can not be chosen before it runs."
        raise UsageError(what, "Run all of it: what has not changed comes from the cache.")


def run_target(
    pipeline: PipelineWiring[Any],
    runtime: Runtime,
    parameters: Mapping[str, Any],
    request: Request,
    *,
    listener: Listener,
    show: Show,
    stop: threading.Event,
    is_apart: bool,
) -> tuple[Run, Mapping[str, BaseException]]:
    """Carry out what `request` asks for; `is_apart` gives each step a process. `show` gets what steps print."""
    output = StepOutput(request.run_id, runtime.workspace.root / "logs", runtime.engine.store, show)
    processes = ProcessRun(runtime, pipeline.name, stop) if is_apart else None
    manner = Manner(
        run_id=request.run_id,
        launch=request.to_json(),
        listener=listener,
        around=_around(output, processes),
        is_apart=is_apart,
        use_cache=request.use_cache,
        fail_fast=request.fail_fast,
        stop=stop,
    )
    with output.caught(), _told_as_ours(pipeline.name):
        return run_function(pipeline, runtime, parameters, manner)


def _around(output: StepOutput, processes: ProcessRun | None) -> Callable[[Step, Body], Body]:
    def around(step: Step, body: Body) -> Body:
        inner = body if processes is None else processes.body(step, body)
        unkept = {step.name} if step.settings.logs is False else set[str]()
        return output.of({step.name: inner}, unkept=unkept)[step.name]

    return around


@contextmanager
def _told_as_ours(pipeline: str) -> Iterator[None]:
    """What the pipeline's own code raises is told as the code of steps is."""
    try:
        yield
    except MlstackError:
        raise
    except Exception as error:
        raise StepError(
            f"The code of pipeline {pipeline!r} failed:\n{told(error)}", "Mend it, and run it again."
        ) from error
