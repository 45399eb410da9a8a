from __future__ import annotations

import pytest

from mlstack_nb.catalog import stacks
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.errors import CatalogError

STORE = Component(Kind.ARTIFACT_STORE, "local", "big", {"path": "/data", "key": "k"}, frozenset({"key"}))
RUNNER = Component(Kind.ORCHESTRATOR, "local", "default")
STACK = Stack("mine", (RUNNER, STORE))


@pytest.fixture
def stored(catalog: Catalog) -> Catalog:
    with catalog.write() as connection:
        stacks.add_component(connection, STORE)
        stacks.put_stack(connection, STACK)
    return catalog


def test_a_stack_comes_back_with_its_components(stored: Catalog) -> None:
    with stored.read() as connection:
        assert stacks.find_stack(connection, "mine") == STACK
        assert stacks.stack_names(connection) == ["default", "mine"]
        assert stacks.find_stack(connection, "yours") is None


def test_a_renamed_component_stays_in_its_stacks(stored: Catalog) -> None:
    with stored.write() as connection:
        stacks.rename_component(connection, STORE.kind, "big", "bigger")
        found = stacks.find_stack(connection, "mine")
        assert found is not None
        assert [part.name for part in found.components] == ["default", "bigger"]


def test_a_renamed_stack_keeps_its_components(stored: Catalog) -> None:
    with stored.write() as connection:
        stacks.rename_stack(connection, "mine", "ours")
        assert stacks.find_stack(connection, "ours") == Stack("ours", STACK.components)


def test_a_component_in_use_can_not_be_deleted(stored: Catalog) -> None:
    with pytest.raises(CatalogError, match="FOREIGN KEY"), stored.write() as connection:
        stacks.delete_component(connection, STORE.kind, "big")


def test_a_stack_put_again_has_the_new_components_only(stored: Catalog) -> None:
    default_store = Component(Kind.ARTIFACT_STORE, "local", "default")
    with stored.write() as connection:
        stacks.put_stack(connection, Stack("mine", (RUNNER, default_store)))
        assert stacks.find_stack(connection, "mine") == Stack("mine", (RUNNER, default_store))
        assert stacks.stacks_using(connection, STORE.kind, "big") == []


def test_a_deleted_stack_leaves_its_components(stored: Catalog) -> None:
    with stored.write() as connection:
        stacks.delete_stack(connection, "mine")
        assert stacks.find_component(connection, STORE.kind, "big") == STORE
