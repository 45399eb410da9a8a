"""A plan: pipeline + parameter values + stack snapshot + code snapshot; immutable, and JSON when stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.naming import filled, with_names
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.core.step import (
    Captured,
    Fingerprint,
    FromArtifact,
    FromParameter,
    FromStep,
    Literal,
    Output,
    Over,
    Resources,
    Settings,
    Source,
    Step,
)
from mlstack_nb.core.tag import of_plain, to_plain
from mlstack_nb.core.types import shown

VERSION = 1


@dataclass(frozen=True, slots=True)
class Node:
    """What an orchestrator needs to know of a step: plain data, no code.

    Outside this process `command` is run, with `environment` added to what is there. A first word `python` stands for
    the interpreter that the engine has where the node runs.
    """

    name: str
    needs: tuple[str, ...]
    retries: int = 0
    timeout_s: float | None = None
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    resources: Resources = field(default_factory=Resources, hash=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` are in an order that respects every edge. `launch` is how the run was asked for, as JSON: with it the
    run can be resumed. A step in `only_cached` does not run; its result must be in the cache. `run_name`, `tags`,
    `extra` and `model` are what the pipeline says of its runs.
    """

    run_id: str
    pipeline: str
    stack: Stack
    steps: tuple[Step, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "pipeline"
    launch: Mapping[str, Any] = field(default_factory=dict)
    only_cached: frozenset[str] = frozenset()
    run_name: str = ""
    execution_mode: ExecutionMode | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None
    tags: tuple[Any, ...] = ()

    @classmethod
    def of(
        cls,
        pipeline: Pipeline,
        *,
        stack: Stack,
        run_id: str,
        launch: Mapping[str, Any] | None = None,
        only_cached: frozenset[str] = frozenset(),
    ) -> Plan:
        """Names of outputs and of the run are filled. Raises GraphError and its kin when the steps do not fit together,
        UsageError for a placeholder without a value.
        """
        of = f"the runs of pipeline {pipeline.name!r}"
        return cls(
            run_id,
            pipeline.name,
            stack,
            tuple(with_names(step, run_id=run_id) for step in pipeline.ordered()),
            pipeline.parameters,
            launch=launch or {},
            only_cached=only_cached,
            run_name=filled(pipeline.run_name, pipeline.substitutions, run_id=run_id, of=of),
            execution_mode=pipeline.execution_mode,
            extra=pipeline.extra,
            model=pipeline.model,
            tags=pipeline.tags,
        )

    @property
    def nodes(self) -> list[Node]:
        return [
            Node(s.name, s.needs, s.settings.retries, s.settings.timeout_s, resources=s.settings.resources)
            for s in self.steps
        ]

    def to_json(self) -> str:
        return json.dumps(
            {
                "version": VERSION,
                "run_id": self.run_id,
                "pipeline": self.pipeline,
                "mode": self.mode,
                "parameters": {name: shown(value) for name, value in self.parameters.items()},
                "stack": self.stack.snapshot(),
                "launch": dict(self.launch),
                **self._said(),
                "steps": [_step_json(step, self.pipeline) for step in self.steps],
            }
        )

    def _said(self) -> dict[str, Any]:
        """What the pipeline says of its runs, as far as it says anything."""
        said = {
            "run_name": self.run_name,
            "execution_mode": self.execution_mode and self.execution_mode.value,
            "extra": _kept(self.extra),
            "tags": [to_plain(tag) for tag in self.tags],
            "model": self.model and self.model.to_json(),
        }
        return {name: value for name, value in said.items() if value}

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """As far as a record tells: steps have no code, types and values, components no secrets."""
        data = json.loads(text)
        stack = data["stack"]
        parts = (
            Component(Kind(kind), part["flavor"], part["name"], part["configuration"])
            for kind, part in stack["components"].items()
        )
        return cls(
            data["run_id"],
            data["pipeline"],
            Stack(stack["name"], tuple(parts)),
            tuple(_step_of(step) for step in data["steps"]),
            mode=data["mode"],
            launch=data["launch"],
            run_name=data.get("run_name", ""),
            tags=tuple(map(of_plain, data.get("tags", ()))),
            model=_model_of(data),
        )


def _step_json(step: Step, pipeline: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "needs": list(step.needs),
        "inputs": {name: _source_json(source) for name, source in step.inputs.items()},
        "outputs": [
            {"name": output.name, "artifact": output.artifact_name(pipeline, step.name)} for output in step.outputs
        ],
        "settings": {
            "cache": step.settings.cache,
            "retries": step.settings.retries,
            "timeout_s": step.settings.timeout_s,
            "tracker": step.settings.tracker,
            **_rare_json(step.settings),
        },
        "fingerprint": step.fingerprint.digest,
        "source": step.source,
        **({"over": [[one.item, one.of] for one in step.over], "crossed": step.crossed} if step.over else {}),
    }


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data as it is, everything else as it is shown."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError, RecursionError):
            found[name] = shown(value)
    return found


def _rare_json(settings: Settings) -> dict[str, Any]:
    """Options that most steps leave alone, where they say something."""
    hooks = {name: hook if isinstance(hook, str) else shown(hook) for name, hook in settings.hooks.given().items()}
    said = {
        "retry_delay_s": settings.retry_delay_s,
        "hooks": hooks,
        "substitutions": dict(settings.substitutions),
        "extra": _kept(settings.extra),
        "settings": _kept(settings.asked),
        "tags": [to_plain(tag) for tag in settings.tags],
        "model": settings.model and settings.model.to_json(),
    }
    return {name: value for name, value in said.items() if value}


def _step_of(data: Mapping[str, Any]) -> Step:
    inputs = {name: _source_of(source) for name, source in data["inputs"].items()}
    settings = Settings(
        cache=data["settings"]["cache"],
        retries=data["settings"]["retries"],
        timeout_s=data["settings"]["timeout_s"],
        model=_model_of(data["settings"]),
    )
    return Step(
        data["name"],
        inputs,
        tuple(Output(output["name"], output["artifact"]) for output in data["outputs"]),
        Fingerprint(data["fingerprint"]),
        settings,
        after=tuple(data["needs"]),
        source=data["source"],
        over=tuple(Over(item, of) for item, of in data.get("over", ())),
        crossed=data.get("crossed", False),
    )


def _model_of(data: Mapping[str, Any]) -> ModelSpec | None:
    return ModelSpec.from_json(data["model"]) if "model" in data else None


def _source_of(data: Mapping[str, Any]) -> Source:
    if "step" in data:
        return FromStep(data["step"], data["output"], data.get("item"))
    if "artifact" in data:
        return FromArtifact(data["artifact"], data["version"], data["metadata"])
    return Literal(None)


def _source_json(source: Source) -> dict[str, Any]:
    if isinstance(source, FromStep):
        item = {} if source.item is None else {"item": source.item}
        return {"step": source.step, "output": source.output, **item}
    if isinstance(source, FromParameter):
        return {"parameter": source.name}
    if isinstance(source, Captured):
        return {"cell": source.cell}
    if isinstance(source, FromArtifact):
        return {"artifact": source.name, "version": source.version, "metadata": source.metadata}
    return {"literal": shown(source.value)}
