"""Launching a run by its target: what `mlstack run` and `mlstack resume` do, for any surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from mlstack_nb.app.parameters import typed
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.targets import find_function
from mlstack_nb.core.events import Listener
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Body
from mlstack_nb.engine.execute import Execution
from mlstack_nb.errors import NotFoundError
from mlstack_nb.ports.orchestrator import Company
from mlstack_nb.source.functions import signature_of


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
        )


def prepare(request: Request) -> Launch:
    """Find the target and wire it. Raises MlstackError for what can not run, and what importing the target raises."""
    runtime = Runtime.current(stack=request.stack)
    function = find_function(request.target)
    declared = signature_of(function.function).parameters
    parameters = typed({**request.values, **request.texts}, declared, of=request.target, texts=request.texts)
    pipeline, bodies = function.build(**parameters)
    part, only_cached = pipeline.part(first=request.first, only=request.only, until=request.until)
    return Launch(request, runtime, _cached_as_asked(part, request), bodies, only_cached)


def resumed(plan: Mapping[str, Any], run: Run) -> Request:
    """The request that goes on where `run` ended, from its plan. Raises NotFoundError when it was not launched so."""
    asked = plan.get("launch")
    if not asked:
        raise NotFoundError(
            f"Run {run.id} was not started by `mlstack run`, so it can not be resumed.",
            "Run its notebook or script again: what ended well comes from the cache.",
        )
    request = Request.from_json(asked)
    return replace(request, stack=run.stack, resumes=(*request.resumes, run.id))


def _cached_as_asked(pipeline: Pipeline, request: Request) -> Pipeline:
    if request.use_cache:
        return pipeline
    steps = (replace(step, settings=replace(step.settings, cache=False)) for step in pipeline.steps)
    return replace(pipeline, steps=tuple(steps))
