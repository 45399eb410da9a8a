"""`mlstack deployment`, with a real MLflow scoring server."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from mlstack_nb import Client
from mlstack_nb.app import deployments
from mlstack_nb.app.workspace import Workspace
from tests.cli.conftest import Mlstack


def test_a_deployment_is_listed_asked_stopped_started_and_deleted(mlstack: Mlstack, workspace: Path) -> None:
    """In one go, since each start of a scoring server takes seconds."""
    mlstack("component", "register", "model_deployer", "local", "--flavor", "mlflow")
    mlstack("stack", "register", "serving", "-o", "default", "-a", "default", "-d", "local", "--set")
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    Client().active_stack.model_deployer.deploy_model(model=model, model_name="slope")
    try:
        (found,) = mlstack("deployment", "list", "--json").json
        assert (found["name"], found["status"], found["replicas"]) == ("slope", "running", 1)
        assert mlstack("deployment", "list").out.splitlines()[1].split()[:3] == ["slope", "running", "1/1"]
        assert mlstack("deployment", "describe", "slope", "--json").json == found
        assert f"url         {found['prediction_url']}" in mlstack("deployment", "describe", "slope").out
        assert "Uvicorn running" in mlstack("deployment", "logs", "slope").out

        assert mlstack("deployment", "predict", "slope", "[[3.0]]").json == [pytest.approx(6.0)]
        Path("rows.csv").write_text("x\n3.0\n4.0\n")
        assert mlstack("deployment", "predict", "slope", "-f", "rows.csv").json == pytest.approx([6.0, 8.0])
        Path("rows.json").write_text('{"inputs": [[5.0]]}')
        assert mlstack("deployment", "predict", "slope", "-f", "rows.json").json == [pytest.approx(10.0)]
        assert "could not score the data" in mlstack("deployment", "predict", "slope", '[["a"]]').err

        assert mlstack("deployment", "stop", "slope").out.startswith("slope: stopped")
        done = mlstack("deployment", "predict", "slope", "[[3.0]]")
        assert (done.code, "mlstack deployment start slope" in done.err) == (1, True)
        assert mlstack("deployment", "start", "slope").out == f"slope: running at {found['prediction_url']}\n"
        assert mlstack("deployment", "predict", "slope", "[[3.0]]").json == [pytest.approx(6.0)]
        assert mlstack("deployment", "delete", "slope", "--yes").out == "Deleted deployment 'slope'.\n"
        assert mlstack("deployment", "list", "--json").json == []
    finally:
        for one in deployments.list_all(Workspace(workspace)):
            one.delete()


def test_there_being_none_is_said(mlstack: Mlstack) -> None:
    assert mlstack("deployment", "list").out == "No deployments.\n"
    assert "No deployment is called 'slope'." in mlstack("deployment", "describe", "slope").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give the data either as JSON or by a file."),
        (("1", "-f", "x.json"), "Give the data either as JSON or by a file."),
        (("{",), "The data is no JSON"),
        (("-f", "nowhere.json"), "There is no file nowhere.json."),
    ],
)
def test_data_that_can_not_be_read_is_told(mlstack: Mlstack, words: tuple[str, ...], said: str) -> None:
    done = mlstack("deployment", "predict", "slope", *words)
    assert done.code == 2 and said in done.err
