"""A stack: a named set of components, one per kind."""

from __future__ import annotations

import re
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
    ALERTER = "alerter"


MASKED = "********"
MANDATORY = (Kind.ORCHESTRATOR, Kind.ARTIFACT_STORE)
REFERENCE = re.compile(r"\{\{\s*([^{}.\s][^{}.]*?)\s*\.\s*(\w+)\s*\}\}")
"""`{{name.key}}`: stands for a value of a secret where a component is built; it is no secret itself."""


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
        return {name: MASKED if self._is_secret(name) else value for name, value in self.configuration.items()}

    def without_secrets(self) -> dict[str, Any]:
        """The configuration without the fields that hold a secret value; a reference to one may go anywhere."""
        return {name: value for name, value in self.configuration.items() if not self._is_secret(name)}

    @property
    def references(self) -> frozenset[tuple[str, str]]:
        """The names of secrets, and their keys, that the configuration refers to."""
        return references(self.configuration)

    def _is_secret(self, name: str) -> bool:
        value = self.configuration[name]
        return name in self.secret_fields and value is not None and not references(value)


def references(value: Any) -> frozenset[tuple[str, str]]:
    """The name and key of each `{{name.key}}` in a configuration, wherever it stands as a whole text."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        return frozenset({(found[1], found[2])} if found else ())
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return frozenset().union(*map(references, inner))


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
