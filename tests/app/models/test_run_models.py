"""What runs give to models: which version is made, and what belongs to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlstack_nb import Client, Model, log_metadata, log_model_metadata, pipeline, save_artifact, step
from mlstack_nb.app.models.model import link_artifact_to_model
from mlstack_nb.app.step_context import get_step_context
from mlstack_nb.errors import NotFoundError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")


@step
def load(n: int) -> int:
    return n


@step
def train(x: int) -> int:
    return 10 // x


def versions(name: str = "fraud") -> list[Any]:
    """Oldest first."""
    return list(Client().list_model_versions(name))[::-1]


def artifacts(version: Any) -> set[str]:
    return {f"{name}:{number}" for name, found in version.data_artifact_ids.items() for number in found}


def training(model: Model) -> Any:
    @pipeline(name="training", model=model)
    def run(n: int = 1) -> None:
        train(load(n))

    return run


def test_each_run_makes_a_version_with_its_artifacts() -> None:
    runs = [training(Model("fraud"))(n) for n in (1, 2)]
    assert [version.number for version in versions()] == [1, 2]
    assert [list(version.pipeline_runs) for version in versions()] == [[run.id] for run in runs]
    assert artifacts(versions()[1]) == {"training::load::output:2", "training::train::output:2"}


def test_a_run_that_is_wholly_cached_makes_none_and_belongs_to_the_version_with_its_results() -> None:
    run = training(Model("fraud"))
    run(1)
    run(2)
    again = run(1)
    assert len(versions()) == 2
    assert again.id in versions()[0].pipeline_runs and again.id not in versions()[1].pipeline_runs


def test_a_run_that_is_cached_in_part_makes_a_version_with_all_of_it() -> None:
    @pipeline(name="training")
    def before() -> None:
        load(1)

    before()
    training(Model("fraud"))(1)
    assert artifacts(versions()[0]) == {"training::load::output:1", "training::train::output:1"}


def test_cached_results_of_before_there_was_a_model_become_its_first_version() -> None:
    @pipeline(name="training")
    def before(n: int = 1) -> None:
        train(load(n))

    before(1)
    training(Model("fraud"))(1)
    assert artifacts(versions()[0]) == {"training::load::output:1", "training::train::output:1"}


@pytest.mark.parametrize("version", [1, "1", "production", "latest"])
def test_a_version_that_there_is_gets_what_the_run_gave(version: int | str) -> None:
    training(Model("fraud"))(1)
    Client().update_model_version("fraud", 1, stage="production")
    training(Model("fraud", version=version))(2)
    (only,) = versions()
    assert len(only.pipeline_runs) == 2 and len(artifacts(only)) == 4


def test_a_named_version_is_made_where_there_is_none() -> None:
    for n in (1, 2):
        training(Model("fraud", version="candidate"))(n)
    (only,) = versions()
    assert (only.name, only.number, len(only.pipeline_runs)) == ("candidate", 1, 2)


@pytest.mark.parametrize("version", [7, "7", "production", "latest"])
def test_a_version_that_there_is_none_of_is_told_before_anything_runs(version: int | str, tmp_path: Path) -> None:
    training(Model("other"))(1)

    @step(enable_cache=False)
    def touch() -> None:
        (tmp_path / "touched").touch()

    @pipeline(model=Model("fraud", version=version))
    def run() -> None:
        touch()

    with pytest.raises(NotFoundError, match="fraud"):
        run()
    assert not (tmp_path / "touched").exists()


def test_a_failed_run_makes_no_version() -> None:
    with pytest.raises(StepError):
        training(Model("fraud"))(0)
    assert Client().list_models().total == 0


def test_a_steps_own_model_comes_before_the_pipelines() -> None:
    @step(model=Model("scorer"))
    def score(x: int) -> int:
        return x + 1

    @pipeline(name="training", model=Model("fraud"))
    def run() -> None:
        score(train(load(1)))

    run()
    assert artifacts(versions("scorer")[0]) == {"training::score::output:1"}
    assert artifacts(versions("fraud")[0]) == {"training::load::output:1", "training::train::output:1"}


def test_what_the_code_says_of_the_model_is_kept() -> None:
    training(Model("fraud", license="MIT", description="finds it", tags=["bank"]))(1)
    training(Model("fraud", description="finds more"))(2)
    model = Client().get_model("fraud")
    assert (model.license, model.description, model.tags) == ("MIT", "finds more", ["bank"])
    assert [version.tags for version in versions()] == [["bank"], []]


def test_metadata_that_a_step_tells_is_of_the_runs_version() -> None:
    @step
    def judge(x: int) -> int:
        log_model_metadata({"auc": 0.9})
        log_metadata({"rows": x}, infer_model=True)
        log_model_metadata({"f1": 0.5}, model_name="fraud")
        return x

    @pipeline(model=Model("fraud"))
    def run(n: int = 1) -> None:
        judge(load(n))

    run(1)
    run(2)
    assert [version.run_metadata for version in versions()] == [
        {"auc": 0.9, "rows": 1, "f1": 0.5},
        {"auc": 0.9, "rows": 2, "f1": 0.5},
    ]
    assert all(len(version.pipeline_runs) == 1 for version in versions())


def test_what_a_step_told_of_the_model_is_told_of_a_version_that_has_it_from_the_cache() -> None:
    @step
    def judge(x: int) -> int:
        log_model_metadata({"auc": 0.9})
        return x

    @step
    def publish(x: int, n: int) -> int:
        return x + n

    @pipeline(model=Model("fraud"))
    def run(n: int) -> None:
        publish(judge(load(1)), n)

    run(1)
    run(2)
    assert [version.run_metadata for version in versions()] == [{"auc": 0.9}, {"auc": 0.9}]
    Model("fraud", version=2).log_metadata({"auc": 0.5})
    run(2)
    assert Model("fraud", version=2).run_metadata == {"auc": 0.5}


def test_a_step_sees_its_model_and_version_in_its_context() -> None:
    seen: list[Any] = []

    @step(enable_cache=False)
    def look() -> None:
        context = get_step_context()
        seen.append((context.model.name, context.model.license, context.model_version.number, context.model.number))

    @pipeline(model=Model("fraud", license="MIT"))
    def run() -> None:
        look()

    run()
    run()
    assert seen == [("fraud", "MIT", 1, 1), ("fraud", "MIT", 2, 2)]


def test_an_artifact_that_a_step_saves_belongs_to_its_version_and_so_does_one_that_is_linked() -> None:
    save_artifact([1, 2], "reference")

    @step
    def save(x: int) -> int:
        save_artifact({"a": x}, "notes")
        link_artifact_to_model(Client().get_artifact_version("reference"))
        return x

    @pipeline(name="training", model=Model("fraud"))
    def run() -> None:
        save(load(1))

    run()
    assert {"notes:1", "reference:1"} < artifacts(versions()[0])


def test_metadata_of_a_model_outside_of_one_says_what_to_type() -> None:
    @step
    def judge() -> None:
        log_model_metadata({"auc": 0.9})

    @pipeline
    def run() -> None:
        judge()

    with pytest.raises(StepError, match="Step 'judge' has no model"):
        run()
    with pytest.raises(UsageError, match="No step runs here"):
        log_model_metadata({"auc": 0.9})


def test_the_steps_of_a_dynamic_pipeline_belong_to_its_model() -> None:
    @pipeline(name="training", model=Model("fraud"), dynamic=True)
    def run() -> None:
        for n in (1, 2):
            train(load(n))

    run()
    (only,) = versions()
    assert len(artifacts(only)) == 4


def test_a_failed_run_that_asked_for_its_version_has_it_and_nothing_else() -> None:
    @step
    def judge(x: int) -> int:
        log_model_metadata({"auc": 0.1})
        return 1 // (x - 1)

    @pipeline(name="training", model=Model("fraud"))
    def run() -> None:
        judge(load(1))

    with pytest.raises(StepError):
        run()
    (only,) = versions()
    assert (only.run_metadata, artifacts(only), len(only.pipeline_runs)) == ({"auc": 0.1}, set(), 1)


@pytest.mark.parametrize("version", [1.5, True, ""])
def test_what_is_no_version_is_refused_where_it_is_said(version: Any) -> None:
    with pytest.raises(UsageError, match="is given version="):
        Model("fraud", version=version)


def test_a_run_tells_which_version_it_belongs_to() -> None:
    run = training(Model("fraud"))(1)
    found = Client().get_pipeline_run(run.id).model_version
    assert (found.model_name, found.number) == ("fraud", 1)


def test_a_plan_without_a_model_says_nothing_of_one() -> None:
    @pipeline
    def run() -> None:
        load(1)

    text = Path(".mlstack").rglob("plan.json")
    run()
    assert "model" not in next(iter(text)).read_text()
