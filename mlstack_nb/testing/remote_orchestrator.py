"""What every orchestrator of an engine outside does.

    class TestMine(RemoteOrchestratorContract):
        @pytest.fixture
        def orchestrator(self) -> RemoteOrchestrator: ...

Nodes are small commands that tell of themselves by what they print, so the engine may be on another machine; it needs a
Python to start them with.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

import pytest

from mlstack_nb.core.plan import Node
from mlstack_nb.errors import NotFoundError
from mlstack_nb.ports.remote_orchestrator import NodeGraph, NodeState, NodeStatus, RemoteOrchestrator

PATIENCE_S = 120.0
POLL_S = 0.2
TELL_TIMES = "import time; print('begin', time.time(), flush=True); time.sleep({seconds}); print('end', time.time())"
TELL_SIGNAL = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('told to stop', flush=True), sys.exit(1)))\n"
    "print('begin', flush=True)\n"
    "time.sleep(300)"
)
_numbers = itertools.count(1)


class RemoteOrchestratorContract:
    @pytest.fixture
    def orchestrator(self) -> RemoteOrchestrator:
        """The component under test, of an engine that runs at least two nodes at once."""
        raise NotImplementedError

    def test_nodes_run_after_those_they_need(self, orchestrator: RemoteOrchestrator) -> None:
        first = node("first", TELL_TIMES.format(seconds=0.3))
        sides = [node(name, TELL_TIMES.format(seconds=0.3), needs=("first",)) for name in ("left", "right")]
        last = node("last", TELL_TIMES.format(seconds=0), needs=("left", "right"))
        reference = orchestrator.submit(graph(first, *sides, last))
        assert set(states(ended(orchestrator, reference)).values()) == {NodeState.SUCCEEDED}
        times = {name: _times(orchestrator.logs(reference, name)) for name in ("first", "left", "right", "last")}
        for name, needs in {"left": ["first"], "right": ["first"], "last": ["left", "right"]}.items():
            assert all(times[need]["end"] <= times[name]["begin"] for need in needs)

    def test_nodes_that_do_not_need_each_other_run_at_once(self, orchestrator: RemoteOrchestrator) -> None:
        reference = orchestrator.submit(graph(*(node(name, TELL_TIMES.format(seconds=5)) for name in "ab")))
        ended(orchestrator, reference)
        one, other = (_times(orchestrator.logs(reference, name)) for name in "ab")
        assert max(one["begin"], other["begin"]) < min(one["end"], other["end"])

    def test_a_command_gets_the_environment_and_its_words_as_they_are(self, orchestrator: RemoteOrchestrator) -> None:
        code = "import json, os, sys; print(json.dumps([os.environ['MLSTACK_WORD'], sys.argv[1:]]))"
        words = ("two words", "$HOME", "'\"", "grün", "")
        given = Node("tell", (), command=("python", "-c", code, *words), environment={"MLSTACK_WORD": "a 'b' $c\n{}"})
        reference = orchestrator.submit(graph(given))
        ended(orchestrator, reference)
        assert json.loads(orchestrator.logs(reference, "tell")) == ["a 'b' $c\n{}", list(words)]

    def test_a_node_that_fails_is_told_with_why_and_what_needs_it_never_begins(
        self, orchestrator: RemoteOrchestrator
    ) -> None:
        fails = node("fails", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
        below = node("below", "print('begun')", needs=("fails",))
        lower = node("lower", "print('begun')", needs=("below", "other"))
        other = node("other", "print('well')")
        reference = orchestrator.submit(graph(fails, other, below, lower))
        found = ended(orchestrator, reference)
        assert states(found) == {
            "fails": NodeState.FAILED,
            "other": NodeState.SUCCEEDED,
            "below": NodeState.SKIPPED,
            "lower": NodeState.SKIPPED,
        }
        assert "3" in found["fails"].message
        assert sorted(orchestrator.logs(reference, "fails").split()) == ["err", "out"]
        assert orchestrator.logs(reference, "below") == ""

    def test_a_node_is_tried_again_as_often_as_it_asks(self, orchestrator: RemoteOrchestrator) -> None:
        tries = Node("tries", (), retries=2, command=("python", "-c", "print('try'); raise SystemExit(1)"))
        reference = orchestrator.submit(graph(tries))
        assert states(ended(orchestrator, reference)) == {"tries": NodeState.FAILED}
        assert orchestrator.logs(reference, "tries").split() == ["try"] * 3

    def test_a_client_may_go_away_and_another_one_look(self, orchestrator: RemoteOrchestrator) -> None:
        reference = orchestrator.submit(graph(node("slow", TELL_TIMES.format(seconds=2)), node("b", "", ("slow",))))
        other = type(orchestrator)("other", orchestrator.configuration, orchestrator.workspace)
        del orchestrator
        found = ended(other, reference)
        assert states(found) == {"slow": NodeState.SUCCEEDED, "b": NodeState.SUCCEEDED}
        assert "end" in other.logs(reference, "slow")
        assert other.poll(reference) == found

    def test_logs_are_there_while_a_node_runs(self, orchestrator: RemoteOrchestrator) -> None:
        reference = orchestrator.submit(graph(node("slow", TELL_TIMES.format(seconds=20))))
        _wait(lambda: "begin" in orchestrator.logs(reference, "slow"))
        assert orchestrator.poll(reference)["slow"].state is NodeState.RUNNING
        orchestrator.cancel(reference)

    def test_cancelling_ends_what_runs_and_begins_nothing_more(self, orchestrator: RemoteOrchestrator) -> None:
        reference = orchestrator.submit(graph(node("runs", TELL_SIGNAL), node("waits", "print('begun')", ("runs",))))
        _wait(lambda: "begin" in orchestrator.logs(reference, "runs"))
        orchestrator.cancel(reference)
        found = states(ended(orchestrator, reference))
        assert found["runs"] is NodeState.CANCELLED
        assert found["waits"] in (NodeState.CANCELLED, NodeState.SKIPPED)
        _wait(lambda: "told to stop" in orchestrator.logs(reference, "runs"))
        assert orchestrator.logs(reference, "waits") == ""
        orchestrator.cancel(reference)
        assert states(orchestrator.poll(reference)) == found

    def test_cancelling_what_is_over_does_nothing(self, orchestrator: RemoteOrchestrator) -> None:
        reference = orchestrator.submit(graph(node("quick", "print('well')")))
        found = ended(orchestrator, reference)
        orchestrator.cancel(reference)
        assert orchestrator.poll(reference) == found

    def test_an_unknown_reference_is_an_error(self, orchestrator: RemoteOrchestrator) -> None:
        with pytest.raises(NotFoundError):
            orchestrator.poll("nowhere")
        with pytest.raises(NotFoundError):
            orchestrator.logs("nowhere", "step")
        with pytest.raises(NotFoundError):
            orchestrator.cancel("nowhere")

    def test_names_that_people_give_and_many_nodes_are_fine(self, orchestrator: RemoteOrchestrator) -> None:
        names = ["schön & gut", "a.b-c_d", *(f"n{number}" for number in range(20))]
        needs = dict(zip(names[1:], names, strict=False))
        nodes = [node(name, "", (needs[name],) if name in needs else ()) for name in names]
        assert set(states(ended(orchestrator, orchestrator.submit(graph(*nodes)))).values()) == {NodeState.SUCCEEDED}


def node(name: str, code: str, needs: Iterable[str] = ()) -> Node:
    """A node that runs a piece of Python."""
    return Node(name, tuple(needs), command=("python", "-c", code))


def graph(*nodes: Node) -> NodeGraph:
    """A graph under a name that no other has."""
    return NodeGraph(f"contract-{next(_numbers)}-{secrets.token_hex(3)}", nodes)


def ended(orchestrator: RemoteOrchestrator, reference: str) -> Mapping[str, NodeStatus]:
    """The statuses once every node is over. Raises TimeoutError."""
    _wait(lambda: all(status.state.is_over for status in orchestrator.poll(reference).values()))
    return orchestrator.poll(reference)


def states(statuses: Mapping[str, NodeStatus]) -> dict[str, NodeState]:
    return {name: status.state for name, status in statuses.items()}


def _times(printed: str) -> dict[str, float]:
    return {word: float(moment) for word, moment in (line.split() for line in printed.splitlines())}


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the engine has not come that far")
        time.sleep(POLL_S)
