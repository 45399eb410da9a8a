from __future__ import annotations

import pytest

from mlstack_nb import Client, pipeline, step
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError


@pytest.fixture
def second(client: Client) -> Client:
    client.create_stack_component("tracking", "mlflow", "experiment_tracker", {"experiment_name": "mine"})
    parts = {"orchestrator": "default", "artifact_store": "default", "experiment_tracker": "tracking"}
    client.create_stack("second", parts)
    return client


def test_the_active_stack_has_live_components_and_none_for_the_rest(client: Client) -> None:
    stack = client.active_stack
    assert (stack.name, stack.orchestrator.name, stack.artifact_store.uri != "") == ("default", "default", True)
    kinds = ("experiment_tracker", "model_deployer", "model_registry", "alerter", "step_operator", "image_builder")
    assert [getattr(stack, kind) for kind in kinds] == [None] * 6
    assert set(stack.components) == {Kind.ORCHESTRATOR, Kind.ARTIFACT_STORE}
    with pytest.raises(AttributeError, match="did you mean 'orchestrator'"):
        stack.orchestrater  # noqa: B018


def test_a_stack_is_activated_by_name(second: Client) -> None:
    second.activate_stack("second")
    assert second.active_stack.name == second.active_stack_model.name == Client().get_stack().name == "second"
    assert second.active_stack.experiment_tracker.name == "tracking"
    with pytest.raises(NotFoundError) as error:
        second.activate_stack("secnd")
    assert error.value.hint == "Did you mean 'second'?"


def test_stacks_are_listed_changed_and_deleted(second: Client) -> None:
    assert [stack.name for stack in second.list_stacks()] == ["default", "second"]
    assert [stack.name for stack in second.list_stacks(name="startswith:s")] == ["second"]
    assert second.get_stack("second").components[Kind.EXPERIMENT_TRACKER][0].name == "tracking"
    changed = second.update_stack("second", name="third", component_updates={"experiment_tracker": []})
    assert (changed.name, Kind.EXPERIMENT_TRACKER in changed.components) == ("third", False)
    second.delete_stack("third")
    assert [stack.name for stack in second.list_stacks()] == ["default"]


def test_a_stack_goes_with_the_components_that_only_it_has(second: Client) -> None:
    second.delete_stack("second", recursive=True)
    assert second.list_stack_components(type="experiment_tracker").total == 0
    assert second.list_stack_components().total == 2


def test_a_stack_needs_its_two_components_and_a_free_name(second: Client) -> None:
    with pytest.raises(ConfigError, match="no artifact_store"):
        second.create_stack("poor", {"orchestrator": "default"})
    with pytest.raises(ConflictError):
        second.create_stack("second", {"orchestrator": "default", "artifact_store": "default"})


def test_components_may_be_given_as_lists_and_records(client: Client) -> None:
    store = client.get_stack_component("artifact_store", "default")
    made = client.create_stack("listed", {Kind.ORCHESTRATOR: ["default"], "artifact-store": [store]})
    assert made.components[Kind.ARTIFACT_STORE][0].name == "default"


def test_components_are_changed_and_deleted(second: Client) -> None:
    found = second.get_stack_component("experiment_tracker", "tracking")
    assert (found.name, found.type, found.flavor) == ("tracking", "experiment_tracker", "mlflow")
    changed = second.update_stack_component("tracking", "experiment_tracker", "tracks", {"experiment_name": "other"})
    assert (changed.name, changed.configuration["experiment_name"]) == ("tracks", "other")
    with pytest.raises(ConflictError, match="in use"):
        second.delete_stack_component("tracks", "experiment_tracker")
    second.delete_stack("second")
    second.delete_stack_component("tracks", "experiment_tracker")
    with pytest.raises(NotFoundError):
        second.get_stack_component("experiment_tracker", "tracks")
    with pytest.raises(NotFoundError, match="active stack has no model_deployer"):
        second.get_stack_component("model_deployer")


def test_in_a_step_the_active_stack_is_the_one_that_it_runs_on(second: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    @step(enable_cache=False)
    def look() -> None:
        Client().activate_stack("default")
        seen.append(Client().active_stack.name)

    @pipeline
    def looking():
        look()

    second.activate_stack("second")
    looking()
    assert seen == ["second"]
    assert Client().active_stack.name == "default"


def test_secrets_are_kept_changed_and_not_shown(client: Client) -> None:
    client.create_secret("cloud", {"key": "s3cret", "region": "here"})
    found = client.get_secret("cloud")
    assert found.secret_values == {"key": "s3cret", "region": "here"}
    assert "s3cret" not in repr(found)
    client.update_secret("cloud", add_or_update_values={"key": "new"}, remove_values=["region"])
    assert client.get_secret("cloud").secret_values == {"key": "new"}
    client.delete_secret("cloud")
    with pytest.raises(KeyError):
        client.get_secret("cloud")


def test_models_and_their_versions_are_kept(client: Client) -> None:
    client.create_model("fraud", description="finds fraud", tags=["tabular"])
    first = client.create_model_version("fraud")
    second = client.create_model_version("fraud", name="calibrated")
    assert (client.get_model("fraud").description, client.get_model("fraud").tags) == ("finds fraud", ["tabular"])
    assert [one.number for one in client.list_model_versions("fraud")] == [2, 1]
    assert client.get_model_version("fraud").name == "calibrated"
    client.update_model_version("fraud", 1, stage="production")
    assert client.get_model_version("fraud", "production").number == first.number
    with pytest.raises(ConflictError):
        second.set_stage("production")
    assert second.set_stage("production", force=True).stage == "production"
    assert client.get_model_version("fraud", 1).stage == "archived"
    assert client.get_model("fraud").latest_version_name == "calibrated"
    client.delete_model("fraud")
    with pytest.raises(KeyError):
        client.get_model("fraud")
