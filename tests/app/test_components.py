from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb import pipeline, step
from mlstack_nb.app import components, configuration, runs, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, MlstackError, NotFoundError, UsageError
from mlstack_nb.flavors.orchestrator.local import LocalOrchestrator
from mlstack_nb.ports.component import NoConfiguration

TRACKER = Kind.EXPERIMENT_TRACKER
STORE = Kind.ARTIFACT_STORE
URI = "http://localhost:5000"


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


def names(here: Workspace, kind: Kind) -> list[str]:
    return [component["name"] for component in components.list_all(here, kind)]


def test_a_registered_component_is_listed_and_described(here: Workspace) -> None:
    components.register(here, STORE, "big", flavor="local", configuration={"path": "/data"})
    expected = {"kind": "artifact_store", "name": "big", "flavor": "local", "configuration": {"path": "/data"}}
    assert expected in components.list_all(here)
    assert components.describe(here, STORE, "big") == {**expected, "stacks": []}


def test_only_what_was_set_is_stored(here: Workspace) -> None:
    found = components.register(here, TRACKER, "t", flavor="mlflow", configuration={"tracking_insecure_tls": "true"})
    assert found.configuration == {"tracking_insecure_tls": True}


def test_secrets_are_stored_but_never_shown(here: Workspace) -> None:
    values = {"tracking_uri": URI, "tracking_token": "s3cret"}
    registered = components.register(here, TRACKER, "t", flavor="mlflow", configuration=values)
    stacks.register(here, "s", {Kind.ORCHESTRATOR: "default", STORE: "default", TRACKER: "t"})
    assert registered.configuration["tracking_token"] == "s3cret"
    assert registered.secret_fields == {"tracking_password", "tracking_token"}
    shown = [components.list_all(here), components.describe(here, TRACKER, "t"), stacks.describe(here, "s")]
    assert "s3cret" not in str(shown)
    assert shown[1]["configuration"]["tracking_token"] == "********"


@pytest.mark.parametrize(
    ("values", "what", "hint"),
    [
        ({"tracking_urii": URI}, "there is no field 'tracking_urii'", "Did you mean 'tracking_uri'?"),
        ({"zzz": 1}, "there is no field 'zzz'", "Its fields are: tracking_uri, folder, "),
        ({"tracking_insecure_tls": "perhaps"}, "field 'tracking_insecure_tls': input should be a valid boolean", ""),
        ({"tracking_uri": "carrier-pigeon://x"}, "field 'tracking_uri': begin it with http://", ""),
        ({"tracking_urii": URI, "experiment_name": []}, "field 'experiment_name'", "Did you mean"),
    ],
)
def test_a_wrong_configuration_names_component_field_and_problem(
    here: Workspace, values: dict[str, Any], what: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as error:
        components.register(here, TRACKER, "t", flavor="mlflow", configuration=values)
    assert error.value.what.startswith("experiment_tracker 't' (flavor mlflow): ")
    assert what in error.value.what
    assert hint in error.value.hint
    assert names(here, TRACKER) == []


def test_a_wrong_secret_is_not_repeated_in_the_error(here: Workspace) -> None:
    with pytest.raises(ConfigError) as error:
        components.register(here, TRACKER, "t", flavor="mlflow", configuration={"tracking_token": ["s3cret"]})
    assert "s3cret" not in str(error.value)
    assert "field 'tracking_token'" in error.value.what


def test_a_flavor_without_configuration_says_so(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalOrchestrator, "Config", NoConfiguration)
    with pytest.raises(ConfigError) as error:
        components.register(here, Kind.ORCHESTRATOR, "o", flavor="local", configuration={"speed": 1})
    assert error.value.hint == "This flavor has nothing to configure."


def test_an_unknown_flavor_offers_the_nearest(here: Workspace) -> None:
    with pytest.raises(NotFoundError, match="experiment_tracker flavor is called 'mlfow'") as error:
        components.register(here, TRACKER, "t", flavor="mlfow")
    assert error.value.hint == "Did you mean 'mlflow'?"


@pytest.mark.parametrize("name", ["", "a" * 101, "a/b", "a\\b", "a\nb", " a", "a\x00", "-o"])
def test_names_that_would_break_files_or_commands_are_refused(here: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="can not be the name of an artifact_store"):
        components.register(here, STORE, name, flavor="local")


@pytest.mark.parametrize("name", ["a", "é" * 100, "my store", "v1.2_x"])
def test_other_names_are_fine(here: Workspace, name: str) -> None:
    components.register(here, STORE, name, flavor="local")
    assert name in names(here, STORE)


def test_a_taken_name_is_a_conflict_within_its_kind(here: Workspace) -> None:
    components.register(here, STORE, "x", flavor="local")
    components.register(here, TRACKER, "x", flavor="mlflow")
    with pytest.raises(ConflictError, match="There is an artifact_store called 'x' already"):
        components.register(here, STORE, "x", flavor="local", configuration={"path": "/data"})


def test_an_update_changes_some_fields_and_keeps_the_rest(here: Workspace) -> None:
    values = {"tracking_uri": URI, "tracking_token": "s3cret", "experiment_name": "a"}
    components.register(here, TRACKER, "t", flavor="mlflow", configuration=values)
    found = components.update(here, TRACKER, "t", changes={"tracking_uri": URI + "1"}, remove=["experiment_name"])
    assert found.configuration == {"tracking_uri": URI + "1", "tracking_token": "s3cret"}


def test_an_update_that_does_not_fit_changes_nothing(here: Workspace) -> None:
    components.register(here, TRACKER, "t", flavor="mlflow", configuration={"experiment_name": "a"})
    with pytest.raises(ConfigError):
        components.update(here, TRACKER, "t", changes={"experiment_name": "b", "nope": 1})
    assert components.describe(here, TRACKER, "t")["configuration"] == {"experiment_name": "a"}


def test_a_renamed_component_stays_in_its_stacks(here: Workspace) -> None:
    components.copy(here, STORE, "default", new="mine")
    stacks.register(here, "s", {Kind.ORCHESTRATOR: "default", STORE: "mine"})
    components.rename(here, STORE, "mine", new="ours")
    assert stacks.describe(here, "s")["components"]["artifact_store"]["name"] == "ours"
    assert components.describe(here, STORE, "ours")["stacks"] == ["s"]


def test_a_component_in_use_is_not_deleted_and_the_stacks_are_named(here: Workspace) -> None:
    components.copy(here, STORE, "default", new="mine")
    for name in ("s1", "s2"):
        stacks.register(here, name, {Kind.ORCHESTRATOR: "default", STORE: "mine"})
    with pytest.raises(ConflictError, match="in use by stacks 's1', 's2'"):
        components.delete(here, STORE, "mine")
    for name in ("s1", "s2"):
        stacks.delete(here, name)
    components.delete(here, STORE, "mine")
    assert names(here, STORE) == ["default"]


def test_the_default_components_stay_as_they_are(here: Workspace) -> None:
    attempts = (
        lambda: components.update(here, STORE, "default", changes={"path": "/data"}),
        lambda: components.rename(here, STORE, "default", new="x"),
        lambda: components.delete(here, Kind.ORCHESTRATOR, "default"),
        lambda: components.register(here, STORE, "default", flavor="local"),
    )
    for attempt in attempts:
        with pytest.raises(ConflictError):
            attempt()
    assert components.describe(here, STORE, "default")["configuration"] == {}


def test_a_tracker_may_be_called_default_and_deleted(here: Workspace) -> None:
    components.register(here, TRACKER, "default", flavor="mlflow")
    components.delete(here, TRACKER, "default")
    assert names(here, TRACKER) == []


def test_an_unknown_component_offers_the_nearest(here: Workspace) -> None:
    for attempt in (components.describe, components.delete, components.update):
        with pytest.raises(MlstackError) as error:
            attempt(here, STORE, "defalt")
        assert error.value.hint == "Did you mean 'default'?"


def test_flavors_are_listed_with_what_they_need() -> None:
    found = components.list_flavors(TRACKER)
    assert [(row["flavor"], row["extra"]) for row in found] == [("mlflow", "mlflow")]
    assert {row["kind"] for row in components.list_flavors()} >= {"orchestrator", "artifact_store"}


def test_the_fields_of_a_flavor_are_told_without_secrets() -> None:
    found = {field["name"]: field for field in configuration.fields(TRACKER, "mlflow")}
    assert found["tracking_token"]["secret"]
    assert (found["tracking_uri"]["type"], found["tracking_uri"]["required"]) == ("str | None", False)
    assert found["tracking_insecure_tls"]["default"] is False


def test_texts_stay_texts_where_the_field_is_one() -> None:
    typed = {"experiment_name": "[1]", "tracking_insecure_tls": "true"}
    assert configuration.from_text(TRACKER, "mlflow", typed) == typed
    assert configuration.json_or_text('{"a": [1]}') == {"a": [1]}
    assert configuration.json_or_text("{a") == "{a"


@pytest.mark.parametrize("workers", [0, -1, "many"])
def test_an_orchestrator_with_no_workers_is_refused(here: Workspace, workers: Any) -> None:
    with pytest.raises(ConfigError, match=r"orchestrator 'none' .*field 'workers'"):
        components.register(here, Kind.ORCHESTRATOR, "none", flavor="local", configuration={"workers": workers})


def test_steps_without_edges_between_them_run_at_once_where_workers_are_asked_for(here: Workspace) -> None:
    components.register(here, Kind.ORCHESTRATOR, "three", flavor="local", configuration={"workers": "3"})
    stacks.register(here, "fast", {Kind.ORCHESTRATOR: "three", Kind.ARTIFACT_STORE: "default"})
    stacks.activate(here, "fast")
    together = threading.Barrier(3, timeout=10)

    @step(enable_cache=False)
    def meet(number: int) -> int:
        together.wait()
        return number

    @step
    def total(a: int, b: int, c: int) -> int:
        return a + b + c

    @pipeline
    def meeting() -> None:
        total(meet(1), meet(2), meet(3))

    run = meeting()
    assert {one.step: one.state for one in run.steps} == dict.fromkeys(
        ["meet", "meet_2", "meet_3", "total"], State.COMPLETED
    )
    assert runs.show(here, run.id)["state"] == "completed"
