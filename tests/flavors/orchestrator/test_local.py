"""The order, the company and the end of nodes on the local orchestrator, with real threads."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path

import pytest

from mlstack_nb.core.plan import Node
from mlstack_nb.core.run import State
from mlstack_nb.flavors.orchestrator.local import LocalConfiguration, LocalOrchestrator
from mlstack_nb.ports.orchestrator import Company

DIAMOND = [Node("a", ()), Node("b", ("a",)), Node("c", ("a",)), Node("d", ("b", "c")), Node("e", ())]


def orchestrator(workers: int | None = None) -> LocalOrchestrator:
    return LocalOrchestrator("local", LocalConfiguration(workers), Path())


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_a_node_runs_after_those_it_needs(workers: int) -> None:
    order: list[str] = []

    def run(node: Node) -> State:
        time.sleep(0.01)
        order.append(node.name)
        return State.COMPLETED

    assert orchestrator(workers).run(DIAMOND, run) == dict.fromkeys("abcde", State.COMPLETED)
    assert sorted(order) == list("abcde")
    assert all(order.index(need) < order.index(node.name) for node in DIAMOND for need in node.needs)


def test_independent_nodes_run_at_once() -> None:
    together = threading.Barrier(3, timeout=10)

    def run(_: Node) -> State:
        together.wait()
        return State.COMPLETED

    orchestrator(3).run([Node(name, ()) for name in "abc"], run)


@pytest.mark.parametrize(
    ("workers", "company", "alone"),
    [
        (None, Company.IN_THREADS, True),
        (None, Company.APART, False),
        (2, Company.IN_THREADS, False),
        (2, Company.NONE, True),
    ],
)
def test_steps_that_share_this_process_run_alone_unless_asked(
    workers: int | None, company: Company, alone: bool
) -> None:
    threads: set[int] = set()

    def run(_: Node) -> State:
        threads.add(threading.get_ident())
        return State.COMPLETED

    orchestrator(workers).run([Node(name, ()) for name in "abc"], run, company=company)
    assert (threads == {threading.get_ident()}) is alone


@pytest.mark.parametrize("workers", [1, 2])
def test_what_needs_a_failed_node_is_skipped_and_the_rest_runs(workers: int) -> None:
    states = orchestrator(workers).run(DIAMOND, lambda node: State.FAILED if node.name == "b" else State.CACHED)
    assert states == {
        "a": State.CACHED,
        "b": State.FAILED,
        "c": State.CACHED,
        "d": State.SKIPPED,
        "e": State.CACHED,
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_fail_fast_begins_nothing_after_a_failure(workers: int) -> None:
    begun: list[str] = []

    def run(node: Node) -> State:
        begun.append(node.name)
        return State.FAILED

    states = orchestrator(workers).run([Node(name, ()) for name in "abcdef"], run, fail_fast=True)
    assert len(begun) <= workers
    assert states == {name: State.FAILED if name in begun else State.SKIPPED for name in "abcdef"}


@pytest.mark.parametrize("workers", [1, 3])
def test_ctrl_c_interrupts_what_runs_and_begins_nothing_more(workers: int) -> None:
    interrupted: list[str] = []
    started = threading.Event()

    def run(node: Node) -> State:
        started.set()
        try:
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            interrupted.append(node.name)
            raise

    def press() -> None:
        started.wait(10)
        time.sleep(0.1)
        _thread.interrupt_main()

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        orchestrator(workers).run([Node(name, ()) for name in "abcdef"], run)
    assert sorted(interrupted) == list("abcdef")[:workers]


def test_what_a_node_raises_comes_out() -> None:
    def run(node: Node) -> State:
        raise OSError(node.name)

    with pytest.raises(OSError, match="a"):
        orchestrator(2).run([Node("a", ()), Node("b", ("a",))], run)
