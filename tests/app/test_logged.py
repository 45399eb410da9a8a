from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from mlstack_nb import (
    Client,
    bulk_log_metadata,
    log_artifact_metadata,
    log_metadata,
    log_step_metadata,
    pipeline,
    save_artifact,
    step,
)
from mlstack_nb.errors import NotFoundError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[str] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


@step
def train(depth: int = 3) -> tuple[Annotated[float, "model"], Annotated[float, "metrics"]]:
    CALLS.append("train")
    log_artifact_metadata(artifact_name="model", metadata={"depth": depth})
    log_artifact_metadata({"auc": np.float32(0.5)}, "metrics")
    log_metadata({"seconds": 2})
    log_metadata({"seconds": 3, "rows": np.arange(2)})
    return float(depth), 0.5


@pipeline(name="training")
def training(depth: int = 3):
    train(depth)


def steps() -> Any:
    return Client().get_pipeline("training").last_run.steps


def test_what_a_step_tells_of_its_outputs_and_of_itself_is_kept():
    training()
    found = steps()["train"]
    assert found.outputs["model"].run_metadata == {"depth": 3}
    assert found.outputs["metrics"].run_metadata == {"auc": 0.5}
    assert found.run_metadata == {"seconds": 3, "rows": [0, 1]}


def test_a_cached_step_has_what_the_step_told_that_it_repeats():
    training()
    training()
    assert CALLS == ["train"]
    found = steps()["train"]
    assert found.status == "cached"
    assert found.run_metadata == {"seconds": 3, "rows": [0, 1]}
    assert found.outputs["model"].run_metadata == {"depth": 3}


def test_what_is_told_comes_with_the_result_into_another_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    training()
    (tmp_path / ".mlstack" / "catalog.db").rename(tmp_path / "aside.db")
    training()
    assert CALLS == ["train"]
    assert steps()["train"].outputs["model"].run_metadata == {"depth": 3}


def test_a_step_of_one_output_need_not_name_it():
    @step
    def single() -> int:
        log_artifact_metadata({"unit": "m"})
        log_metadata({"more": 1}, infer_artifact=True)
        return 5

    @pipeline(name="training")
    def alone():
        single()

    alone()
    assert steps()["single"].output.run_metadata == {"unit": "m", "more": 1}


@pytest.mark.parametrize(
    ("tell", "message"),
    [
        (lambda: log_artifact_metadata({"a": 1}), "has 2 outputs"),
        (lambda: log_metadata({"a": 1}, artifact_name="modle", infer_artifact=True), "no output 'modle'"),
        (lambda: log_artifact_metadata({"a": 1}, "elsewhere"), "No artifact is called 'elsewhere'"),
        (lambda: log_metadata({"a": object()}), "Metadata 'a' can not be kept"),
        (lambda: log_metadata({}), "is no metadata"),
        (lambda: log_metadata(["a"]), "is no metadata"),
        (lambda: log_metadata({1: 2}), "under the name 1"),
    ],
)
def test_what_can_not_be_told_fails_the_step_and_says_why(tell: Any, message: str):
    @step
    def wrong() -> tuple[Annotated[int, "model"], Annotated[int, "metrics"]]:
        tell()
        return 1, 2

    @pipeline(name="training")
    def alone():
        wrong()

    with pytest.raises(StepError, match=message):
        alone()


def test_a_step_that_fails_keeps_what_it_told_of_itself():
    @step
    def wrong() -> int:
        log_metadata({"reached": "here"})
        log_artifact_metadata({"never": "kept"})
        raise ValueError("too bad")

    @pipeline(name="training")
    def alone():
        wrong()

    with pytest.raises(StepError):
        alone()
    assert steps()["wrong"].run_metadata == {"reached": "here"}
    assert Client().list_artifacts().total == 0


def test_another_attempt_begins_with_nothing_told():
    @step(retries=1)
    def second_time() -> int:
        CALLS.append("x")
        log_metadata({f"attempt {len(CALLS)}": True})
        if len(CALLS) == 1:
            raise ValueError("too bad")
        return 1

    @pipeline(name="training")
    def alone():
        second_time()

    alone()
    assert steps()["second_time"].run_metadata == {"attempt 2": True}


def test_outside_of_steps_it_must_be_said_whose_it_is():
    for tell in (log_metadata, log_artifact_metadata, log_step_metadata):
        with pytest.raises(UsageError, match="no step runs here"):
            tell({"a": 1})


def test_runs_steps_and_versions_are_told_of_afterwards():
    run = training()
    log_metadata({"approved": True}, run_id_name_or_prefix=run.id)
    log_metadata({"checked": 1}, step_name="train", run_id_name_or_prefix=run.id)
    log_metadata({"checked": 2}, step_id=steps()["train"].id)
    log_metadata({"late": 1}, artifact_name="model")
    log_metadata({"early": 1}, artifact_version_id=steps()["train"].outputs["metrics"].id)
    log_artifact_metadata({"later": 2}, "model", 1)
    log_step_metadata({"third": 3}, "train", pipeline_name_id_or_prefix="training")
    found = Client().get_pipeline_run(run.id)
    assert found.run_metadata["approved"] is True
    assert found.steps["train"].run_metadata == {"seconds": 3, "rows": [0, 1], "checked": 2, "third": 3}
    assert found.steps["train"].outputs["model"].run_metadata == {"depth": 3, "late": 1, "later": 2}
    assert found.steps["train"].outputs["metrics"].run_metadata == {"auc": 0.5, "early": 1}


def test_what_is_not_there_is_told_by_name():
    run = training()
    for wrong in (
        {"run_id_name_or_prefix": "never"},
        {"step_name": "trian", "run_id_name_or_prefix": run.id},
        {"step_id": "none"},
        {"artifact_name": "modle"},
        {"artifact_version_id": 99},
        {"artifact_name": "model", "artifact_version": 9},
    ):
        with pytest.raises(NotFoundError):
            log_metadata({"a": 1}, **wrong)


def test_many_things_are_told_of_at_once():
    run = training()
    version = save_artifact(1, "number")
    bulk_log_metadata(
        {"seen": True},
        pipeline_runs=[run.id],
        step_runs=[("train", run.id), steps()["train"]],
        artifact_versions=[version, ("model", 1), steps()["train"].outputs["metrics"].id],
    )
    found = Client().get_pipeline_run(run.id)
    told = [found, found.steps["train"], version, *found.steps["train"].outputs.values()]
    assert [one.run_metadata["seen"] for one in told] == [True] * 5


def test_every_output_of_a_step_may_be_told_of_at_once():
    @step
    def both() -> tuple[Annotated[int, "one"], Annotated[int, "two"]]:
        bulk_log_metadata({"unit": "m"}, infer_artifacts=True)
        return 1, 2

    @pipeline(name="training")
    def alone():
        both()

    alone()
    assert [one.run_metadata for one in steps()["both"].outputs.values()] == [{"unit": "m"}] * 2


def test_metadata_is_kept_as_plain_data():
    told = {
        "when": datetime(2026, 1, 31, tzinfo=UTC),
        "where": Path("a/b"),
        "both": {"x", "y"},
        "deep": {"n": [1, None]},
    }
    version = save_artifact(1, "number", user_metadata=told)
    assert version.run_metadata == {
        "when": "2026-01-31T00:00:00+00:00",
        "where": "a/b",
        "both": ["x", "y"],
        "deep": {"n": [1, None]},
    }
