"""Orchestrator flavor `dask`: nodes are tasks of a running Dask scheduler, each a command that a worker starts.

A run is a published dataset of futures, so it goes on, and is found again, without the client. What commands print are
events of the scheduler. Numbers of exit, and events, stay with the scheduler until it is restarted.
"""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.plan import Node
from mlstack_nb.errors import ConfigError, NotFoundError
from mlstack_nb.ports.registry import missing_package
from mlstack_nb.ports.remote_orchestrator import NodeGraph, NodeState, NodeStatus, RemoteOrchestrator

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 5
LOOK_S = 0.5
"""How often a worker asks whether its command is to end."""
TELL_S = 0.2
"""How often it passes on what the command prints: the scheduler keeps a thousand pieces of each node."""
GRACE_S = 10.0
"""How long a command has between SIGTERM and SIGKILL."""
_STATES = {"memory": NodeState.SUCCEEDED, "processing": NodeState.RUNNING, "erred": NodeState.FAILED}
_CUT = "[the beginning is no longer with the scheduler]\n"
_CANCELLED = "the run was cancelled"
_RESOURCES = {"cpu": "CPU", "memory": "MEMORY", "gpu": "GPU"}
"""Kubernetes' words, which notebooks have, and those that Dask's documentation uses; others stay as they are."""


@dataclass(frozen=True)
class DaskConfiguration:
    address: str = field(metadata={"description": "The scheduler's, such as tcp://127.0.0.1:8786."})


class DaskOrchestrator(RemoteOrchestrator):
    """Workers need this package, and the store within reach. TLS is as Dask's own configuration has it."""

    Config = DaskConfiguration

    def submit(self, graph: NodeGraph) -> str:
        with self._client() as client:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            offered = {name for worker in workers for name in worker["resources"]}
            resources = {node.name: self._resources(node, offered) for node in graph.nodes}
            futures: dict[str, Any] = {}
            for node in graph.nodes:
                futures[node.name] = client.submit(
                    run_command,
                    graph.name,
                    (node.name, node.command, dict(node.environment)),
                    [futures[need] for need in node.needs],
                    key=_key(graph.name, node.name),
                    retries=node.retries,
                    resources=resources[node.name],
                    pure=False,
                )
            client.publish_dataset(futures, name=graph.name)
        return graph.name

    def check(self) -> str:
        with self._client() as client:
            workers = client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            address = self.configuration.address
            raise ConfigError(f"The Dask scheduler at {address} has no workers.", f"Start one: dask worker {address}")
        return f"{self.configuration.address}, {len(workers)} worker{'' if len(workers) == 1 else 's'}"

    def poll(self, reference: str) -> dict[str, NodeStatus]:
        with self._client() as client:
            return _statuses(client, reference, self._nodes(client, reference))

    def logs(self, reference: str, node: str) -> str:
        with self._client() as client:
            if node not in self._nodes(client, reference):
                raise NotFoundError(f"Dask has no node {node!r} in {reference}.", "See: mlstack runs steps RUN")
            pieces = [piece for _, piece in client.get_events(_key(reference, node))]
        is_cut = bool(pieces) and pieces[0][0] > 0
        return (_CUT if is_cut else "") + "".join(text for _, text in pieces)

    def cancel(self, reference: str) -> None:
        from distributed import Event

        with self._client() as client:
            nodes = self._nodes(client, reference)
            Event(_stop_name(reference), client=client).set()
            statuses = _statuses(client, reference, nodes)
            waiting = [_key(reference, node) for node in nodes if statuses[node].state is NodeState.WAITING]
            client.cancel(waiting, force=True)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise missing_package(f"orchestrator {self.name!r}", error, "dask") from error
        address = self.configuration.address
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False, name="mlstack")
        except (OSError, ValueError, TimeoutError) as error:
            raise ConfigError(
                f"Orchestrator {self.name!r} does not reach a Dask scheduler at {address}: {error}",
                "Start one (dask scheduler), or correct the component's address.",
            ) from error
        with client:
            yield client

    def _nodes(self, client: Client, reference: str) -> list[str]:
        try:
            return list(client.get_dataset(reference))
        except KeyError:
            raise NotFoundError(
                f"Dask at {self.configuration.address} knows no run {reference}.",
                "It may have been restarted; run what is missing: mlstack resume RUN",
            ) from None

    def _resources(self, node: Node, offered: set[str]) -> dict[str, float]:
        """Raises ConfigError for what no worker offers; CPU and memory may be left to the workers' own sizes."""
        wanted = {_RESOURCES.get(name.rpartition("/")[2], name): text for name, text in node.resources.limits.items()}
        for name, text in wanted.items():
            if name not in offered and name not in ("CPU", "MEMORY"):
                address = self.configuration.address
                raise ConfigError(
                    f"Step {node.name!r} asks for {name}={text}, which no worker of {address} offers.",
                    f"Start one that does: dask worker {address} --resources {name}={text}",
                )
        return {name: _number(text) for name, text in wanted.items() if name in offered}


def run_command(graph: str, work: tuple[str, Sequence[str], Mapping[str, str]], _needs: list[None]) -> None:
    """What a worker does for a node: start its command, pass on what it prints, end it when the run is cancelled."""
    from distributed import Event, get_worker

    node, command, environment = work
    worker, stop = get_worker(), Event(_stop_name(graph))
    if stop.is_set():
        raise RuntimeError(_CANCELLED)
    program = sys.executable if command[0] == "python" else command[0]
    process = subprocess.Popen(  # noqa: S603 - the command that the node is, without a shell
        [program, *command[1:]],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    reader = threading.Thread(target=_pass_on, args=(process, lambda piece: worker.log_event(_key(graph, node), piece)))
    reader.start()
    try:
        while _still_runs(process, LOOK_S):
            if stop.is_set():
                process.terminate()
                _still_runs(process, GRACE_S)
                raise RuntimeError(_CANCELLED)
    finally:
        process.kill()
        process.wait()
        reader.join()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}")


def _still_runs(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _pass_on(process: subprocess.Popen[bytes], tell: Callable[[tuple[int, str]], None]) -> None:
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    number = 0
    while data := os.read(process.stdout.fileno(), 65536):
        tell((number, decoder.decode(data)))
        number += 1
        time.sleep(TELL_S)  # meanwhile the pipe gathers more
    process.stdout.close()


def _statuses(client: Client, reference: str, nodes: Sequence[str]) -> dict[str, NodeStatus]:
    keys = {node: _key(reference, node) for node in nodes}
    told = client.run_on_scheduler(_view(), list(keys.values()))
    return {node: _status(*told[key]) if key in told else NodeStatus(NodeState.CANCELLED) for node, key in keys.items()}


def _view() -> Callable[..., dict[str, tuple[str, str, bool]]]:
    """What the scheduler knows of tasks; a function in a function, which goes there as code: it needs no package."""

    def view(keys: list[str], dask_scheduler: Any = None) -> dict[str, tuple[str, str, bool]]:
        found = {}
        for key in keys:
            task = dask_scheduler.tasks.get(key)
            if task is not None:
                blamed = task.exception_blame
                found[key] = (task.state, task.exception_text or "", blamed is not None and blamed.key != key)
        return found

    return view


def _status(state: str, raised: str, is_others: bool) -> NodeStatus:
    if is_others:
        return NodeStatus(NodeState.SKIPPED)
    if _CANCELLED in raised:
        return NodeStatus(NodeState.CANCELLED)
    message = raised.removeprefix("RuntimeError(").removesuffix(")").strip("'\"")
    return NodeStatus(_STATES.get(state, NodeState.WAITING), message)


def _key(graph: str, node: str) -> str:
    return f"mlstack-{graph}-{node}"


def _stop_name(graph: str) -> str:
    return f"mlstack-{graph}-stop"


def _number(text: str) -> float:
    """Kubernetes' quantities: `500m` is a half, `4Gi` four times 2^30."""
    from dask.utils import parse_bytes

    if text.endswith("m"):
        return float(text[:-1]) / 1000
    return float(parse_bytes(f"{text}B" if text.endswith("i") else text))
