"""Orchestrator flavor `local`: one node after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence

from mlstack_nb.core.plan import Node
from mlstack_nb.core.run import State
from mlstack_nb.ports.orchestrator import Orchestrator, RunNode


class LocalOrchestrator(Orchestrator):
    """`nodes` come in an order that respects every need, so there is nothing to decide."""

    def run(self, nodes: Sequence[Node], run_node: RunNode) -> dict[str, State]:
        states: dict[str, State] = {}
        for node in nodes:
            ready = all(states[need].is_good for need in node.needs if need in states)
            states[node.name] = run_node(node) if ready else State.SKIPPED
        return states
