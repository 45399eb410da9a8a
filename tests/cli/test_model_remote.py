"""Models of runs that real Dask workers carry out: they have the store and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TRAINING = """
from mlstack_nb import Model, get_step_context, log_model_metadata, pipeline, step

@step
def load() -> int:
    return 3

@step(model=Model("scorer"))
def score(x: int) -> int:
    print(get_step_context().model.name)
    log_model_metadata({"auc": 0.9})
    return x + 1

@pipeline(model=Model("fraud", license="MIT"))
def training() -> None:
    score(load())
"""


DEPLOYING = """
from mlstack_nb import Client, pipeline, step

@step
def deploy() -> str:
    return str(Client().active_stack.model_deployer.deploy_model(model="models:/fraud/1", model_name="fraud"))

@pipeline
def deploying() -> None:
    deploy()
"""


@pytest.fixture(autouse=True)
def remote(mlstack: Any, dask_engine: str) -> None:
    mlstack("component", "register", "orchestrator", "cluster", "--flavor", "dask", "--address", dask_engine)
    mlstack("component", "register", "model_deployer", "local", "--flavor", "mlflow")
    mlstack("stack", "register", "remote", "-o", "cluster", "-a", "default", "-d", "local", "--set")


def test_what_a_remote_run_gave_belongs_to_its_models_once(mlstack: Any) -> None:
    Path("run.py").write_text(TRAINING)
    done = mlstack("run", "run.py")
    assert done.code == 0, done.err
    assert "score | scorer" in done.err
    run = mlstack("runs", "show", "--json").json
    assert {(one["model"], one["version"]) for one in run["models"]} == {("fraud", "1"), ("scorer", "1")}
    fraud = mlstack("model", "show", "fraud", "1", "--json").json
    assert [artifact["name"] for artifact in fraud["artifacts"]] == ["training::load::output"]
    assert mlstack("model", "show", "fraud", "--json").json["license"] == "MIT"
    scorer = mlstack("model", "show", "scorer", "1", "--json").json
    assert [artifact["name"] for artifact in scorer["artifacts"]] == ["training::score::output"]
    assert scorer["metadata"] == {"auc": 0.9}


def test_a_deployer_of_this_machine_does_not_deploy_on_a_node(mlstack: Any) -> None:
    Path("deploying.py").write_text(DEPLOYING)
    done = mlstack("run", "deploying.py")
    assert done.code == 1
    assert "runs on a node, which keeps nothing" in done.err
