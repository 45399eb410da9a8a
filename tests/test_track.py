"""`mlstack_nb.track`: one way to track, whatever the stack has; real MLflow, and none."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb import Client, pipeline, step, track
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.run_differences import compare
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import Run
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, StepError, UsageError

warnings.filterwarnings("ignore", module="mlflow")


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, for it takes seconds to make."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def tracked(here: Workspace, mlflow_folder: Path) -> Callable[[str], Any]:
    """The active stack has MLflow, embedded; gives a run of it by id."""
    place = {"folder": str(mlflow_folder)}
    components.register(here, Kind.EXPERIMENT_TRACKER, "flow", flavor="mlflow", configuration=place)
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.EXPERIMENT_TRACKER: "flow"}
    stacks.register(here, "mine", parts)
    stacks.activate(here, "mine")

    def run_of(run_id: str) -> Any:
        import mlflow

        tracker = Runtime.current(workspace=here).engine.tracker
        assert tracker is not None
        return mlflow.MlflowClient(tracker.uri).get_run(run_id)  # type: ignore[attr-defined]

    return run_of


def fit(accuracy: float) -> float:
    Path("note.txt").write_text("all is well")
    track.log_param("criterion", "gini")
    track.log_params({"trees": 8})
    track.log_metric("accuracy", accuracy)
    for epoch, loss in enumerate((0.9, 0.4)):
        track.log_metrics({"loss": loss}, step=epoch)
    track.set_tags({"team": "blue"})
    return accuracy


@step(experiment_tracker=True)
def tracked_fit(accuracy: float) -> float:
    track.log_artifact("note.txt" if Path("note.txt").exists() else __file__, "notes")
    return fit(accuracy)


@step
def untracked_fit(accuracy: float) -> float:
    return fit(accuracy)


@pipeline
def training(accuracy: float = 0.5) -> None:
    tracked_fit(accuracy)


@pipeline
def plain_training(accuracy: float = 0.5) -> None:
    untracked_fit(accuracy)


def test_it_lands_in_the_tracker_s_run_of_the_step(tracked: Callable[[str], Any]) -> None:
    Path("note.txt").write_text("first")
    link = training().steps[0].tracker
    assert link is not None
    data = tracked(link["run_id"]).data
    assert data.params == {"accuracy": "0.5", "criterion": "gini", "trees": "8"}
    assert data.metrics == {"accuracy": 0.5, "loss": 0.4}
    assert data.tags["team"] == "blue"
    assert [(one.step, one.value) for one in history(link["run_id"], "loss")] == [(0, 0.9), (1, 0.4)]
    assert [one.path for one in artifacts_of(link["run_id"])] == ["notes/note.txt"]


def history(run_id: str, metric: str) -> list[Any]:
    return client().get_metric_history(run_id, metric)  # type: ignore[no-any-return]


def artifacts_of(run_id: str) -> list[Any]:
    return client().list_artifacts(run_id, "notes")  # type: ignore[no-any-return]


def client() -> Any:
    import mlflow

    tracker = Runtime.current().engine.tracker
    assert tracker is not None
    return mlflow.MlflowClient(tracker.uri)  # type: ignore[attr-defined]


def test_without_a_tracker_it_is_metadata_of_the_step_and_that_is_said_once(
    here: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = plain_training()
    assert capsys.readouterr().err.count("it asks for no experiment tracker") == 1
    (shown,) = runs.show(here, run.id)["steps"]
    assert shown["logged"] == {
        "criterion": "gini",
        "trees": 8,
        "accuracy": 0.5,
        "loss": 0.4,
        "loss by step": {"0": 0.9, "1": 0.4},
        "team": "blue",
    }


def test_a_cached_step_shows_what_was_tracked_when_it_ran(here: Workspace) -> None:
    plain_training()
    (shown,) = runs.show(here, plain_training().id)["steps"]
    assert (shown["state"], shown["logged"]["accuracy"]) == ("cached", 0.5)


def test_a_file_without_a_tracker_is_an_artifact(here: Workspace) -> None:
    @step
    def draw() -> int:
        Path("plot.txt").write_text("a line")
        track.log_artifact("plot.txt", "plots")
        return 1

    @step
    def lose() -> int:
        track.log_artifact("nowhere.txt")
        return 1

    @pipeline
    def drawing() -> None:
        draw()

    @pipeline
    def losing() -> None:
        lose()

    run = drawing()
    version = Client().get_artifact_version("drawing::draw::plots::plot.txt")
    assert Path(version.load()).read_text() == "a line"
    assert version.run.id == run.id
    with pytest.raises(StepError, match=r"no file 'nowhere.txt' to track"):
        losing()


@pytest.mark.parametrize("flow", [training, plain_training])
def test_two_runs_differ_by_what_they_tracked(
    here: Workspace, tracked: Callable[[str], Any], flow: Callable[[float], Run]
) -> None:
    before, after = flow(0.5), flow(0.75)
    texts = [one.text for found in compare(here, before.id, after.id).steps.values() for one in found]
    assert "logged accuracy 0.5 -> 0.75 (+0.25)" in texts
    assert not any("loss" in text for text in texts)


def test_outside_of_a_step_it_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"track\.log_metrics\(\) was called where no step runs"):
        track.log_metric("a", 1)


def test_a_metric_is_a_number(here: Workspace) -> None:
    import numpy as np

    @step
    def numbers() -> int:
        track.log_metrics({"a": np.float32(0.5), "b": np.int64(2), "c": True})
        return 1

    @step
    def words() -> int:
        track.log_metric("a", "good")  # type: ignore[arg-type]
        return 1

    @pipeline
    def good() -> None:
        numbers()

    @pipeline
    def bad() -> None:
        words()

    (shown,) = runs.show(here, good().id)["steps"]
    assert shown["logged"] == {"a": 0.5, "b": 2.0, "c": 1.0}
    with pytest.raises(StepError, match="Metric 'a' is 'good', which is no number"):
        bad()


def test_a_parameter_with_two_values_is_told_as_mlflow_tells_it(tracked: Callable[[str], Any]) -> None:
    @step(experiment_tracker=True)
    def twice() -> int:
        track.log_param("depth", 1)
        track.log_param("depth", 2)
        return 1

    @pipeline
    def changing() -> None:
        twice()

    with pytest.raises(StepError) as caught:
        changing()
    assert isinstance(caught.value.__cause__, ConfigError)
    assert "what changes meanwhile is a metric" in str(caught.value)


def test_true_takes_whatever_tracker_the_active_stack_has(here: Workspace) -> None:
    with pytest.raises(ConfigError, match="asks for an experiment tracker, but the active stack has none"):
        training()


FLOW = """
from mlstack_nb import Client, pipeline, step, track

@step(experiment_tracker={asks})
def fit() -> int:
    track.log_metric("accuracy", 0.5)
    return 1

@pipeline
def flow():
    fit()
"""


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("isolation", ["thread", "process", "kernel"])
def test_it_is_the_same_in_a_process_of_its_own_and_in_a_kernel(
    here: Workspace, tracked: Callable[[str], Any], tmp_path: Path, asks: bool, isolation: str
) -> None:
    from mlstack_nb.app.launch import prepare
    from mlstack_nb.app.request import Request

    if isolation == "kernel":
        line = "%%step fit -> n" + (" --tracker" if asks else "")
        source = f"{line}\nfrom mlstack_nb import track\ntrack.log_metric('accuracy', 0.5)\nn = 1"
        code = {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": None}
        cells = [{**code, "source": source}]
        target = "flow.ipynb"
        Path(target).write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    else:
        target = f"flow_{isolation}_{asks}.py"
        Path(target).write_text(FLOW.format(asks=asks))
    run, errors = prepare(Request(target, isolation=isolation)).run(lambda _: None, lambda *_: None)
    assert errors == {}
    (shown,) = runs.show(here, run.id)["steps"]
    if asks:
        assert tracked(shown["tracker"]["run_id"]).data.metrics == {"accuracy": 0.5}
        assert shown["logged"] == {}
    else:
        assert shown["logged"] == {"accuracy": 0.5}
