from __future__ import annotations

import pytest

from mlstack_nb import materializers
from mlstack_nb.core.step import Fingerprint, Output, Settings, Step
from mlstack_nb.engine.calls import Engine
from mlstack_nb.engine.lease import Leases
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Codec
from mlstack_nb.flavors.artifact_store.local import LocalArtifactStore
from mlstack_nb.flavors.orchestrator.local import LocalOrchestrator


class Recorded(list):
    """Every event, in order."""

    def names(self):
        return [type(event).__name__ for event in self]


@pytest.fixture
def events():
    return Recorded()


@pytest.fixture
def files(tmp_path):
    return LocalArtifactStore("default", LocalArtifactStore.Config(path=str(tmp_path / "store")), tmp_path)


@pytest.fixture
def engine(files, events, notices, tmp_path):
    orchestrator = LocalOrchestrator("default", LocalOrchestrator.Config(), tmp_path)
    return Engine(
        codec=Codec(Store(files), materializers),
        leases=Leases(files),
        orchestrator=orchestrator,
        tracker=None,
        emit=events.append,
        notice=notices.append,
    )


@pytest.fixture
def notices():
    return []


@pytest.fixture
def make_step():
    def make(name="work", *, code="v1", inputs=None, outputs=("out",), types=None, **settings):
        declared = tuple(Output(output, type=(types or {}).get(output)) for output in outputs)
        return Step(
            name, inputs or {}, declared, Fingerprint(code), settings=Settings(**settings), input_types=types or {}
        )

    return make
