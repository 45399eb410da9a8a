from __future__ import annotations

from pathlib import Path

import pytest

from mlstack_nb.app import components, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError, UsageError

PARTS = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default"}
TRACKER = Kind.EXPERIMENT_TRACKER


@pytest.fixture
def here(workspace: Path) -> Workspace:
    found = Workspace(workspace)
    components.register(found, TRACKER, "t", flavor="mlflow")
    return found


def names(here: Workspace) -> list[str]:
    return [stack["name"] for stack in stacks.list_all(here)]


def test_a_registered_stack_is_listed_and_described(here: Workspace) -> None:
    stacks.register(here, "mine", {TRACKER: "t", **PARTS})
    expected = {"orchestrator": "default", "artifact_store": "default", "experiment_tracker": "t"}
    assert {"name": "mine", "active": False, "components": expected} in stacks.list_all(here)
    described = stacks.describe(here, "mine")
    assert described["components"]["experiment_tracker"] == {"flavor": "mlflow", "name": "t", "configuration": {}}
    assert (described["active"], described["active_by"]) == (False, None)


def test_the_set_stack_is_the_active_one(here: Workspace) -> None:
    stacks.register(here, "mine", PARTS)
    stacks.activate(here, "mine")
    assert here.active_stack().name == "mine"
    assert [stack["name"] for stack in stacks.list_all(here) if stack["active"]] == ["mine"]
    assert stacks.describe(here)["active_by"] == f"the workspace {here.root}"


def test_an_unknown_stack_is_not_set(here: Workspace) -> None:
    with pytest.raises(NotFoundError) as error:
        stacks.activate(here, "defaut")
    assert error.value.hint == "Did you mean 'default'?"
    assert here.active_stack().name == "default"


def test_a_stack_needs_an_orchestrator_and_an_artifact_store(here: Workspace) -> None:
    with pytest.raises(ConfigError, match="Stack 'mine' has no orchestrator and no artifact_store") as error:
        stacks.register(here, "mine", {TRACKER: "t"})
    assert "--orchestrator default --artifact-store default" in error.value.hint


def test_an_unknown_component_registers_nothing(here: Workspace) -> None:
    with pytest.raises(NotFoundError, match="No experiment_tracker is called 'u'"):
        stacks.register(here, "mine", {**PARTS, TRACKER: "u"})
    assert names(here) == ["default"]


def test_a_taken_or_unfit_name_is_refused(here: Workspace) -> None:
    with pytest.raises(ConflictError, match="a stack called 'default' already"):
        stacks.register(here, "default", PARTS)
    with pytest.raises(UsageError, match="can not be the name of a stack: it has a slash"):
        stacks.register(here, "a/b", PARTS)


def test_an_update_puts_components_in_and_takes_them_out(here: Workspace) -> None:
    stacks.register(here, "mine", PARTS)
    assert [part.name for part in stacks.update(here, "mine", {TRACKER: "t"}).components] == ["default", "default", "t"]
    assert stacks.update(here, "mine", {}, remove=[TRACKER]).get(TRACKER) is None
    with pytest.raises(ConfigError, match="has no artifact_store"):
        stacks.update(here, "mine", {}, remove=[Kind.ARTIFACT_STORE])


def test_a_copy_shares_the_components(here: Workspace) -> None:
    stacks.copy(here, "default", new="mine")
    assert stacks.describe(here, "mine")["components"] == stacks.describe(here, "default")["components"]
    with pytest.raises(ConflictError):
        stacks.copy(here, "default", new="mine")


def test_the_active_stack_stays_active_under_its_new_name(here: Workspace) -> None:
    stacks.copy(here, "default", new="mine")
    stacks.activate(here, "mine")
    stacks.rename(here, "mine", new="ours")
    assert here.active_stack().name == "ours"
    assert names(here) == ["default", "ours"]


def test_the_active_stack_is_not_deleted(here: Workspace) -> None:
    stacks.copy(here, "default", new="mine")
    stacks.activate(here, "mine")
    with pytest.raises(ConflictError, match="is the active stack") as error:
        stacks.delete(here, "mine")
    assert error.value.hint == "Set another: mlstack stack set default"
    stacks.activate(here, "default")
    stacks.delete(here, "mine")
    assert names(here) == ["default"]


def test_the_default_stack_stays_as_it_is(here: Workspace) -> None:
    for attempt in (
        lambda: stacks.delete(here, "default"),
        lambda: stacks.rename(here, "default", new="x"),
        lambda: stacks.update(here, "default", {TRACKER: "t"}),
    ):
        with pytest.raises(ConflictError, match="The stack 'default' can not be"):
            attempt()
    assert names(here) == ["default"]
