"""The lesson that this project started from: each code block of it, as it stands and with other import lines only."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.ensemble import GradientBoostingClassifier

from mlstack_nb import Client
from mlstack_nb.core.stack import Kind
from mlstack_nb.flavors import registry

LESSON = Path(__file__).parent / "lesson"
ZENML, NATIVE = "zenml", "native"
NATIVE_IMPORTS = {
    "from zenml import": "from mlstack_nb import",
    "from zenml.client import Client": "from mlstack_nb import Client",
    "from zenml.enums import ArtifactType": "from mlstack_nb import ArtifactType",
    "from zenml.integrations.mlflow.experiment_trackers import MLFlowExperimentTracker": (
        "from mlstack_nb.flavors.experiment_tracker.mlflow import MlflowTracker as MLFlowExperimentTracker"
    ),
    "from zenml.integrations.mlflow.model_deployers import MLFlowModelDeployer": (
        "from mlstack_nb.flavors.model_deployer.mlflow import MlflowDeployer as MLFlowModelDeployer"
    ),
    "from zenml.materializers.base_materializer import BaseMaterializer": "from mlstack_nb import BaseMaterializer",
}
NAME = "fraud-detection-training"


def features(rows: int = 300) -> pd.DataFrame:
    chance = np.random.default_rng(7)
    frame = pd.DataFrame(chance.normal(size=(rows, 3)), columns=["feature_1", "feature_2", "feature_3"])
    frame.insert(0, "user_id", np.arange(rows))
    noise = chance.normal(scale=0.3, size=rows)
    frame["label"] = (frame["feature_1"] + frame["feature_2"] + noise > 0).astype(int)
    return frame


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The uri of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    uri = f"http://localhost:{(port := free_port())}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "MLSTACK_"))}
    environment = {
        **kept,
        "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # it would start seven more processes
    }
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "artifacts")]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_healthy(uri, process, log)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _wait_until_healthy(uri: str, process: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        try:
            with direct.open(f"{uri}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(params=[ZENML, NATIVE])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lesson(way: str, own_modules: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lesson's project as the working directory; where it is native, with other import lines, and those only."""
    shutil.copytree(LESSON, own_modules, dirs_exist_ok=True)
    (own_modules / "data").mkdir()
    features().to_parquet(own_modules / "data" / "features.parquet")
    if way == NATIVE:
        monkeypatch.delenv("MLSTACK_COMPAT")
        for file in own_modules.rglob("*.py"):
            file.write_text("\n".join(map(natively, file.read_text().split("\n"))))
    return own_modules


def natively(line: str) -> str:
    for theirs, ours in NATIVE_IMPORTS.items():
        if line.strip().startswith(theirs):
            return line.replace(theirs, ours)
    return line


@pytest.fixture
def stacked(lesson: Path, server: str, mlstack: Callable[..., Any]) -> Path:
    """The lesson's project with its local stack, imported from its YAML, active; only places were changed in that."""
    file = lesson / "stacks" / "local-mlflow.yaml"
    text = file.read_text().replace("http://localhost:5000", server)
    file.write_text(text.replace("/tmp/zenml-artifacts", str(lesson / "artifacts")))
    done = mlstack("stack", "import", "lesson", "-f", file)
    assert done.code == 0, done.err
    words = (
        "--artifact-store local_artifact_store --orchestrator local_orchestrator --experiment-tracker mlflow_tracker"
    )
    assert mlstack("stack", "register", "local-mlflow", *words.split()).code == 0
    assert mlstack("stack", "set", "local-mlflow").code == 0
    return lesson


@pytest.fixture
def run(way: str, mlstack: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Runs a script as a person would: by `mlstack run --zenml`, or by Python; returns what it printed."""

    def started(script: str) -> str:
        if way == ZENML:
            done = mlstack("run", "--zenml", script)
            assert done.code == 0, done.err
            return str(done.out)
        capsys.readouterr()
        runpy.run_path(script, run_name="__main__")
        return capsys.readouterr().out

    return started


def fraud_pipeline() -> Any:
    return importlib.import_module("pipeline.pipeline").fraud_detection_pipeline


def test_natively_no_line_imports_zenml_and_only_import_lines_are_changed(lesson: Path, way: str) -> None:
    lines: list[tuple[str, str]] = []
    for file in LESSON.rglob("*.py"):
        now = (lesson / file.relative_to(LESSON)).read_text()
        lines += zip(file.read_text().split("\n"), now.split("\n"), strict=True)
    importing = [new for old, new in lines if re.match(r"\s*(from|import) zenml", old)]
    assert len(importing) > 10
    assert any("zenml" in line for line in importing) == (way == ZENML)
    assert all(old == new for old, new in lines if new not in importing)


def test_the_blocks_about_steps_and_pipelines_run(lesson: Path, client: Client) -> None:
    importlib.import_module("first.training").training_pipeline(n_estimators=5)
    run = client.get_pipeline("training_pipeline").last_run
    assert list(run.steps) == ["load_data", "train_model", "evaluate_model", "deploy_model_step"]
    assert list(run.steps["load_data"].outputs) == ["X_train", "X_test", "y_train", "y_test"]
    assert run.steps["load_data"].outputs["X_test"].load().shape == (60, 4)
    assert run.steps["deploy_model_step"].output.load() is True


def test_the_complete_pipeline_runs_on_the_stack_of_the_yaml_file(
    stacked: Path, server: str, client: Client, run: Callable[[str], str]
) -> None:
    assert "No model deployer in active stack. Skipping deployment." in run("run.py")
    run_record = client.get_pipeline(NAME).last_run
    assert run_record.stack_name == "local-mlflow"
    assert run_record.status == "completed"
    tracked = MlflowClient(server).search_runs(
        [MlflowClient(server).get_experiment_by_name("fraud-detection").experiment_id]
    )[0]
    assert tracked.data.params["max_depth"] == "5"
    assert 0.5 < tracked.data.metrics["train_auc"] <= 1
    assert any((stacked / "artifacts" / "objects").iterdir())
    frame = run_record.steps["load_and_validate_data"].outputs["raw_dataframe"]
    assert frame.run_metadata["source_uri"] == "data/features.parquet"
    metrics = run_record.steps["evaluate_model"].outputs["evaluation_metrics"]
    assert metrics.run_metadata["roc_auc"] == metrics.load()["roc_auc"]

    assert run("artifacts.py").splitlines() == [
        f"Latest model AUC: {metrics.load()['roc_auc']:.4f}",
        f"Model type: {GradientBoostingClassifier}",
    ]

    run("run.py")
    assert {step.status for step in client.get_pipeline(NAME).last_run.steps.values()} == {"cached"}


def test_a_model_below_the_threshold_is_not_deployed(
    stacked: Path, client: Client, mlstack: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with_deployer(mlstack)
    fraud_pipeline()(deploy_threshold=0.9999)
    assert re.search(r"Model AUC 0\.\d{4} below threshold 0\.9999\. Skipping deployment\.", capsys.readouterr().out)
    assert client.get_pipeline(NAME).last_run.steps["deploy_model_step"].output.load() is None
    assert "fraud-detector" not in mlstack("deployment", "list").out


def test_a_model_above_the_threshold_answers_requests(
    stacked: Path, client: Client, mlstack: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with_deployer(mlstack)
    try:
        fraud_pipeline()()
        assert "Model deployed: fraud-detector: running at http://127.0.0.1:" in capsys.readouterr().out
        steps = client.get_pipeline(NAME).last_run.steps
        assert "fraud-detector" in steps["deploy_model_step"].output.load()
        (deployment,) = client.active_stack.model_deployer.list_deployments()
        test_rows = steps["engineer_features"].outputs["X_test"].load()
        expected = steps["train_model"].outputs["trained_model"].load().predict(test_rows)
        assert deployment.predict(test_rows) == expected.tolist()
    finally:
        mlstack("deployment", "delete", "fraud-detector", "--yes")


def with_deployer(mlstack: Callable[..., Any]) -> None:
    done = mlstack("component", "register", "model-deployer", "mlflow_deployer", "--flavor", "mlflow")
    assert done.code == 0, done.err
    assert mlstack("stack", "update", "local-mlflow", "--model-deployer", "mlflow_deployer").code == 0


def test_the_same_pipeline_runs_unchanged_on_another_stack(
    stacked: Path, client: Client, mlstack: Callable[..., Any], run: Callable[[str], str]
) -> None:
    store = ["component", "register", "artifact-store", "elsewhere", "--flavor", "local", "--path", stacked / "second"]
    assert mlstack(*store).code == 0
    words = "-a elsewhere -o default -e mlflow_tracker --set"
    assert mlstack("stack", "register", "second", *words.split()).code == 0
    run("run.py")
    assert client.get_pipeline(NAME).last_run.stack_name == "second"
    assert any((stacked / "second" / "objects").iterdir())
    assert not (stacked / "artifacts" / "objects").exists()


def test_a_trigger_of_ci_names_its_stack(stacked: Path, client: Client, run: Callable[[str], str]) -> None:
    stack = client.get_stack("local-mlflow")
    client.create_stack("vertex-production", {kind: found[0].name for kind, found in stack.components.items()})
    shutil.copy("data/features.parquet", "data/2024-03-01.parquet")
    run("trigger.py")
    assert client.active_stack.name == "vertex-production"
    last = client.get_pipeline(NAME).last_run
    assert (last.stack_name, last.parameters["deploy_threshold"]) == ("vertex-production", 0.86)


def test_a_materializer_of_the_lessons_own_writes_boosters(lesson: Path, client: Client) -> None:
    xgboost = importlib.import_module("xgboost")
    from mlstack_nb import pipeline

    train = importlib.import_module("boosting").train_xgboost
    frame = features(60)

    @pipeline
    def boosted() -> None:
        train(frame[["feature_1", "feature_2"]], frame["label"])

    boosted()
    booster = client.get_pipeline("boosted").last_run.steps["train_xgboost"].output
    assert isinstance(booster.load(), xgboost.Booster)
    assert (booster.type, booster.run_metadata["num_trees"]) == ("ModelArtifact", 100)
    assert booster.run_metadata["feature_names"] == ["feature_1", "feature_2"]
    assert [file.name for file in Path(booster.uri).iterdir()] == ["model.json"]


def test_the_block_about_caching_reads_fresh_data_and_computes_once(lesson: Path, client: Client) -> None:
    from mlstack_nb import pipeline

    caching = importlib.import_module("caching")

    @pipeline
    def daily() -> None:
        caching.compute_features(caching.load_fresh_data("data/features.parquet"))

    def statuses() -> list[str]:
        daily()
        return [str(step.status) for step in client.get_pipeline("daily").last_run.steps.values()]

    assert statuses() == ["completed", "completed"]
    assert statuses() == ["completed", "cached"]  # the frame is read anew, and is the same
    features(200).to_parquet("data/features.parquet")
    assert statuses() == ["completed", "completed"]


def test_code_of_one_cloud_in_a_step_is_found_by_lint(lesson: Path, mlstack: Callable[..., Any]) -> None:
    done = mlstack("lint", "mistakes/portable.py")
    assert done.code == 1
    assert "boto3" in done.out
    assert "train_and_save" not in done.out


def test_a_step_without_annotation_keeps_what_it_returns(lesson: Path, client: Client) -> None:
    from mlstack_nb import pipeline

    for module, output in (("mistakes.unannotated", "output"), ("mistakes.annotated", "trained_model")):
        train = importlib.import_module(module).train_model
        rows = features(40)

        @pipeline(name=output)
        def training(train: Any, rows: pd.DataFrame) -> None:
            train(rows[["feature_1"]].to_numpy(), rows["label"])

        training(train, rows)
        kept = client.get_pipeline(output).last_run.steps["train_model"].outputs[output]
        assert type(kept.load()).__name__ == "RandomForestClassifier"


def test_a_tracker_that_the_stack_lacks_is_named_before_anything_runs(lesson: Path, client: Client) -> None:
    with pytest.raises(Exception, match="mlflow_tracker") as raised:
        fraud_pipeline()()
    assert "mlstack component register experiment_tracker" in str(raised.value)
    assert len(client.list_pipeline_runs()) == 0


def test_describe_shows_what_the_active_stack_has(stacked: Path, mlstack: Callable[..., Any]) -> None:
    done = mlstack("stack", "describe")
    assert done.code == 0
    for name in ("local-mlflow", "local_artifact_store", "local_orchestrator", "mlflow_tracker"):
        assert name in done.out


def test_the_stack_of_another_cloud_names_every_flavor_that_is_missing(mlstack: Callable[..., Any]) -> None:
    done = mlstack("stack", "import", "-f", LESSON / "stacks" / "vertex-ai.yaml")
    wanted = {
        Kind.ARTIFACT_STORE: "gcp",
        Kind.ORCHESTRATOR: "vertex",
        Kind.CONTAINER_REGISTRY: "gcp",
        Kind.MODEL_DEPLOYER: "vertex",
    }
    missing = {kind: flavor for kind, flavor in wanted.items() if flavor not in registry().flavors(kind)}
    assert missing
    assert done.code == 1
    assert all(re.search(rf"{kind} '\w+' has flavor '{flavor}'", done.err) for kind, flavor in missing.items())
    assert "vertex_experiment_tracker" not in done.err
    assert "Nothing was registered" in done.err
    assert "vertex" not in mlstack("stack", "list").out


def test_integrations_are_listed_with_what_they_need(mlstack: Callable[..., Any]) -> None:
    assert "mlflow" in mlstack("integration", "list").out
    assert "mlflow" in mlstack("integration", "requirements", "mlflow").out
    assert "google-cloud-storage" in mlstack("integration", "requirements", "gcp").out
