"""A stack: a named set of components, one per kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a component does for a pipeline. A stack needs the first two; the rest are optional."""

    ORCHESTRATOR = "orchestrator"
    ARTIFACT_STORE = "artifact_store"
    EXPERIMENT_TRACKER = "experiment_tracker"
    MODEL_DEPLOYER = "model_deployer"
    MODEL_REGISTRY = "model_registry"
    CONTAINER_REGISTRY = "container_registry"
    FEATURE_STORE = "feature_store"
    DATA_VALIDATOR = "data_validator"


MANDATORY = (Kind.ORCHESTRATOR, Kind.ARTIFACT_STORE)


@dataclass(frozen=True, slots=True)
class Component:
    """kind + flavor + name + validated configuration; the object that does the work is made of it on use."""

    kind: Kind
    flavor: str
    name: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    secret_fields: frozenset[str] = frozenset()

    def shown(self) -> dict[str, Any]:
        """The configuration with secret values masked: fit for plans, records, listings and logs."""
        return {
            name: "********" if name in self.secret_fields and value is not None else value
            for name, value in self.configuration.items()
        }


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    components: tuple[Component, ...]

    def get(self, kind: Kind) -> Component | None:
        for component in self.components:
            if component.kind is kind:
                return component
        return None

    def snapshot(self) -> dict[str, Any]:
        """The stack as plain data without secrets, for a plan."""
        return {
            "name": self.name,
            "components": {
                component.kind.value: {
                    "flavor": component.flavor,
                    "name": component.name,
                    "configuration": component.shown(),
                }
                for component in self.components
            },
        }
