"""Launching a run by its target: what `mlstack run` and `mlstack resume` do, for any surface."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.parameters import declared_by, typed
from mlstack_nb.app.runtime import Runtime, new_run_id
from mlstack_nb.app.step_output import Show, StepOutput
from mlstack_nb.app.targets import find_function, is_notebook
from mlstack_nb.catalog import runs as rows
from mlstack_nb.catalog.step_history import last_durations
from mlstack_nb.core.events import Listener
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Body
from mlstack_nb.engine.execute import Complete, Execution
from mlstack_nb.errors import ConflictError, ObjectMissingError, UsageError
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.source.functions import signature_of

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace


THREAD, PROCESS, KERNEL = "thread", "process", "kernel"
"""How a step's code is kept apart. Steps of notebooks have kernels; functions threads, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Request:
    """How a run is asked for; all but the target may be left to its default.

    `texts` are parameters as they were typed, `values` those with a type of their own. `resumes` are ids of earlier
    runs whose results are good enough. The run starts at step `first`, is `only` one, or ends with step `until`.
    """

    target: str
    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    stack: str | None = None
    first: str = ""
    only: str = ""
    until: str = ""
    use_cache: bool = True
    fail_fast: bool = False
    whole: bool = False
    timeout_s: float | None = None
    isolation: str = ""
    run_id: str = ""
    resumes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "run_id"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Request:
        known = {one.name for one in fields(cls)}
        return cls(**{**{k: v for k, v in data.items() if k in known}, "resumes": tuple(data.get("resumes", ()))})


@dataclass(frozen=True, slots=True)
class Launch:
    """A run that is ready to begin. `only_cached` names its steps that are not to run."""

    request: Request
    runtime: Runtime
    pipeline: Pipeline
    bodies: Mapping[str, Body]
    only_cached: frozenset[str]
    company: Company = Company.IN_THREADS
    complete: Complete | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    close: Callable[[], None] = lambda: None

    def execution(self, listener: Listener | None = None) -> Execution:
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

    def run(self, listener: Listener, show: Show) -> tuple[Run, Mapping[str, BaseException]]:
        """Carry it out; returns the run and what each failed step raised. `show` gets what steps print."""
        folder = self.runtime.workspace.root / "logs"
        output = StepOutput(self.request.run_id, folder, self.runtime.engine.store, show)
        execution = replace(self, bodies=output.of(self.bodies)).execution(listener)
        try:
            with output.caught():
                return execution.run(), execution.errors
        finally:
            self.close()

    def usual_times(self) -> dict[str, float]:
        """Step -> seconds that its code took when it ran last."""
        return last_durations(self.runtime.catalog, self.pipeline.name)


def prepare(request: Request) -> Launch:
    """Find the target and wire it. Raises MlstackError for what can not run, and what importing the target raises."""
    request = replace(request, run_id=request.run_id or new_run_id())
    runtime = Runtime.current(stack=request.stack)
    if is_notebook(request.target):
        _check_isolation(request, possible=(KERNEL,))
        return _of_notebook(request, runtime)
    _check_isolation(request, possible=(THREAD, PROCESS))
    function = find_function(request.target)
    declared = signature_of(function.function).parameters
    parameters = typed({**request.values, **request.texts}, declared, of=request.target, texts=request.texts)
    pipeline, bodies = function.build(**parameters)
    part, only_cached = pipeline.part(first=request.first, only=request.only, until=request.until)
    part = part if request.use_cache else part.without_cache()
    launch = Launch(request, runtime, part, bodies, only_cached)
    return _in_processes(launch) if request.isolation == PROCESS else launch


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
    from mlstack_nb.app.notebooks.runs import NotebookRun

    notebook = compile_notebook(request.target, whole=request.whole)
    given = {**request.values, **request.texts}
    if given:
        declared = [declared_by(one) for one in notebook.parameters.values()]
        values = typed(given, declared, of=request.target, texts=request.texts)
        notebook = compile_notebook(request.target, values, whole=request.whole)
    part, only_cached = notebook.pipeline.part(first=request.first, only=request.only, until=request.until)
    stop = threading.Event()
    run = NotebookRun(notebook, runtime, request.run_id, stop, request.timeout_s)
    bodies = {step.name: run.body(notebook.step(step.name)) for step in part.steps}
    part = part if request.use_cache else part.without_cache()
    return Launch(request, runtime, part, bodies, only_cached, Company.APART, run.complete, stop, run.close)


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
    run = rows.get_run(workspace.catalog, reference)
    request = launch_of(workspace, run)
    if request is None:
        raise UsageError(
            f"Run {run.id} was not started by `mlstack run`, so it can not be resumed.",
            "Run its notebook or script again: what ended well comes from the cache.",
        )
    if not run.state.is_final:
        raise ConflictError(f"Run {run.id} is still going on.", f"Stop it first: mlstack cancel {run.id}")
    return replace(request, stack=run.stack, resumes=(*request.resumes, run.id))
