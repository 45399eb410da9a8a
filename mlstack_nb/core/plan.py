"""A plan: pipeline + parameter values + stack snapshot + code snapshot; immutable, and JSON when stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.core.step import (
    Captured,
    Fingerprint,
    FromParameter,
    FromStep,
    Literal,
    Output,
    Resources,
    Settings,
    Source,
    Step,
)
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
    run can be resumed. A step in `only_cached` does not run; its result must be in the cache.
    """

    run_id: str
    pipeline: str
    stack: Stack
    steps: tuple[Step, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "pipeline"
    launch: Mapping[str, Any] = field(default_factory=dict)
    only_cached: frozenset[str] = frozenset()

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
        """Raises GraphError and its kin when the steps do not fit together."""
        return cls(
            run_id,
            pipeline.name,
            stack,
            tuple(pipeline.ordered()),
            pipeline.parameters,
            launch=launch or {},
            only_cached=only_cached,
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
                "steps": [_step_json(step, self.pipeline) for step in self.steps],
            }
        )

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
        },
        "fingerprint": step.fingerprint.digest,
        "source": step.source,
    }


def _step_of(data: Mapping[str, Any]) -> Step:
    inputs = {
        name: FromStep(source["step"], source["output"]) if "step" in source else Literal(None)
        for name, source in data["inputs"].items()
    }
    settings = Settings(
        cache=data["settings"]["cache"], retries=data["settings"]["retries"], timeout_s=data["settings"]["timeout_s"]
    )
    return Step(
        data["name"],
        inputs,
        tuple(Output(output["name"], output["artifact"]) for output in data["outputs"]),
        Fingerprint(data["fingerprint"]),
        settings,
        after=tuple(data["needs"]),
        source=data["source"],
    )


def _source_json(source: Source) -> dict[str, str]:
    if isinstance(source, FromStep):
        return {"step": source.step, "output": source.output}
    if isinstance(source, FromParameter):
        return {"parameter": source.name}
    if isinstance(source, Captured):
        return {"cell": source.cell}
    return {"literal": shown(source.value)}
