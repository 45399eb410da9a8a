"""The MLflow deployer with real scoring servers; what the service in front of them does is tested beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors.model_deployer.mlflow import MlflowDeployer
from mlstack_nb.flavors.serving.folder import ServiceFolder
from mlstack_nb.ports.model_deployer import Service, Wanted

DEPLOY = """
from pathlib import Path
from sklearn.linear_model import LinearRegression
from mlstack_nb.flavors.model_deployer.mlflow import MlflowDeployer
from mlstack_nb.ports.model_deployer import Wanted

deployer = MlflowDeployer("local", MlflowDeployer.Config(), Path({workspace!r}))
model = LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])
deployer.deploy(Wanted("fraud", model, "double"), None)
"""


class Length(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [len(model_input)]


class Weightless(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        raise RuntimeError("the weights are gone")

    def predict(self, context, model_input, params=None):
        return []


def double() -> LinearRegression:
    return LinearRegression().fit([[1.0], [2.0]], [2.0, 4.0])


def always(answer: int) -> DummyClassifier:
    return DummyClassifier(strategy="constant", constant=answer).fit([[0.0], [0.0]], [0, answer])


def deployer_in(workspace: Path) -> MlflowDeployer:
    return MlflowDeployer("local", MlflowDeployer.Config(), workspace)


def processes(service: Service) -> tuple[int, ...]:
    report = ServiceFolder(Path(service["folder"])).report()
    assert report is not None
    return tuple(process.pid for process in report.processes)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MlflowDeployer, Service]]:
    """A model that doubles, deployed by a process that has ended."""
    workspace = tmp_path_factory.mktemp("workspace")
    code = DEPLOY.format(workspace=str(workspace))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=workspace, capture_output=True)
    deployer = deployer_in(workspace)
    service = deployer.deploy(Wanted("fraud", double(), "double"), None)
    yield deployer, service
    deployer.delete(service)


def test_it_answers_after_the_process_that_deployed_it_has_ended(deployed: Any) -> None:
    deployer, service = deployed
    assert deployer.look(service).state is DeploymentState.RUNNING
    body = json.dumps({"inputs": [[3.0]]}).encode()
    request = urllib.request.Request(service["url"], body, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert json.load(answer)["predictions"] == [pytest.approx(6.0)]


@pytest.mark.parametrize(
    "data",
    [
        [[3.0], [4.0]],
        np.array([[3.0], [4.0]]),
        pd.DataFrame({"x": [3.0, 4.0]}),
        {"inputs": [[3.0], [4.0]]},
        {"dataframe_split": {"columns": ["x"], "data": [[3.0], [4.0]]}},
    ],
)
def test_it_predicts_of_lists_arrays_frames_and_what_the_protocol_has(deployed: Any, data: Any) -> None:
    deployer, service = deployed
    assert deployer.predict(service, data) == [pytest.approx(6.0), pytest.approx(8.0)]


def test_data_that_the_model_can_not_score_is_an_error_that_says_so(deployed: Any) -> None:
    deployer, service = deployed
    with pytest.raises(ConfigError, match="could not score the data"):
        deployer.predict(service, [["three"]])
    with pytest.raises(ConfigError, match="can not be sent as JSON"):
        deployer.predict(service, [object()])


def test_the_same_content_is_left_alone(deployed: Any) -> None:
    deployer, service = deployed
    before = processes(service)
    assert deployer.deploy(Wanted("fraud", double(), "double"), service) == service
    assert processes(service) == before


def test_it_listens_on_loopback_only_and_logs_to_a_file(deployed: Any) -> None:
    deployer, service = deployed
    assert service["url"].startswith("http://127.0.0.1:")
    assert "Uvicorn running" in deployer.logs(service)


def test_who_stops_waiting_for_a_first_start_leaves_nothing_running(tmp_path: Path) -> None:
    code = DEPLOY.format(workspace=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    folder = ServiceFolder(tmp_path / "deployments" / "fraud")
    while (report := folder.report()) is None:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    until_gone(report.processes[0].pid)
    last = folder.report()
    assert last is not None and last.state is DeploymentState.STOPPED


def test_what_nothing_can_serve_is_refused_before_anything_starts(tmp_path: Path) -> None:
    deployer = deployer_in(tmp_path)
    for model, said in ((StandardScaler(), "has no `predict`"), ({"a": 1}, "no flavor for a model of class builtins.")):
        with pytest.raises(ConfigError, match=said) as raised:
            deployer.deploy(Wanted("fraud", model, "x"), None)
        assert "PythonModel" in raised.value.hint
    assert ServiceFolder(tmp_path / "deployments" / "fraud").report() is None


def test_a_life_of_a_deployment(tmp_path: Path) -> None:
    """One after the other, for each start takes seconds: swap, failed swap, killed, started, stopped, deleted."""
    deployer = deployer_in(tmp_path)
    first = deployer.deploy(Wanted("fraud", always(1), "one"), None)
    service = deployer.deploy(Wanted("fraud", Length(), "length", replicas=2), first)
    assert (service["url"], deployer.digest(service)) == (first["url"], "length")
    assert deployer.predict(service, [[5.0], [6.0], [7.0]]) == [3]
    assert deployer.look(service).replicas == 2
    assert [path.name for path in (Path(service["folder"]) / "models").iterdir()] == ["length"]

    with pytest.raises(ConfigError, match="RuntimeError: the weights are gone"):
        deployer.deploy(Wanted("fraud", Weightless(), "weightless"), service)
    assert deployer.predict(service, [[5.0]]) == [1]

    front, *replicas = processes(service)
    os.kill(front, signal.SIGKILL)
    until_gone(front)
    standing = deployer.look(service)
    assert (standing.state, standing.reason) == (DeploymentState.FAILED, "its process was killed")
    for replica in replicas:
        until_gone(replica)

    service = deployer.start(service)
    assert service["url"] == first["url"]
    assert deployer.predict(service, [[5.0]]) == [1]

    deployer.stop(service)
    assert deployer.look(service).state is DeploymentState.STOPPED
    with pytest.raises(ConfigError, match="is stopped"):
        deployer.predict(service, [[5.0]])
    deployer.delete(service)
    assert not Path(service["folder"]).exists()


def until_gone(pid: int) -> None:
    for _ in range(400):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    raise AssertionError(pid)


def test_a_stored_model_is_deployed_by_its_address(tmp_path: Path) -> None:
    mlflow.sklearn.save_model(double(), str(tmp_path / "model"), pip_requirements=["scikit-learn"])
    deployer = deployer_in(tmp_path)
    service = deployer.deploy(Wanted("fraud", str(tmp_path / "model")), None)
    try:
        before = processes(service)
        assert deployer.deploy(Wanted("fraud", str(tmp_path / "model")), service) == service
        assert processes(service) == before
        assert deployer.predict(service, [[3.0]]) == [pytest.approx(6.0)]
    finally:
        deployer.delete(service)


def test_an_address_without_a_model_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="is no MLflow model: it has no file MLmodel"):
        deployer_in(tmp_path).deploy(Wanted("fraud", str(tmp_path / "empty")), None)
    with pytest.raises(ConfigError, match=r"Model deployer 'local' .* failed"):
        deployer_in(tmp_path).deploy(Wanted("fraud", str(tmp_path / "nowhere")), None)
