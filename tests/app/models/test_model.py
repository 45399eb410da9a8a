"""`Model` as a way to what belongs to a version, and the client's calls."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack_nb import Client, Model, pipeline, step
from mlstack_nb.core.model import Stage
from mlstack_nb.errors import ConflictError, NotFoundError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")


@step
def load(n: int) -> list[int]:
    return list(range(n))


@pipeline(name="training", model=Model("fraud"))
def training(n: int = 3) -> None:
    load(n)


@pytest.fixture(autouse=True)
def two_versions(workspace: Any) -> None:
    training(3)
    training(4)


def test_a_version_gives_its_own_artifacts() -> None:
    assert Model("fraud", version=1).load_artifact("training::load::output") == [0, 1, 2]
    assert Model("fraud").load_artifact("output") == [0, 1, 2, 3]
    found = Model("fraud", version=1).get_data_artifact("output")
    assert (found.name, found.version, found.load()) == ("training::load::output", "1", [0, 1, 2])


def test_what_it_has_not_is_none_or_an_error_that_says_where_to_look() -> None:
    model = Model("fraud", version=1)
    assert model.get_artifact("nothing") is None
    assert model.get_artifact("output", version=2) is None
    assert model.get_model_artifact("output") is None
    with pytest.raises(NotFoundError, match="has no artifact 'nothing'") as raised:
        model.load_artifact("nothing")
    assert raised.value.hint == "See what it has: mlstack model show fraud 1"


def test_stages_move() -> None:
    first, second = Model("fraud", version=1), Model("fraud", version=2)
    first.set_stage("production")
    with pytest.raises(ConflictError):
        second.set_stage(Stage.PRODUCTION)
    second.set_stage("production", force=True)
    assert (first.stage, second.stage) == (Stage.ARCHIVED, Stage.PRODUCTION)
    assert Model("fraud", version="production").number == 2


@pytest.mark.parametrize(("stage", "hint"), [("prodution", "Did you mean 'production'?"), ("latest", "Stages:")])
def test_a_stage_that_is_none_is_refused(stage: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        Model("fraud").set_stage(stage)
    assert raised.value.hint.startswith(hint)


def test_metadata_is_told_and_read() -> None:
    Model("fraud", version=1).log_metadata({"auc": 0.9})
    Model("fraud", version=1).log_metadata({"auc": 0.8, "rows": 3})
    assert Model("fraud", version=1).run_metadata == {"auc": 0.8, "rows": 3}
    assert Model("fraud", version=2).run_metadata == {}


def test_an_artifact_can_be_taken_out_and_stays_an_artifact() -> None:
    model = Model("fraud", version=1)
    model.delete_artifact("output")
    assert model.get_artifact("output") is None
    assert Client().get_artifact_version("training::load::output", 1).load() == [0, 1, 2]
    Model("fraud", version=2).delete_all_artifacts()
    assert Client().get_model_version("fraud", 2).data_artifact_ids == {}


def test_in_a_pipeline_an_artifact_of_a_version_is_an_input_that_is_cached_by_content() -> None:
    @step
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @pipeline
    def using(version: int) -> None:
        total(Model("fraud", version=version).get_artifact("output"))

    using(1)
    using(2)
    outputs = [Client().get_artifact_version("using::total::output", n).load() for n in (1, 2)]
    assert outputs == [3, 6]
    assert using(1).steps[0].state == "cached"


def test_a_name_that_can_not_be_is_refused() -> None:
    @pipeline(model=Model("a/b"))
    def run() -> None:
        load(1)

    with pytest.raises(UsageError, match="has a slash"):
        run()


def test_the_client_makes_changes_lists_and_deletes() -> None:
    client = Client()
    made = client.create_model("churn", license="MIT", tags=["bank"])
    assert (made.license, made.description, made.tags) == ("MIT", "", ["bank"])
    with pytest.raises(ConflictError):
        client.create_model("churn")
    client.update_model("churn", name="leaving", description="who goes", add_tags=["new"], remove_tags=["bank"])
    changed = client.get_model("leaving")
    assert (changed.license, changed.description, changed.tags) == ("MIT", "who goes", ["new"])
    assert [model.name for model in client.list_models()] == ["fraud", "leaving"]
    assert [model.name for model in client.list_models(license="MIT")] == ["leaving"]

    version = client.create_model_version("leaving", name="candidate", description="by hand", tags=["x"])
    assert (version.number, version.name, version.description, version.tags) == (1, "candidate", "by hand", ["x"])
    client.update_model_version("leaving", "candidate", stage="staging", name="final", add_tags=["y"])
    found = client.get_model_version("leaving", "staging")
    assert (found.name, found.tags, found.model.name) == ("final", ["x", "y"], "leaving")
    client.delete_model_version("leaving", "final")
    with pytest.raises(NotFoundError):
        client.get_model_version("leaving")
    client.delete_model("leaving")
    assert [model.name for model in client.list_models()] == ["fraud"]


def test_versions_are_listed_newest_first_and_filtered() -> None:
    Client().update_model_version("fraud", 1, stage="production", add_tags=["good"])
    assert [version.number for version in Client().list_model_versions("fraud")] == [2, 1]
    assert [version.number for version in Client().list_model_versions(model="fraud", stage="production")] == [1]
    assert [version.number for version in Client().list_model_versions("fraud", tag="good")] == [1]


@pytest.mark.parametrize("name", ["7", "production", "a/b"])
def test_a_version_can_not_be_called_like_a_number_or_a_stage(name: str) -> None:
    with pytest.raises(UsageError):
        Client().create_model_version("fraud", name=name)
