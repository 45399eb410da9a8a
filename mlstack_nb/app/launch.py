"""Launching a run by its target: what `mlstack run` and `mlstack resume` do, for any surface."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlstack_nb.app.parameters import declared_by, typed
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.app.step_output import Show, StepOutput
from mlstack_nb.app.targets import find_function, is_notebook
from mlstack_nb.core.events import Listener
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run, State, StepRun
from mlstack_nb.core.step import Body
from mlstack_nb.engine.execute import Complete, Execution
from mlstack_nb.errors import ConflictError, ObjectMissingError, UsageError
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.ports.registry import load_target
from mlstack_nb.source.functions import signature_of

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.app.pipeline_wiring import PipelineWiring
    from mlstack_nb.app.workspace import Workspace

Ended = TypeVar("Ended")
THREAD, PROCESS, KERNEL = "thread", "process", "kernel"
"""How a step's code is kept apart. Steps of notebooks have kernels; functions threads, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A run that is ready to begin. `only_cached` names its steps that are not to run.

    `documents` are the contents of files that count in place of what is on disk, where it is handed to an engine. The
    steps of a `dynamic` pipeline are not known before it runs.
    """

    request: Request
    runtime: Runtime
    pipeline: Pipeline
    bodies: Mapping[str, Body]
    only_cached: frozenset[str]
    company: Company = Company.IN_THREADS
    complete: Complete | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    close: Callable[[], None] = lambda: None
    documents: Mapping[Path, bytes] = field(default_factory=dict)
    dynamic: PipelineWiring[Any] | None = None

    def execution(self, listener: Listener | None = None) -> Execution:
        if self.dynamic is not None:
            what = f"Pipeline {self.dynamic.name!r} is dynamic: what it runs is known when it runs."
            raise UsageError(what, "Run it, on a stack with a local orchestrator.")
        return self.runtime.execution(
            self.pipeline,
            self.bodies,
            listener=listener,
            company=self.company,
            fail_fast=self.request.fail_fast,
            run_id=self.request.run_id,
            launch=self.request.to_json(),
            only_cached=self.only_cached,
            complete=self.complete,
            stop=self.stop,
        )

    @property
    def is_remote(self) -> bool:
        """Whether an engine outside carries it out."""
        return self.runtime.is_remote

    def submit(self) -> Run:
        """Hand it to its stack's engine, and return at once. Raises ConfigError, or UsageError for what can not go."""
        from mlstack_nb.app.remote.submit import submit

        try:
            return submit(self.runtime, self.execution().plan, self.request, self.documents)
        finally:
            self.close()

    def run(self, listener: Listener, show: Show) -> tuple[Run, Mapping[str, BaseException]]:
        """Carry it out; returns the run and what each failed step raised. `show` gets what steps print.

        An engine outside is watched until it is done: KeyboardInterrupt ends the watching alone.
        """
        if self.dynamic is not None:
            from mlstack_nb.app.dynamic.launching import run_target

            place = self.dynamic, self.runtime, self.pipeline.parameters, self.request
            is_apart = self.request.isolation == PROCESS
            return run_target(*place, listener=listener, show=show, stop=self.stop, is_apart=is_apart)
        if self.is_remote:
            from mlstack_nb.app.remote.watch import watch

            return watch(self.runtime, self.submit().id, listener, show)
        return self._carried_out(Execution.run, listener, show)

    def run_one(
        self, step: str, ended: Mapping[str, StepRun], listener: Listener, show: Show
    ) -> tuple[State, Mapping[str, BaseException]]:
        """Carry out one step of it here, wherever the others are; `ended` has what is recorded of those before it."""
        return self._carried_out(lambda execution: execution.run_one(step, ended), listener, show)

    def _carried_out(
        self, carry_out: Callable[[Execution], Ended], listener: Listener, show: Show
    ) -> tuple[Ended, Mapping[str, BaseException]]:
        folder = self.runtime.workspace.root / "logs"
        output = StepOutput(self.request.run_id, folder, self.runtime.engine.store, show)
        complete = output.of_values(self.complete) if self.complete is not None else None
        unkept = {step.name for step in self.pipeline.steps if step.settings.logs is False}
        bodies = output.of(self.bodies, unkept=unkept)
        execution = replace(self, bodies=bodies, complete=complete).execution(listener)
        try:
            with output.caught():
                return carry_out(execution), execution.errors
        finally:
            self.close()


def prepare(request: Request) -> Launch:
    """Find the target and wire it. Raises MlstackError for what can not run, and what importing the target raises."""
    request = replace(request, run_id=request.run_id or new_run_id())
    _switch_on(request.compat)
    runtime = Runtime.current(stack=request.stack)
    if is_notebook(request.target):
        _check_isolation(request, possible=(KERNEL,))
        return _of_notebook(request, runtime)
    _check_isolation(request, possible=(THREAD, PROCESS))
    function = find_function(request.target)
    if request.configuration:
        from mlstack_nb.app.run_configuration import function_configured

        function = function_configured(function, request)
    declared = signature_of(function.function).parameters
    parameters = typed({**request.values, **request.texts}, declared, of=request.target, texts=request.texts)
    if function.is_dynamic:
        from mlstack_nb.app.dynamic.launching import check_request

        check_request(request, function.name)
        pipeline = Pipeline(function.name, (), function.bound((), parameters))
        return Launch(request, runtime, pipeline, {}, frozenset(), dynamic=function)
    pipeline, bodies = function.build(**parameters)
    request = _as_planned(request, pipeline)
    part, only_cached = pipeline.part(first=request.first, only=request.only, until=request.until)
    part = part if request.use_cache else part.without_cache()
    launch = Launch(request, runtime, part, bodies, only_cached)
    return _in_processes(launch) if request.isolation == PROCESS else launch


def _as_planned(request: Request, pipeline: Pipeline) -> Request:
    """With what the pipeline says of steps that fail, which engines outside hear of by the request alone."""
    mode = pipeline.execution_mode
    return replace(request, fail_fast=True) if mode is not None and mode.stops else request


def _in_processes(launch: Launch) -> Launch:
    from mlstack_nb.app.process_steps import ProcessRun

    run = ProcessRun(launch.runtime, launch.pipeline.name, launch.stop)
    bodies = {step.name: run.body(step, launch.bodies[step.name]) for step in launch.pipeline.steps}
    return replace(launch, bodies=bodies, company=Company.APART)


def _check_isolation(request: Request, *, possible: tuple[str, ...]) -> None:
    if request.isolation not in ("", *possible):
        raise UsageError(
            f"The steps of {request.target} can not be isolated by {request.isolation!r}.",
            f"Choose {' or '.join(possible)}, or leave --isolation out.",
        )


def _of_notebook(request: Request, runtime: Runtime) -> Launch:
    from mlstack_nb.app.notebooks.compile import compile_notebook

    def compiled(given: Mapping[str, Any] | None) -> CompiledNotebook:
        return compile_notebook(request.target, given, whole=request.whole)

    return launch_of_notebook(with_parameters(compiled, request), request, runtime)


def with_parameters(
    compiled: Callable[[Mapping[str, Any] | None], CompiledNotebook], request: Request
) -> CompiledNotebook:
    """The notebook with the parameters that are asked for, of the types that it declares."""
    notebook = compiled(None)
    given = {**(request.configuration.get("parameters") or {}), **request.values, **request.texts}
    if not given:
        return notebook
    declared = [declared_by(one) for one in notebook.parameters.values()]
    return compiled(typed(given, declared, of=request.target, texts=request.texts))


def launch_of_notebook(notebook: CompiledNotebook, request: Request, runtime: Runtime) -> Launch:
    """A run of a notebook that has been compiled, with the parameters that `request` asks for."""
    from mlstack_nb.app.notebooks.runs import NotebookRun

    if not request.compat and notebook.compat:
        request = replace(request, compat=notebook.compat)
        _switch_on(request.compat)
    pipeline = notebook.pipeline
    if request.configuration:
        from mlstack_nb.app.run_configuration import pipeline_configured

        pipeline = pipeline_configured(pipeline, request)
    request = _as_planned(request, pipeline)
    part, only_cached = pipeline.part(first=request.first, only=request.only, until=request.until)
    stop = threading.Event()
    run = NotebookRun(notebook, runtime, request.run_id, stop, request.timeout_s, request.use_cache)
    bodies = {step.name: run.body(replace(notebook.step(step.name), step=step)) for step in part.steps}
    part = part if request.use_cache else part.without_cache()
    return Launch(request, runtime, part, bodies, only_cached, Company.APART, run.complete, stop, run.close)


def _switch_on(compat: str) -> None:
    if compat:
        load_target("mlstack_nb.compat:switch_on")(compat)  # on a floor above: known by its name


def launch_of(workspace: Workspace, run: Run) -> Request | None:
    """How a run was asked for; None for one that a notebook or a script began by itself."""
    store = Runtime.current(workspace=workspace, stack=run.stack).engine.store
    try:
        plan = json.loads(store.files.read(f"runs/{run.id}/plan.json"))
    except ObjectMissingError:
        return None
    asked = plan.get("launch")
    return Request.from_json(asked) if asked else None


def resumed(workspace: Workspace, reference: str) -> Request:
    """The request that goes on where a run ended. Raises NotFoundError, or UsageError where it can not be."""
    run = find_run(workspace, reference)
    request = launch_of(workspace, run)
    if request is None:
        raise UsageError(
            f"Run {run.id} was not started by `mlstack run`, so it can not be resumed.",
            "Run its notebook or script again: what ended well comes from the cache.",
        )
    if not run.state.is_final:
        raise ConflictError(f"Run {run.id} is still going on.", f"Stop it first: mlstack cancel {run.id}")
    return replace(request, stack=run.stack, resumes=(*request.resumes, run.id))
