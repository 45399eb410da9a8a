"""Health of the active stack's components, and flavors as forms need them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack_nb.app import components, stacks
from mlstack_nb.app.stack_health import describe_flavors, health
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import NotFoundError


def test_a_stack_that_works(workspace: Path) -> None:
    found = health(Workspace(workspace))
    assert [(one["kind"], one["ok"], one["hint"]) for one in found["components"]] == [
        ("orchestrator", True, ""),
        ("artifact_store", True, ""),
    ]
    assert all(one["seconds"] >= 0 for one in found["components"])


def test_a_store_that_can_not_be_read_is_not_well(workspace: Path) -> None:
    here = Workspace(workspace)
    long = "x" * 5000
    components.register(here, Kind.ARTIFACT_STORE, "bad", flavor="local", configuration={"path": long})
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "bad"})
    store = health(here, "mine")["components"][1]
    assert (store["name"], store["ok"]) == ("bad", False)
    assert store["what"]


def test_a_stack_that_is_not_there_is_an_error(workspace: Path) -> None:
    with pytest.raises(NotFoundError):
        health(Workspace(workspace), "none")


def test_every_flavor_has_a_schema_of_an_object() -> None:
    found = describe_flavors()
    assert {(one["kind"], one["flavor"]) for one in found} >= {("artifact_store", "local"), ("orchestrator", "local")}
    assert {one["schema"]["type"] for one in found} == {"object"}
