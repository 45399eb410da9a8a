"""The MLflow registry for real: embedded, and a server process on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression

from mlstack_nb.core.model import Stage
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors.model_deployer.mlflow import MlflowDeployer
from mlstack_nb.flavors.model_registry.mlflow import MlflowRegistry
from mlstack_nb.ports.model_deployer import Wanted
from mlstack_nb.ports.model_registry import Entry, Told


def registry(workspace: Path, **configuration: Any) -> MlflowRegistry:
    return MlflowRegistry("registry", MlflowRegistry.Config(**configuration), workspace)


def double() -> LinearRegression:
    return LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}


def unloaded() -> Any:
    raise AssertionError("what is registered already is not loaded")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The uri of a real MLflow server, which has its artifacts itself."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # it would start seven more processes
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        for _ in range(600):
            try:
                direct.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose MLflow has its tables, which take seconds to make."""
    workspace = tmp_path_factory.mktemp("workspace")
    registry(workspace).put_model("first", description="", tags={})
    return workspace


@pytest.fixture(params=["embedded", "server"])
def component(request: pytest.FixtureRequest, embedded: Path) -> MlflowRegistry:
    if request.param == "embedded":
        return registry(embedded)
    return registry(embedded, tracking_uri=request.getfixturevalue("server"))


@pytest.fixture
def client(component: MlflowRegistry) -> MlflowClient:
    return MlflowClient(component.uri, registry_uri=component.uri)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A model of the test's own, for the registries are shared."""
    return request.node.name.replace("[", " ").replace("]", "")


def test_a_version_is_a_logged_model_with_aliases_and_tags(
    component: MlflowRegistry, client: MlflowClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    component.put_model(name, description="finds it", tags={"mlstack.license": "MIT", "fraud": "true"})
    made = component.register(Entry(name, 1, "p::train::model", "d1", run_id="r1"), double)
    told = Told("1", Stage.PRODUCTION, "the first", {"reviewed": "true"}, {"auc": 0.9, "best": {"depth": 3}})
    component.describe(name, 1, told)

    model = client.get_registered_model(name)
    assert (model.description, model.tags) == ("finds it", {"mlstack.license": "MIT", "fraud": "true"})
    version = client.get_model_version_by_alias(name, "production")
    assert (str(version.version), version.description) == (made.version, "the first")
    assert version.source.startswith("models:/m-")
    assert version.tags == {
        "mlstack.number": "1",
        "mlstack.version": "1",
        "mlstack.stage": "production",
        "mlstack.artifact": "p::train::model",
        "mlstack.digest": "d1",
        "mlstack.run_id": "r1",
        "mlstack.metadata.auc": "0.9",
        "mlstack.metadata.best": '{"depth": 3}',
        "reviewed": "true",
    }
    monkeypatch.setenv("MLFLOW_TRACKING_URI", component.uri)
    assert mlflow.pyfunc.load_model(made.uri).predict([[3.0]]) == [pytest.approx(6.0)]


def test_the_same_again_changes_nothing_and_loads_nothing(component: MlflowRegistry, name: str) -> None:
    component.put_model(name, description="", tags={})
    made = component.register(Entry(name, 1, "model", "d1"), double)
    for _ in range(2):
        component.put_model(name, description="", tags={})
        assert component.register(Entry(name, 1, "model", "d1"), unloaded) == made
        component.describe(name, 1, Told("1", Stage.STAGING))
    assert component.entries(name, 1) == [made]


def test_a_stage_moves_from_version_to_version(component: MlflowRegistry, client: MlflowClient, name: str) -> None:
    component.put_model(name, description="", tags={})
    first = component.register(Entry(name, 1, "model", "d1"), double)
    second = component.register(Entry(name, 2, "model", "d2"), double)
    component.describe(name, 1, Told("1", Stage.PRODUCTION))
    component.describe(name, 2, Told("2", Stage.PRODUCTION))
    component.describe(name, 1, Told("1", Stage.ARCHIVED))
    assert aliases(client, name) == {"production": second.version}
    assert client.get_model_version(name, first.version).tags["mlstack.stage"] == "archived"
    component.describe(name, 2, Told("2", Stage.NONE))
    assert aliases(client, name) == {}


def test_what_was_taken_back_goes_and_what_others_put_there_stays(
    component: MlflowRegistry, client: MlflowClient, name: str
) -> None:
    component.put_model(name, description="", tags={"old": "true"})
    made = component.register(Entry(name, 1, "model", "d1"), double)
    client.set_registered_model_tag(name, "owner", "ann")
    client.set_model_version_tag(name, made.version, "checked", "by hand")
    client.set_registered_model_alias(name, "canary", made.version)
    component.describe(name, 1, Told("1", Stage.NONE, tags={"old": "true"}))
    component.put_model(name, description="", tags={})
    component.describe(name, 1, Told("1", Stage.NONE))
    model, version = client.get_registered_model(name), client.get_model_version(name, made.version)
    assert (model.tags, aliases(client, name)) == ({"owner": "ann"}, {"canary": made.version})
    assert version.tags["checked"] == "by hand" and "old" not in version.tags


def test_deleting_a_model_leaves_versions_that_others_registered(
    component: MlflowRegistry, client: MlflowClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", component.uri)
    component.put_model(name, description="", tags={})
    made = component.register(Entry(name, 1, "model", "d1"), double)
    component.register(Entry(name, 2, "model", "d2"), double)
    component.delete(name, 1)
    assert (component.entries(name, 1), len(component.entries(name, 2))) == ([], 1)
    source = client.get_model_version(name, str(int(made.version) + 1)).source
    theirs = client.create_model_version(name, source, model_id=source.removeprefix("models:/"))
    component.delete(name)
    assert [one.version for one in client.search_model_versions(f"name='{name}'")] == [theirs.version]
    client.delete_model_version(name, theirs.version)
    component.delete(name)
    component.delete(name)
    assert client.search_registered_models(f"name='{name}'") == []


def test_a_model_of_a_tracked_step_is_logged_in_the_tracked_run(
    component: MlflowRegistry, client: MlflowClient, name: str, tmp_path: Path
) -> None:
    experiment = client.create_experiment(name, artifact_location=tmp_path.as_uri())
    run = client.create_run(experiment).info
    component.put_model(name, description="", tags={})
    made = component.register(Entry(name, 1, "model", "d1", tracker_run=run.run_id), double)
    version = client.get_model_version(name, made.version)
    assert version.run_id == run.run_id
    logged = client.get_logged_model(version.source.removeprefix("models:/"))
    assert (logged.source_run_id, logged.experiment_id) == (run.run_id, experiment)


def test_where_the_users_own_code_tracks_is_no_matter(embedded: Path, name: str, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    try:
        component = registry(embedded)
        component.put_model(name, description="", tags={})
        component.register(Entry(name, 1, "model", "d1"), double)
        assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/own.db"
        assert not (tmp_path / "own.db").exists()
    finally:
        mlflow.set_tracking_uri(None)


def test_a_run_of_another_tracker_is_no_obstacle(embedded: Path, name: str) -> None:
    component = registry(embedded)
    component.put_model(name, description="", tags={})
    assert component.register(Entry(name, 1, "model", "d1", tracker_run="of-wandb"), double).version == "1"


def test_a_registered_version_is_deployed_by_its_alias(embedded: Path, name: str) -> None:
    component = registry(embedded)
    component.put_model(name, description="", tags={})
    component.register(Entry(name, 1, "model", "d1"), double)
    component.describe(name, 1, Told("1", Stage.PRODUCTION))
    deployer = MlflowDeployer("local", MlflowDeployer.Config(), embedded)
    service = deployer.deploy(Wanted("doubling", f"models:/{name}@production"), None)
    try:
        assert deployer.predict(service, [[3.0]]) == [pytest.approx(6.0)]
    finally:
        deployer.delete(service)
    with pytest.raises(ConfigError, match="staging not found"):
        deployer.deploy(Wanted("doubling", f"models:/{name}@staging"), None)


def test_what_is_no_model_for_mlflow_is_told(embedded: Path, name: str) -> None:
    component = registry(embedded)
    component.put_model(name, description="", tags={})
    with pytest.raises(ConfigError, match=r"no flavor for a model of class builtins.dict"):
        component.register(Entry(name, 1, "model", "d1"), lambda: {"a": 1})
    assert component.entries(name, 1) == []


def test_a_server_that_is_down_is_told_within_seconds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Model registry 'registry' .* failed") as raised:
        registry(tmp_path, tracking_uri="http://127.0.0.1:9").put_model("fraud", description="", tags={})
    assert "curl http://127.0.0.1:9/health" in raised.value.hint
