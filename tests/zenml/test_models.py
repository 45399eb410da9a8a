"""The model control plane as ZenML has it: notes on 0.98, tables 1.7, 5 and 7 (26)."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from zenml import (
    ArtifactConfig,
    Model,
    get_step_context,
    link_artifact_to_model,
    log_metadata,
    log_model_metadata,
    pipeline,
    save_artifact,
    step,
)
from zenml.client import Client
from zenml.enums import ArtifactType, ModelStages
from zenml.exceptions import EntityExistsError


@step
def train(depth: int = 1) -> Annotated[dict, ArtifactConfig(name="net", artifact_type=ArtifactType.MODEL)]:
    return {"depth": depth}


@step
def rows(n: int = 2) -> Annotated[list, "rows"]:
    return [0] * n


def trained(depth: int = 1, **model: Any) -> Any:
    @pipeline(model=Model(name="fraud", **model))
    def training(depth: int) -> None:
        rows()
        train(depth)

    return training(depth)


@pytest.fixture
def client() -> Any:
    return Client()


def test_a_run_makes_a_version_of_its_pipelines_model(client: Any) -> None:
    trained()
    found = client.get_model_version("fraud")
    assert (found.number, found.name, found.stage) == (1, "1", ModelStages.NONE)
    assert client.get_model("fraud").latest_version_name == "1"


def test_artifacts_and_the_run_are_linked(client: Any) -> None:
    run = trained(3)
    found = client.get_model_version("fraud")
    assert list(found.pipeline_runs) == [run.name]
    assert found.load_artifact("net") == {"depth": 3}
    assert list(found.model_artifact_ids) == ["net"]
    assert list(found.data_artifact_ids) == ["rows"]


def test_each_run_that_does_something_makes_a_version_and_a_cached_one_none(client: Any) -> None:
    for depth in (1, 2, 2):
        trained(depth)
    assert [one.number for one in client.list_model_versions("fraud")] == [2, 1]


def test_a_named_version_is_made_once_and_then_added_to(client: Any) -> None:
    trained(1, version="spring")
    trained(2, version="spring")
    assert [one.name for one in client.get_model("fraud").versions] == ["spring"]
    assert client.get_model_version("fraud", "spring").load_artifact("net") == {"depth": 2}


@pytest.mark.parametrize("version", [1, "1", "latest", ModelStages.LATEST])
def test_a_version_is_asked_for_by_number_name_or_stage(client: Any, version: Any) -> None:
    trained()
    assert client.get_model_version("fraud", version).number == 1


@pytest.mark.parametrize("version", [7, ModelStages.PRODUCTION])
def test_a_version_that_is_not_there_is_a_key_error(client: Any, version: Any) -> None:
    trained()
    with pytest.raises(KeyError):
        client.get_model_version("fraud", version)


def test_a_pipeline_of_a_version_that_is_not_there_does_not_begin(client: Any) -> None:
    with pytest.raises(KeyError):
        trained(version=ModelStages.PRODUCTION)
    assert len(client.list_pipeline_runs()) == 0


def test_the_model_of_a_step_goes_before_the_pipelines(client: Any) -> None:
    own = train.with_options(model=Model(name="other"))

    @pipeline(model=Model(name="fraud"))
    def training() -> None:
        rows()
        own()

    training()
    assert client.get_model_version("other").load_artifact("net") == {"depth": 1}
    assert client.get_model_version("fraud").get_artifact("net") is None


# Stages


def test_stages_hold_one_version_each_unless_forced(client: Any) -> None:
    for depth in (1, 2):
        trained(depth)
    first, second = (client.get_model_version("fraud", number) for number in (1, 2))
    first.set_stage(ModelStages.PRODUCTION)
    with pytest.raises(EntityExistsError, match="production"):
        second.set_stage("production")
    second.set_stage("production", force=True)
    assert client.get_model_version("fraud", "production").number == 2
    assert client.get_model_version("fraud", 1).stage == ModelStages.ARCHIVED


def test_staging_and_production_do_not_stand_in_each_others_way(client: Any) -> None:
    for depth in (1, 2):
        trained(depth)
    client.get_model_version("fraud", 1).set_stage("production")
    client.get_model_version("fraud", 2).set_stage("staging")
    assert client.get_model_version("fraud", "staging").number == 2


@pytest.mark.parametrize("stage", ["best", "latest"])
def test_what_is_no_stage_is_refused(client: Any, stage: str) -> None:
    trained()
    with pytest.raises(Exception, match=stage):
        client.get_model_version("fraud").set_stage(stage)


def test_a_later_pipeline_reads_the_production_model_lazily(client: Any) -> None:
    trained(5)
    client.get_model_version("fraud").set_stage("production")
    trained(9)

    @step
    def depth_of(net: dict) -> int:
        return net["depth"]

    @pipeline
    def scoring() -> None:
        depth_of(Model(name="fraud", version="production").get_artifact("net"))

    assert scoring().steps["depth_of"].output.load() == 5


# Metadata, tags, links


def test_metadata_is_logged_in_the_step_and_by_name(client: Any) -> None:
    @step
    def telling() -> int:
        log_metadata({"auc": 0.9}, infer_model=True)
        log_model_metadata({"rows": 10})
        return 1

    @pipeline(model=Model(name="fraud"))
    def told() -> None:
        telling()

    told()
    log_metadata({"note": "ok"}, model_name="fraud", model_version="1")
    assert client.get_model_version("fraud").run_metadata == {"auc": 0.9, "rows": 10, "note": "ok"}


def test_what_is_said_of_the_model_is_kept(client: Any) -> None:
    trained(license="MIT", description="finds fraud", tags=["prod"])
    found = client.get_model("fraud")
    assert (found.license, found.description) == ("MIT", "finds fraud")
    assert "prod" in {*found.tags, *client.get_model_version("fraud").tags}


def test_an_artifact_is_linked_by_hand(client: Any) -> None:
    trained()
    made = save_artifact([1], "extra")
    link_artifact_to_model(made, Model(name="fraud", version="latest"))
    assert client.get_model_version("fraud").load_artifact("extra") == [1]


def test_an_artifact_is_unlinked_and_stays(client: Any) -> None:
    trained()
    Model(name="fraud", version=1).delete_artifact("rows")
    assert client.get_model_version("fraud").get_artifact("rows") is None
    assert client.get_artifact_version("rows").load() == [0, 0]


def test_the_context_of_a_step_has_the_model() -> None:
    @step
    def asking() -> str:
        return get_step_context().model.name

    @pipeline(model=Model(name="fraud"))
    def asked() -> None:
        asking()

    assert asked().steps["asking"].output.load() == "fraud"


def test_models_are_created_changed_listed_and_deleted(client: Any) -> None:
    client.create_model("risk", description="a")
    client.update_model("risk", description="b", add_tags=["x"])
    assert (client.get_model("risk").description, client.get_model("risk").tags) == ("b", ["x"])
    with pytest.raises(EntityExistsError):
        client.create_model("risk")
    client.create_model_version("risk", name="first")
    assert [one.name for one in client.list_models()] == ["risk"]
    client.delete_model("risk")
    with pytest.raises(KeyError):
        client.get_model("risk")
