"""The client as ZenML has it: notes on 0.98, tables 1.5 and 5, and 7 (28, 29)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from zenml import Model, add_tags, log_metadata, pipeline, remove_tags, save_artifact, step
from zenml.client import Client
from zenml.enums import ArtifactType, ExecutionStatus, StackComponentType
from zenml.exceptions import EntityExistsError


@step
def load(rows: int = 3) -> Annotated[list, "numbers"]:
    return list(range(rows))


@step
def total(numbers: list) -> Annotated[int, "sum"]:
    return sum(numbers)


@step
def divide(divisor: int) -> float:
    return 1 / divisor


@pipeline
def training(rows: int = 3) -> None:
    total(load(rows))


@pipeline
def dividing(divisor: int = 0) -> None:
    divide(divisor)


@pytest.fixture
def client() -> Any:
    return Client()


@pytest.fixture
def ran(client: Any) -> Any:
    """After three runs of `training`, and a failed one of `dividing`."""
    for rows in (3, 3, 4):
        training(rows)
    with pytest.raises(RuntimeError):
        dividing()
    return client


# Stacks


def test_the_default_stack_is_active_and_has_what_it_has(client: Any) -> None:
    stack = client.active_stack
    assert stack.name == client.active_stack_model.name == "default"
    assert stack.artifact_store is not None
    assert stack.orchestrator is not None


@pytest.mark.parametrize(
    "kind",
    "experiment_tracker model_deployer model_registry container_registry feature_store data_validator alerter "
    "annotator image_builder step_operator".split(),
)
def test_what_the_stack_lacks_is_none(client: Any, kind: str) -> None:
    assert getattr(client.active_stack, kind) is None


def test_a_stack_is_created_activated_renamed_and_deleted(client: Any) -> None:
    client.create_stack(
        "mine", {StackComponentType.ORCHESTRATOR: "default", StackComponentType.ARTIFACT_STORE: "default"}
    )
    client.activate_stack("mine")
    assert client.active_stack.name == "mine"
    client.activate_stack("default")
    client.update_stack("mine", name="ours")
    assert sorted(one.name for one in client.list_stacks()) == ["default", "ours"]
    client.delete_stack("ours")
    assert [one.name for one in client.list_stacks()] == ["default"]


def test_components_are_created_changed_and_deleted(client: Any, tmp_path: Path) -> None:
    made = client.create_stack_component(
        "mine", "local", StackComponentType.ARTIFACT_STORE, {"path": str(tmp_path / "a")}
    )
    assert (made.name, made.flavor, made.type) == ("mine", "local", StackComponentType.ARTIFACT_STORE)
    client.update_stack_component(
        "mine", StackComponentType.ARTIFACT_STORE, configuration={"path": str(tmp_path / "b")}
    )
    assert client.get_stack_component("artifact_store", "mine").configuration["path"] == str(tmp_path / "b")
    client.delete_stack_component("mine", StackComponentType.ARTIFACT_STORE)
    with pytest.raises(KeyError):
        client.get_stack_component("artifact_store", "mine")


@pytest.mark.parametrize("call", [lambda c: c.delete_stack("default"), lambda c: c.update_stack("default", name="x")])
def test_the_default_stack_is_protected(client: Any, call: Any) -> None:
    with pytest.raises(EntityExistsError, match="default"):
        call(client)


def test_an_unknown_stack_is_a_key_error_with_the_nearest(client: Any) -> None:
    with pytest.raises(KeyError, match="Did you mean 'default'"):
        client.activate_stack("defautl")


# Pipelines and runs


def test_a_pipeline_knows_its_runs_newest_first(ran: Any) -> None:
    found = ran.get_pipeline("training")
    assert found.num_runs == len(found.runs) == 3
    assert found.last_run.id == found.runs[0].id
    assert [run.parameters["rows"] for run in found.runs] == [4, 3, 3]


def test_the_last_run_is_not_the_last_successful_one(ran: Any) -> None:
    dividing(2)
    with pytest.raises(RuntimeError):
        dividing(0)
    found = ran.get_pipeline("dividing")
    assert found.last_run.status == ExecutionStatus.FAILED
    assert found.last_successful_run.parameters == {"divisor": 2}


def test_a_pipeline_that_never_succeeded_has_no_successful_run(ran: Any) -> None:
    assert ran.get_pipeline("dividing").last_successful_run is None


def test_an_unknown_pipeline_is_a_key_error_with_the_nearest(ran: Any) -> None:
    with pytest.raises(KeyError, match="training"):
        ran.get_pipeline("trainign")


def test_outputs_are_one_artifact_and_a_list_of_one(ran: Any) -> None:
    outputs = ran.get_pipeline("training").last_run.steps["load"].outputs
    assert outputs["numbers"].load() == outputs["numbers"][0].load() == [0, 1, 2, 3]
    assert len(outputs["numbers"]) == 1


def test_a_step_has_inputs_status_key_and_duration(ran: Any) -> None:
    found = ran.get_pipeline("training").last_run.steps["total"]
    assert found.inputs["numbers"].load() == [0, 1, 2, 3]
    assert (found.status, found.version, len(found.cache_key)) == ("completed", 1, 64)
    assert found.duration.total_seconds() >= 0


def test_the_output_of_a_step_with_several_is_a_value_error(client: Any) -> None:
    @step
    def pair() -> tuple[int, int]:
        return 1, 2

    pair()
    with pytest.raises(ValueError, match="2 outputs"):
        _ = client.get_pipeline("pair").last_run.steps["pair"].output


def test_an_unknown_step_and_an_unknown_output_are_key_errors(ran: Any) -> None:
    run = ran.get_pipeline("training").last_run
    with pytest.raises(KeyError, match="Did you mean 'load'"):
        run.steps["laod"]
    with pytest.raises(KeyError, match="Did you mean 'numbers'"):
        run.steps["load"].outputs["number"]


def test_a_failed_step_tells_what_it_raised(ran: Any) -> None:
    found = ran.get_pipeline("dividing").last_run.steps["divide"]
    assert found.status.is_failed
    assert "ZeroDivisionError" in found.exception_info


def test_a_run_is_found_by_id_and_by_the_beginning_of_it(ran: Any) -> None:
    run = ran.get_pipeline("training").last_run
    assert ran.get_pipeline_run(run.id).id == ran.get_pipeline_run(run.id[:-2]).id == run.id


def test_a_run_can_be_deleted_and_what_it_made_stays(ran: Any) -> None:
    run = ran.get_pipeline("training").last_run
    ran.delete_pipeline_run(run.id)
    assert ran.get_pipeline("training").num_runs == 2
    assert ran.get_artifact_version("sum").load() == 6


# Listings


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 4),
        ({"status": "failed"}, 1),
        ({"status": ExecutionStatus.COMPLETED}, 3),
        ({"pipeline": "training"}, 3),
        ({"pipeline": "startswith:div"}, 1),
        ({"pipeline": "contains:in"}, 4),
        ({"status": "oneof:['failed', 'cancelled']"}, 1),
        ({"pipeline": "training", "status": "failed"}, 0),
        ({"pipeline": "training", "status": "failed", "logical_operator": "or"}, 4),
        ({"start_time": "gte:2020-01-01 00:00:00"}, 4),
        ({"created": "lt:2020-01-01 00:00:00"}, 0),
        ({"stack": "default"}, 4),
    ],
)
def test_runs_are_filtered(ran: Any, filters: dict[str, Any], count: int) -> None:
    assert ran.list_pipeline_runs(**filters).total == count


def test_an_unknown_filter_is_refused(ran: Any) -> None:
    with pytest.raises(Exception, match="statsu"):
        ran.list_pipeline_runs(statsu="failed")


def test_pages_are_cut_counted_and_iterated(ran: Any) -> None:
    page = ran.list_pipeline_runs(page=2, size=3)
    assert (page.index, page.total, page.total_pages, len(page)) == (2, 4, 2, 1)
    assert [run.id for run in page] == [page[0].id] == [run.id for run in page.items]


def test_listings_are_sorted_both_ways(ran: Any) -> None:
    up = [run.id for run in ran.list_pipeline_runs(sort_by="asc:created")]
    down = [run.id for run in ran.list_pipeline_runs(sort_by="desc:created")]
    assert up == down[::-1]


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"status": "cached"}, 2), ({"name": "load"}, 3), ({"status": "failed"}, 1), ({"pipeline": "training"}, 6)],
)
def test_step_runs_are_filtered(ran: Any, filters: dict[str, str], count: int) -> None:
    assert ran.list_run_steps(**filters).total == count


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"name": "sum"}, 2), ({"name": "sum", "version": "2"}, 1), ({"type": "DataArtifact"}, 4), ({"step": "load"}, 2)],
)
def test_artifact_versions_are_filtered(ran: Any, filters: dict[str, str], count: int) -> None:
    assert ran.list_artifact_versions(**filters).total == count


def test_artifacts_are_listed_by_name(ran: Any) -> None:
    assert [one.name for one in ran.list_artifacts(name="startswith:s")] == ["sum"]


# Artifacts


def test_a_version_knows_where_it_comes_from(ran: Any) -> None:
    found = ran.get_artifact_version("sum")
    assert (found.version, found.type, found.save_type) == ("2", ArtifactType.DATA, "step_output")
    assert (found.step.name, found.run.pipeline.name) == ("total", "training")
    assert found.data_type == "builtins.int"


def test_equal_contents_have_equal_hashes(client: Any) -> None:
    first, second, third = (save_artifact(value, "v") for value in ([1], [1], [2]))
    assert first.content_hash == second.content_hash != third.content_hash


def test_files_are_downloaded_whole(client: Any, tmp_path: Path) -> None:
    import zipfile

    save_artifact(b"\x00\xff" * 5_000_000, "big")
    client.get_artifact_version("big").download_files(str(tmp_path / "big.zip"))
    with zipfile.ZipFile(tmp_path / "big.zip") as archive:
        (name,) = archive.namelist()
        assert archive.read(name) == b"\x00\xff" * 5_000_000


def test_downloading_refuses_what_is_no_zip_and_what_is_there(client: Any, tmp_path: Path) -> None:
    made = save_artifact(1, "v")
    with pytest.raises(Exception, match="no name of a zip"):
        made.download_files(str(tmp_path / "v.tar"))
    made.download_files(str(tmp_path / "v.zip"))
    with pytest.raises(Exception, match="overwrite=True"):
        made.download_files(str(tmp_path / "v.zip"))


def test_artifacts_that_runs_use_are_not_pruned(ran: Any) -> None:
    save_artifact(1, "loose")
    assert [one.name for one in ran.prune_artifacts()] == ["loose"]
    assert ran.get_artifact_version("sum").load() == 6


def test_the_entry_of_a_version_in_use_can_not_be_deleted(ran: Any) -> None:
    with pytest.raises(EntityExistsError):
        ran.delete_artifact_version("numbers", 1)


def test_a_version_is_deleted_with_its_files(client: Any) -> None:
    made = save_artifact(b"x" * 100_000, "big")
    folder = Path(made.uri)
    assert folder.is_dir()
    client.delete_artifact_version("big", delete_from_artifact_store=True)
    assert not folder.exists()
    with pytest.raises(KeyError):
        client.get_artifact_version("big")


# Lazy


def test_an_artifact_in_a_pipeline_is_read_when_the_step_runs(client: Any) -> None:
    save_artifact([1, 2], "known")

    @pipeline
    def lazy() -> None:
        known = Client().get_artifact_version("known")
        total(known)

    assert lazy().steps["total"].output.load() == 3
    assert lazy().steps["total"].status == "cached"
    save_artifact([1, 2, 3], "known")
    assert lazy().steps["total"].output.load() == 6


def test_metadata_of_a_lazy_artifact_is_an_input_too(client: Any) -> None:
    save_artifact([1], "known", user_metadata={"divisor": 4})

    @pipeline
    def lazy() -> None:
        divide(Client().get_artifact_version("known").run_metadata["divisor"])

    assert lazy().steps["divide"].output.load() == 0.25


def test_a_lazy_artifact_that_is_not_there_fails_its_step(client: Any) -> None:
    @pipeline
    def lazy() -> None:
        total(Client().get_artifact_version("nothing"))

    with pytest.raises(RuntimeError, match="nothing"):
        lazy()


# Tags, metadata, secrets


def test_tags_are_put_on_and_taken_off(ran: Any) -> None:
    run = ran.get_pipeline("training").last_run
    add_tags(["good", "checked"], run=run.id)
    remove_tags(["checked"], run=run.id)
    assert ran.get_pipeline_run(run.id).tags == ["good"]
    assert [one.id for one in ran.list_pipeline_runs(tag="good")] == [run.id]


def test_tags_of_artifacts_are_filters(ran: Any) -> None:
    add_tags(["best"], artifact_name="sum", artifact_version="2")
    assert [one.version for one in ran.list_artifact_versions(tag="best")] == ["2"]


def test_an_exclusive_tag_moves(ran: Any) -> None:
    from zenml import Tag

    first, second = (run.id for run in ran.get_pipeline("training").runs[:2])
    for run in (first, second):
        add_tags([Tag(name="champion", exclusive=True)], run=run)
    assert [one.id for one in ran.list_pipeline_runs(tag="champion")] == [second]


def test_metadata_is_logged_of_runs_and_artifacts(ran: Any) -> None:
    run = ran.get_pipeline("training").last_run
    log_metadata({"note": "good"}, run_id_name_or_prefix=run.id)
    log_metadata({"rows": 4}, artifact_name="sum", artifact_version="2")
    assert ran.get_pipeline_run(run.id).run_metadata["note"] == "good"
    assert ran.get_artifact_version("sum", "2").run_metadata["rows"] == 4


def test_secrets_are_kept_changed_and_deleted(client: Any) -> None:
    client.create_secret("db", {"user": "anna", "password": "hidden-word"})
    assert client.get_secret("db").secret_values == {"user": "anna", "password": "hidden-word"}
    client.update_secret("db", add_or_update_values={"user": "bert"})
    assert client.get_secret("db").secret_values["user"] == "bert"
    assert "hidden-word" not in repr(client.get_secret("db"))
    client.delete_secret("db")
    with pytest.raises(KeyError):
        client.get_secret("db")


def test_a_secret_that_is_there_is_not_written_over(client: Any) -> None:
    client.create_secret("db", {"user": "anna"})
    with pytest.raises(EntityExistsError):
        client.create_secret("db", {"user": "bert"})


def test_a_model_is_reached_from_the_client(client: Any) -> None:
    @pipeline(model=Model(name="net"))
    def modelled() -> None:
        load()

    modelled()
    assert client.get_model("net").name == "net"
    assert str(client.get_model_version("net", "latest").number) == "1"
