"""Orchestrator flavor `local`: nodes run on this machine, several at once where they can."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field

from mlstack_nb.core.plan import Node
from mlstack_nb.core.run import State
from mlstack_nb.ports.interruption import interrupt_thread
from mlstack_nb.ports.orchestrator import Company, InProcessOrchestrator, RunNode

SPARE_THREADS = 4
"""For what is submitted: most of it waits for something, else threads are of little use."""


@dataclass(frozen=True)
class LocalConfiguration:
    """Unset, `workers` is one for each CPU where steps have processes of their own, some more where a pipeline submits
    steps itself, and one where they share this process, because much code does not expect company there.
    """

    workers: int | None = field(default=None, metadata={"ge": 1, "description": "How many steps may run at once."})


class LocalOrchestrator(InProcessOrchestrator):
    Config = LocalConfiguration

    def run(
        self,
        nodes: Sequence[Node],
        run_node: RunNode,
        *,
        company: Company = Company.IN_THREADS,
        fail_fast: bool = False,
        stop: threading.Event | None = None,
    ) -> dict[str, State]:
        schedule = _Schedule(nodes, fail_fast=fail_fast)
        workers = min(self.workers(company), len(nodes))
        if workers > 1:
            _Crew(schedule, run_node, workers, stop or threading.Event(), company).work()
        else:
            while (node := schedule.next()) is not None:
                schedule.ended(node, run_node(node))
        return schedule.states

    def check(self) -> str:
        return f"this machine, {os.cpu_count() or 1} CPUs"

    def workers(self, company: Company) -> int:
        if company is Company.NONE:
            return 1
        cpus = os.cpu_count() or 1
        default = {Company.APART: cpus, Company.SUBMITTED: cpus + SPARE_THREADS}
        return self.configuration.workers or default.get(company, 1)


class _Schedule:
    """Which nodes may run now. `states` has those that ended, in the order they did."""

    def __init__(self, nodes: Sequence[Node], *, fail_fast: bool) -> None:
        self.states: dict[str, State] = {}
        self._names = {node.name for node in nodes}
        self._waiting = list(nodes)
        self._fail_fast = fail_fast

    def next(self) -> Node | None:
        """The first node that may run now. Those that never will are skipped."""
        failed = self._fail_fast and any(state is State.FAILED for state in self.states.values())
        for node in list(self._waiting):
            needs = [self.states.get(need) for need in node.needs if need in self._names]
            if failed or any(state is not None and not state.is_good for state in needs):
                self.states[node.name] = State.SKIPPED
            elif None in needs:
                continue
            self._waiting.remove(node)
            if node.name not in self.states:
                return node
        return None

    def ended(self, node: Node, state: State) -> None:
        self.states[node.name] = state


class _Crew:
    """Threads that work off a schedule."""

    def __init__(
        self, schedule: _Schedule, run_node: RunNode, workers: int, stop: threading.Event, company: Company
    ) -> None:
        self._schedule = schedule
        self._run_node = run_node
        self._workers = workers
        self._stop = stop
        self._company = company
        self._threads: dict[Node, int] = {}

    def work(self) -> None:
        running: dict[Future[State], Node] = {}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="mlstack step") as pool:
            try:
                while self._begin(pool, running):
                    # a wait without end would not be woken by Ctrl-C on every platform
                    done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._schedule.ended(running.pop(future), future.result())
            except BaseException:
                self._interrupt(running)
                raise

    def _begin(self, pool: ThreadPoolExecutor, running: dict[Future[State], Node]) -> bool:
        while len(running) < self._workers and (node := self._schedule.next()) is not None:
            running[pool.submit(copy_context().run, self._run, node)] = node
        return bool(running)

    def _run(self, node: Node) -> State:
        self._threads[node] = threading.get_ident()
        try:
            return self._run_node(node)
        finally:
            del self._threads[node]

    def _interrupt(self, running: dict[Future[State], Node]) -> None:
        """The pool waits for them when it is left."""
        self._stop.set()
        for future in running:
            future.cancel()
        if self._company is Company.IN_THREADS:
            for thread in list(self._threads.values()):
                interrupt_thread(thread, KeyboardInterrupt)
