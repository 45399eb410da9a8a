"""The `dask` orchestrator, on a real scheduler with real workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlstack_nb.core.step import Resources
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors.orchestrator.dask import DaskConfiguration, DaskOrchestrator
from mlstack_nb.ports.remote_orchestrator import NodeState
from mlstack_nb.testing.remote_orchestrator import RemoteOrchestratorContract, ended, graph, node, states


@pytest.fixture
def orchestrator(dask_engine: str, tmp_path: Path) -> DaskOrchestrator:
    return at(dask_engine, tmp_path)


def at(address: str, folder: Path) -> DaskOrchestrator:
    return DaskOrchestrator("cluster", DaskConfiguration(address), folder / ".mlstack")


class TestContract(RemoteOrchestratorContract):
    @pytest.fixture
    def orchestrator(self, dask_engine: str, tmp_path: Path) -> DaskOrchestrator:
        return at(dask_engine, tmp_path)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1:9", "nonsense://x", "tcp://"])
def test_a_scheduler_that_is_not_there_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not reach a Dask scheduler") as raised:
        at(address, tmp_path).submit(graph(node("a", "")))
    assert address in raised.value.what
    assert "dask scheduler" in raised.value.hint


def test_resources_are_asked_of_the_workers_that_offer_them(orchestrator: DaskOrchestrator) -> None:
    limits = Resources(limits={"nvidia.com/gpu": "1", "memory": "4Gi", "cpu": "500m"})
    wants = replace(node("wants", "print('well')"), resources=limits)
    found = ended(orchestrator, orchestrator.submit(graph(wants)))
    assert states(found) == {"wants": NodeState.SUCCEEDED}


def test_resources_that_no_worker_offers_are_refused_before_anything_runs(orchestrator: DaskOrchestrator) -> None:
    wants = replace(node("wants", ""), resources=Resources(limits={"tpu": "1"}))
    with pytest.raises(ConfigError, match="asks for tpu=1, which no worker of") as raised:
        orchestrator.submit(graph(node("before", ""), wants))
    assert "--resources tpu=1" in raised.value.hint


def test_it_has_no_scheduler_of_its_own(orchestrator: DaskOrchestrator) -> None:
    assert not orchestrator.has_scheduler
    with pytest.raises(ConfigError, match="has no scheduler of its own") as raised:
        orchestrator.schedule(graph(), cron="0 6 * * *", zone="Europe/Berlin")
    assert "mlstack scheduler" in raised.value.hint
    with pytest.raises(ConfigError):
        orchestrator.unschedule("x")
