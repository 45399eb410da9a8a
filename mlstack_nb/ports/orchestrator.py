"""The orchestrator: decides where and when the nodes of a plan run."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import ClassVar

from mlstack_nb.core.plan import Node
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.component import StackComponent

RunNode = Callable[[Node], State]


class Company(StrEnum):
    """What steps that run at the same time share: nothing, this process, or all (then only one can run).

    `SUBMITTED` ones share this process, too, and their author has asked for it.
    """

    APART = "apart"
    IN_THREADS = "in threads"
    SUBMITTED = "submitted"
    NONE = "none"


class Orchestrator(StackComponent):
    """Base of both sorts: those that run nodes in this process, and those of engines outside it."""

    kind: ClassVar[Kind] = Kind.ORCHESTRATOR

    def workers(self, company: Company) -> int | None:
        """How many nodes may run at once; None where nobody here knows."""
        return None


class InProcessOrchestrator(Orchestrator, ABC):
    @abstractmethod
    def run(
        self,
        nodes: Sequence[Node],
        run_node: RunNode,
        *,
        company: Company = Company.IN_THREADS,
        fail_fast: bool = False,
        stop: threading.Event | None = None,
    ) -> dict[str, State]:
        """Run every node after those it needs; `nodes` come in such an order. Returns each node's state.

        A node runs only when all it needs ended well, otherwise it is `skipped`; the other branches finish, unless
        `fail_fast`: then nothing is begun after the first failure. `run_node` reports a failing step by its state;
        what it raises, and KeyboardInterrupt in the thread that called, stops everything: nothing more is begun, `stop`
        is set, what runs in threads of this process is interrupted, all is waited for, then it is raised.
        """
