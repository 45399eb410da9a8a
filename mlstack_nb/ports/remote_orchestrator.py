"""The orchestrator of an engine outside this process: a graph of commands goes there, and somebody looks after it.

What a step is, what it is given and gives, travels through the store; an engine sees commands, and the order they need.
Its own scheduler, retries, logs and secrets are used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from mlstack_nb.core.plan import Node
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.orchestrator import Orchestrator


class NodeState(StrEnum):
    """What an engine says of a node. `SKIPPED`: what it needs did not end well, so it never begins."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self not in (NodeState.WAITING, NodeState.RUNNING)


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """`message` is what the engine says of a node that did not end well: an exit code, a machine that was lost."""

    state: NodeState
    message: str = ""


@dataclass(frozen=True, slots=True)
class NodeGraph:
    """`nodes` stand after all they need. `name` is unique, and fit for an engine's own listing."""

    name: str
    nodes: tuple[Node, ...]


class RemoteOrchestrator(Orchestrator, ABC):
    """Every method may be called by another process than the one that submitted, on another machine, and much later.

    Each reaches the engine, within seconds, or raises ConfigError that names it and how to get there.
    """

    has_scheduler: ClassVar[bool] = False
    """Whether the engine starts graphs by itself at given times; where it does not, `mlstack scheduler` does."""

    @abstractmethod
    def submit(self, graph: NodeGraph) -> str:
        """Hand the graph over; returns the reference by which the engine knows it, once it is safe there.

        A node's command runs once every node in `needs` has succeeded, and again up to `retries` times when it ends
        with another exit code than 0 or its machine is lost. Nodes that do not need each other may run at once.
        `resources` are asked of the engine in its own words; `resources.secrets` are names, the engine has the values.
        Raises ConfigError for resources that it can not give.
        """

    @abstractmethod
    def poll(self, reference: str) -> Mapping[str, NodeStatus]:
        """The status of each node; one that is over does not change. Raises NotFoundError for an unknown reference."""

    @abstractmethod
    def logs(self, reference: str, node: str) -> str:
        """What the node's command printed so far, both streams in one, all attempts; empty where nothing is kept."""

    @abstractmethod
    def cancel(self, reference: str) -> None:
        """Ask what runs to end (SIGTERM, then SIGKILL where the engine does that), and begin nothing more.

        Returns at once. Cancelling what is over does nothing. Raises NotFoundError for an unknown reference.
        """

    def schedule(self, graph: NodeGraph, *, cron: str, zone: str) -> str:
        """Run the graph at the times that five cron fields tell in a time zone; returns the reference of the schedule.

        Each time the nodes' environment has `MLSTACK_RUN_ID`, an id that the engine gives this run. Raises ConfigError
        where the engine has no scheduler.
        """
        raise ConfigError(
            f"Orchestrator {self.name!r} has no scheduler of its own.", "Let this one start it: mlstack scheduler"
        )

    def unschedule(self, reference: str) -> None:
        """Take a schedule out; runs that it began go on. An unknown one is fine."""
        raise ConfigError(f"Orchestrator {self.name!r} has no scheduler of its own.", "See: mlstack schedule list")
