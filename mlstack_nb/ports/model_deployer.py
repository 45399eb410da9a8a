"""The model deployer: makes a model answer requests under an address."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.component import StackComponent

Service = Mapping[str, Any]
"""What a deployer needs to find what it started: plain data of its own, which the catalog keeps."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`model` is an object, or a text that the deployer's tool knows a stored one by. `digest` names the content of an
    object, "" for a stored one. `port` is a wish, 0 for any. `timeout_s`: until it must answer.
    """

    name: str
    model: Any
    digest: str = ""
    replicas: int = 1
    port: int = 0
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a deployment does now. `url` is where predictions are asked for; `reason` tells what is wrong."""

    state: DeploymentState
    url: str = ""
    reason: str = ""
    replicas: int = 0


class ModelDeployer(StackComponent, ABC):
    """What it starts outlives the process that asked for it. Any process of the workspace may look after it.

    Methods raise ConfigError where the tool, or the model, does not let them do it.
    """

    kind: ClassVar[Kind] = Kind.MODEL_DEPLOYER
    is_local: ClassVar[bool] = False
    """Whether it serves on the machine that it is called on, and out of the workspace there."""

    @abstractmethod
    def deploy(self, wanted: Wanted, before: Service | None) -> Service:
        """Returns once it answers. `before` is what is deployed under that name.

        The same content with the same number of replicas, up and well, is left alone. Another one takes over at the
        same address, and no request fails meanwhile; where it can not be brought up, the one before goes on.
        """

    @abstractmethod
    def start(self, service: Service) -> Service:
        """Bring up what was stopped or has failed, as it was; returns once it answers."""

    @abstractmethod
    def look(self, service: Service) -> Standing:
        """How it really is: asked of processes, not of records."""

    @abstractmethod
    def predict(self, service: Service, data: Any) -> Any:
        """What the model makes of `data`: a frame, an array, lists, or what its protocol has."""

    @abstractmethod
    def logs(self, service: Service) -> str: ...

    @abstractmethod
    def stop(self, service: Service) -> None:
        """It answers what it was asked, and ends. One that is not up is fine."""

    @abstractmethod
    def delete(self, service: Service) -> None:
        """Stop it and remove what it kept."""

    def digest(self, service: Service) -> str:
        """Of the content that is deployed."""
        return str(service["digest"])
