"""What the catalog has of models, mirrored in a real MLflow registry that is embedded in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

from mlstack_nb import Client, Model, pipeline, step
from mlstack_nb.app import components, stacks
from mlstack_nb.app.models import mirror
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, NotFoundError


@step
def load(n: int) -> int:
    return n


@step
def train(slope: int) -> LinearRegression:
    return LinearRegression().fit([[0.0], [1.0]], [0.0, float(slope)])


def training(model: Model) -> Any:
    @pipeline(name="training", model=model)
    def run(n: int = 1) -> None:
        train(load(n))

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where MLflow is, for all tests: its tables take seconds to make."""
    return tmp_path_factory.mktemp("mlflow")


def use_registry(workspace: Path, **configuration: Any) -> None:
    place = Workspace(workspace)
    components.register(place, Kind.MODEL_REGISTRY, "registry", flavor="mlflow", configuration=configuration)
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.MODEL_REGISTRY: "registry"}
    stacks.register(place, "with-registry", parts)
    stacks.activate(place, "with-registry")


@pytest.fixture
def registry(workspace: Path, folder: Path) -> MlflowClient:
    use_registry(workspace, folder=str(folder))
    uri = f"sqlite:///{folder}/mlflow.db"
    return MlflowClient(uri, registry_uri=uri)


def registered(registry: MlflowClient, name: str) -> dict[str, dict[str, str]]:
    """Number of our version -> tags of the registered one."""
    found = registry.search_model_versions(f"name='{name}'")
    return {version.tags["mlstack.number"]: version.tags for version in found}


def test_versions_are_registered_once_and_only_their_models(registry: MlflowClient) -> None:
    run = training(Model("mirrored", license="MIT", tags=["bank"]))
    first, _, again = run(1), run(2), run(1)
    assert again.state == "cached"
    found = registered(registry, "mirrored")
    assert sorted(found) == ["1", "2"]
    assert found["1"]["mlstack.artifact"] == "training::train::output"
    assert (found["1"]["mlstack.run_id"], found["1"]["bank"]) == (first.id, "true")
    assert registry.get_registered_model("mirrored").tags == {"mlstack.license": "MIT", "bank": "true"}
    assert [entry.uri for entry in Model("mirrored", version=1).registered] == ["models:/mirrored/1"]


def test_stages_tags_metadata_and_deletions_follow(registry: MlflowClient) -> None:
    run = training(Model("followed"))
    run(1)
    run(2)
    client = Client()
    client.update_model_version("followed", 1, stage="production")
    client.update_model_version("followed", 2, stage="production", force=True, description="better", add_tags=["ok"])
    Model("followed", version=2).log_metadata({"auc": 0.9})
    champion = registry.get_model_version_by_alias("followed", "production")
    assert (champion.tags["mlstack.number"], champion.description) == ("2", "better")
    assert (champion.tags["ok"], champion.tags["mlstack.metadata.auc"]) == ("true", "0.9")
    assert registered(registry, "followed")["1"]["mlstack.stage"] == "archived"

    client.update_model_version("followed", 2, remove_tags=["ok"])
    assert "ok" not in registered(registry, "followed")["2"]
    client.delete_model_version("followed", 1)
    assert sorted(registered(registry, "followed")) == ["2"]
    client.update_model("followed", name="renamed")
    assert registry.get_model_version_by_alias("renamed", "production").tags["mlstack.number"] == "2"
    client.delete_model("renamed")
    assert {"followed", "renamed"}.isdisjoint(model.name for model in registry.search_registered_models())


def test_a_model_that_is_not_to_be_registered_is_not(registry: MlflowClient) -> None:
    training(Model("private", save_models_to_registry=False))(1)
    assert registered(registry, "private") == {}
    assert Client().get_model_version("private").model_artifact_ids != {}


def test_a_registry_that_is_down_loses_nothing_and_is_told(
    workspace: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use_registry(workspace, tracking_uri="http://127.0.0.1:9")
    assert training(Model("late"))(1).state == "completed"
    told = capsys.readouterr().err
    assert "Warning: version 1 of model 'late' is recorded, but not in the model registry" in told
    assert "mlstack model sync" in told
    with pytest.raises(ConfigError, match="Model registry 'registry'"):
        list(mirror.sync_all(Workspace(workspace), "late"))

    components.update(
        Workspace(workspace), Kind.MODEL_REGISTRY, "registry", changes={"folder": str(folder)}, remove=["tracking_uri"]
    )
    ((version, entries),) = mirror.sync_all(Workspace(workspace), "late")
    assert (version.number, [entry.uri for entry in entries]) == (1, ["models:/late/1"])


def test_syncing_without_a_registry_says_how_to_get_one(workspace: Path) -> None:
    training(Model("fraud"))(1)
    with pytest.raises(ConfigError, match="has no model registry"):
        list(mirror.sync_all(Workspace(workspace), "fraud"))
    with pytest.raises(NotFoundError, match="froud"):
        list(mirror.sync_all(Workspace(workspace), "froud"))
