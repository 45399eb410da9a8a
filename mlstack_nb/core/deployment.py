"""A deployment: a model that answers requests under an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DeploymentState(StrEnum):
    """`failed`: nobody stopped it, and it answers no more, or never did."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """What the catalog holds. `deployer` is the component's name, `model` the digest of what is served; `service` is
    what the deployer needs to find what it started. `run_id` and `step` tell who deployed it, where a step did.
    """

    name: str
    deployer: str
    state: DeploymentState
    url: str
    model: str
    configuration: Mapping[str, Any]
    service: Mapping[str, Any]
    run_id: str | None
    step: str | None
    created_at: float
    updated_at: float
