"""A workspace with pipelines in it, and a client of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlstack_nb import Client

sys.path.insert(0, str(Path(__file__).parent))  # for the modules of this folder that are no tests

from client_pipelines import training


@pytest.fixture
def client(workspace: Path) -> Client:
    assert workspace
    return Client()


@pytest.fixture
def ran(client: Client) -> Client:
    """A client after three runs: one that executed, one that was cached, one of other data."""
    training()
    training()
    training(rows=4)
    return client
