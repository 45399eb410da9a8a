"""Deployments as steps and people make them, with real MLflow scoring servers."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LinearRegression

from mlstack_nb import Client, Model, pipeline, step
from mlstack_nb.app import components, deployments, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError, UsageError
from mlstack_nb.flavors.serving.folder import ServiceFolder


@step
def train(slope: int) -> LinearRegression:
    return LinearRegression().fit([[0.0], [1.0]], [0.0, float(slope)])


@step
def deploy(model: LinearRegression) -> str:
    deployer = Client().active_stack.model_deployer
    return str(deployer.deploy_model(config={"model": model, "model_name": "slope", "replicas": 1}))


@pipeline(model=Model("slope"))
def deploying(slope: int = 2) -> None:
    deploy(train(slope))


@pytest.fixture
def place(workspace: Path) -> Iterator[Workspace]:
    """A workspace whose active stack has a deployer; nothing that was deployed in it is left behind."""
    found = Workspace(workspace)
    components.register(found, Kind.MODEL_DEPLOYER, "local", flavor="mlflow")
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.MODEL_DEPLOYER: "local"}
    stacks.register(found, "serving", parts)
    stacks.activate(found, "serving")
    yield found
    for one in deployments.list_all(found):
        one.delete()


def test_a_step_deploys_and_what_it_gave_lives_on(place: Workspace) -> None:
    """In one go, since each start of a scoring server takes seconds."""
    first = deploying(2)
    found = deployments.find(place, "slope")
    assert str(found) == f"slope: running at {found.prediction_url}"
    assert Client().get_artifact_version("deploying::deploy::output").load() == str(found)
    assert (found.run_id, found.step, found.replicas, found.wanted_replicas) == (first.id, "deploy", 1, 1)
    assert found.predict([[3.0]]) == [pytest.approx(6.0)]
    assert Client().get_model_version("slope", 1).deployments == ["slope"]
    assert pickle.loads(pickle.dumps(found)) == found

    same = Client().active_stack.model_deployer.deploy_model(
        model=Client().get_artifact_version("deploying::train::output").load(), model_name="slope"
    )
    assert (same.prediction_url, same.model, same.created_at) == (found.prediction_url, found.model, found.created_at)

    deploying(5)
    assert found.refresh().prediction_url == found.prediction_url
    assert found.predict([[3.0]]) == [pytest.approx(15.0)]
    assert found.refresh().model != found.model

    report = ServiceFolder(place.root / "deployments" / "slope").report()
    assert report is not None
    os.kill(report.processes[0].pid, signal.SIGKILL)
    until_gone(found)
    killed = found.refresh()
    assert (killed.status, killed.reason, killed.is_running) == ("failed", "its process was killed", False)
    with pytest.raises(ConfigError, match="Deployment 'slope' is failed") as raised:
        found.predict([[3.0]])
    assert raised.value.hint == "Run: mlstack deployment start slope"

    assert found.start().is_running
    assert found.stop().status == "stopped"
    found.delete()
    with pytest.raises(NotFoundError, match="slope"):
        found.refresh()


def until_gone(found: deployments.Deployment) -> None:
    for _ in range(200):
        if not found.refresh().is_running:
            return
        time.sleep(0.05)
    raise AssertionError(found.refresh())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": 1, "model_name": "a", "replica": 2}, "Did you mean 'replicas'?"),
        ({"model": 1}, "Give it: config="),
        ({"model_name": "a"}, "Give it: config="),
        ({"model": 1, "model_name": "a/b"}, "without slashes"),
        ({"model": 1, "model_name": ".."}, "Choose another."),
        ({"model": 1, "model_name": "a", "replicas": 0}, "Give a number from 1."),
        ({"model": 1, "model_name": "a", "port": "http"}, "Give a number below 65536."),
        ({"model": 1, "model_name": "a", "timeout_s": 0}, "Give seconds above zero."),
    ],
)
def test_options_that_are_wrong_say_what_to_give(place: Workspace, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        Client().active_stack.model_deployer.deploy_model(config=given)
    assert said in raised.value.hint


def test_what_can_not_be_served_leaves_no_deployment(place: Workspace) -> None:
    with pytest.raises(ConfigError, match="no flavor for a model"):
        Client().active_stack.model_deployer.deploy_model(model={"a": 1}, model_name="bad")
    assert deployments.list_all(place) == []


def test_a_stack_without_a_deployer_has_none(workspace: Path) -> None:
    assert Client().active_stack.model_deployer is None


def test_a_deployment_of_a_deployer_that_is_gone_reads_as_failed_and_says_why(place: Workspace) -> None:
    from mlstack_nb.catalog import deployments as rows
    from mlstack_nb.core.deployment import DeploymentRecord, DeploymentState

    record = DeploymentRecord(
        "old", "gone", DeploymentState.RUNNING, "http://127.0.0.1:1/invocations", "d", {}, {}, None, None, 1.0, 1.0
    )
    with place.catalog.write() as connection:
        rows.put_deployment(connection, record)
    (found,) = deployments.list_all(place)
    assert (found.status, "which is not registered" in found.reason) == ("failed", True)
    with pytest.raises(ConflictError, match="one of model deployer 'gone'"):
        Client().active_stack.model_deployer.deploy_model(model=1, model_name="old")
    with place.catalog.write() as connection:
        rows.delete_deployment(connection, "old")
