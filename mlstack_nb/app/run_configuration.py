"""A run's configuration in a YAML file: options of the pipeline and of its steps, and parameters of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.parameters import read_file
from mlstack_nb.app.pipeline_options import RUN_OPTIONS, RunPlanning
from mlstack_nb.app.step_options import OPTIONS
from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.errors import UsageError, nearest

if TYPE_CHECKING:
    from mlstack_nb.app.pipeline_wiring import PipelineWiring
    from mlstack_nb.app.request import Request

_HOOK_SOURCES = {f"{moment}_hook_source": f"on_{moment}" for moment in ("start", "success", "failure", "end")}
"""ZenML's words in such files."""
_ELSEWHERE = {
    "schedule": "mlstack schedule create",
    "build": "the image of its stack's container registry, or settings: {docker: {image: ...}}",
}
_OF_FILE = tuple(name for name in RUN_OPTIONS if name not in ("config_path", "name", "step_configurations"))
_OF_STEP = tuple(name for name in OPTIONS if name != "tags")


@dataclass(frozen=True, slots=True)
class RunConfiguration:
    """What a file says: `options` of the pipeline, its `parameters`, and `arguments` of steps by the steps' names."""

    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path) -> RunConfiguration:
        """Raises UsageError for a file that can not be read, and for a key that means nothing, with the nearest one."""
        return cls.of(read_file(Path(path)), place=str(path))

    @classmethod
    def of(cls, data: Mapping[str, Any], *, place: str) -> RunConfiguration:
        _check_keys(data, (*_OF_FILE, "parameters", *_HOOK_SOURCES), place)
        steps: dict[str, dict[str, Any]] = {}
        arguments: dict[str, dict[str, Any]] = {}
        for name, part in _mapping(data, "steps", place).items():
            where = f"steps.{name} of {place}"
            given = dict(_mapping({name: part}, name, place))
            _check_keys(given, (*_OF_STEP, "parameters", "outputs", *_HOOK_SOURCES), where)
            arguments[name] = dict(_mapping(given, "parameters", where))
            materializers = _materializers(_mapping(given, "outputs", where), where)
            steps[name] = {**_options(given, where), **materializers}
        options = {**_options(data, place), "steps": steps}
        return cls(options, _mapping(data, "parameters", place), arguments)

    def over(self, planning: RunPlanning, pipeline: str) -> RunPlanning:
        """`planning` with what the file says. Raises UsageError for a value that is wrong."""
        changed = planning.changed(pipeline, self.options)
        arguments = {**planning.arguments, **{name: found for name, found in self.arguments.items() if found}}
        return replace(changed, parameters={**planning.parameters, **self.parameters}, arguments=arguments)


def function_configured(function: PipelineWiring[Any], request: Request) -> PipelineWiring[Any]:
    """A pipeline with what the request's file says; parameters that the request itself gives go before those there."""
    found = RunConfiguration.of(request.configuration, place=request.configured_by)
    given = {*request.values, *request.texts}
    found = replace(found, parameters={name: one for name, one in found.parameters.items() if name not in given})
    made = copy(function)
    made.planning = found.over(function.planning, function.name)
    return made


def pipeline_configured(pipeline: Pipeline, request: Request) -> Pipeline:
    """The pipeline of a notebook with what the request's file says of it. Raises UsageError for arguments of steps."""
    found = RunConfiguration.of(request.configuration, place=request.configured_by)
    planning = found.over(RunPlanning(), pipeline.name)
    for name, arguments in planning.arguments.items():
        raise UsageError(
            f"{request.configured_by} gives step {name!r} the parameter {next(iter(arguments))!r}, but the step is a "
            "cell, which takes the notebook's.",
            "Write it under `parameters:` of the file itself.",
        )
    planning.check_steps(pipeline.name, [step.name for step in pipeline.steps])
    return planning.graph(pipeline.name, [planning.configured(step) for step in pipeline.steps], pipeline.parameters)


def _options(data: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Those that are options as they are written, and those that have values of their own kind."""
    found = {name: value for name, value in data.items() if name in _OF_STEP or name in _OF_FILE}
    found |= {_HOOK_SOURCES[name]: data[name] for name in _HOOK_SOURCES if name in data}
    found.pop("steps", None)
    if isinstance(found.get("cache_policy"), Mapping):
        found["cache_policy"] = _made(CachePolicy, found["cache_policy"], f"cache_policy of {place}")
    if isinstance(found.get("model"), Mapping):
        found["model"] = _made(ModelSpec, found["model"], f"model of {place}")
    return found


def _made(kind: type[Any], given: Mapping[str, Any], place: str) -> Any:
    _check_keys(given, [field.name for field in fields(kind)], place)
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The {place} does not fit: {error}.", "Correct it in the file.") from error


def _materializers(outputs: Mapping[str, Any], place: str) -> dict[str, Any]:
    found = {}
    for name, given in outputs.items():
        _check_keys(_mapping(outputs, name, place), ("materializer_source",), f"outputs.{name} of {place}")
        found[name] = given["materializer_source"]
    return {"output_materializers": found} if found else {}


def _mapping(data: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    found = data.get(key)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise UsageError(
            f"{key!r} in {place} is {found!r}, which has no names.", "Write a line `name: value` for each."
        )
    return found


def _check_keys(data: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for name in data:
        if name in _ELSEWHERE and name not in (known := tuple(known)):
            raise UsageError(
                f"{place} has {name!r}, which is no option of a run.", f"For that there is {_ELSEWHERE[name]}"
            )
        if name not in (known := tuple(known)):
            near = nearest(str(name), known)
            hint = f"Did you mean {near!r}?" if near else f"Write one of: {', '.join(known)}."
            raise UsageError(f"{place} has {name!r}, which means nothing there.", hint)
