from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pytest
from client_pipelines import training

from mlstack_nb import ArtifactType, Client, Model, add_tags, link_artifact_to_model, pipeline, save_artifact, step
from mlstack_nb.errors import ConflictError, GraphError, NotFoundError, UsageError

LARGE = np.arange(300_000)


def test_an_artifact_version_tells_what_it_is(ran: Client) -> None:
    found = ran.get_artifact_version("table", 1)
    assert (found.name, found.version, found.type) == ("table", "1", ArtifactType.DATA)
    assert found.data_type.endswith("DataFrame")
    assert found.materializer.endswith("PandasMaterializer")
    assert (found.step.name, found.run.id) == ("load", ran.get_pipeline("training").runs[2].id)
    assert Path(found.uri).is_dir()
    assert found.run_metadata["shape"] == [3, 1]
    assert found.content_hash != ran.get_artifact_version("table").content_hash
    assert len(found.load()) == 3


def test_the_newest_version_is_meant_by_default(ran: Client) -> None:
    assert ran.get_artifact_version("table").version == "2"
    assert ran.get_artifact_version("table", version="1").version == "1"
    assert ran.get_artifact_version(ran.get_artifact_version("table", 1).id).name == "table"
    assert list(ran.get_artifact("table").versions) == ["2", "1"]
    assert ran.get_artifact("table").latest_version_name == "2"


def test_a_version_that_is_not_there_is_a_key_error_that_says_what_is(ran: Client) -> None:
    with pytest.raises(KeyError, match="its versions are 1 to 2"):
        ran.get_artifact_version("table", 3)
    with pytest.raises(NotFoundError) as error:
        ran.get_artifact_version("tabel")
    assert error.value.hint == "Did you mean 'table'?"
    with pytest.raises(NotFoundError):
        ran.get_artifact("tabel")


def test_records_are_short_for_people(ran: Client) -> None:
    version = ran.get_artifact_version("profile")
    assert repr(version) == "<artifact profile, version 2: dict, 10 B>"
    assert "load" in version._repr_html_() and "<b>profile</b>" in version._repr_html_()
    assert "<table>" in ran.get_artifact_version("table")._repr_html_()
    run = ran.get_pipeline_run("last")
    assert repr(run) == f"<run {run.id} of pipeline training on stack default: completed>"
    assert repr(run.steps) == "{load: completed, total: completed, keep: completed}"
    assert repr(run.steps["load"]) == f"<step load of run {run.id}: completed>"
    assert repr(ran.get_pipeline("training")) == "<pipeline training>"


def test_text_in_a_value_is_no_markup(client: Client) -> None:
    save_artifact("<script>alert(1)</script>", "<b>")
    shown = client.get_artifact_version("<b>")._repr_html_()
    assert "<script>" not in shown and "<b><b>" not in shown


def test_a_value_of_any_type_is_visualized(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    for value in (3, "text", None, [1, 2], pd.DataFrame({"a": [1]}), LARGE):
        save_artifact(value, "shown").visualize(title="look")
        assert capsys.readouterr().out.startswith("look\n")


def test_files_are_downloaded_whole(client: Client) -> None:
    save_artifact(LARGE, "large").download_files("large.zip")
    with zipfile.ZipFile("large.zip") as archive:
        assert sum(one.file_size for one in archive.infolist()) > LARGE.nbytes
        assert archive.testzip() is None
    with pytest.raises(UsageError, match="already"):
        client.get_artifact_version("large").download_files("large.zip")
    client.get_artifact_version("large").download_files("large.zip", overwrite=True)
    with pytest.raises(UsageError) as error:
        client.get_artifact_version("large").download_files("large.tar")
    assert error.value.hint == "Write: large.zip"


def test_a_small_value_is_downloaded_as_text(client: Client) -> None:
    save_artifact({"a": 1}, "small").download_files("small.zip")
    with zipfile.ZipFile("small.zip") as archive:
        assert archive.read("value.txt") == b'{"a":1}'


def test_tags_are_added_to_a_version_and_taken_off(client: Client) -> None:
    save_artifact(1, "one")
    assert client.update_artifact_version("one", add_tags=["a", "b"]).tags == ["a", "b"]
    assert client.update_artifact_version("one", remove_tags=["a"]).tags == ["b"]
    assert client.update_artifact("one", add_tags=["c"]).tags == ["c"]


# reading while a pipeline is wired


CALLS: list[int] = []


@step
def count(table: pd.DataFrame, rows: int = 0) -> Annotated[int, "count"]:
    CALLS.append(rows)
    return len(table) + rows


@pipeline(name="counting")
def counting():
    table = Client().get_artifact_version("table")
    count(table.load(), table.run_metadata["height"])


def test_in_a_pipeline_an_artifact_is_read_when_its_step_runs(client: Client) -> None:
    CALLS.clear()
    save_artifact(pd.DataFrame({"a": [1, 2]}), "table", user_metadata={"height": 10})
    built, _ = counting.build()
    save_artifact(pd.DataFrame({"a": [1, 2, 3]}), "table", user_metadata={"height": 20})
    counting()
    assert client.get_artifact_version("count").load() == 23
    assert list(built.step("count").inputs) == ["table", "rows"]


def test_the_content_of_an_artifact_counts_and_not_its_version(client: Client) -> None:
    CALLS.clear()
    for height in (1, 1, 2):
        save_artifact(pd.DataFrame({"a": [1, 2]}), "table", user_metadata={"height": height})
        counting()
    assert CALLS == [1, 2]
    read = client.get_pipeline("counting").last_run.steps["count"].inputs["table"]
    assert (read.name, read.version) == ("table", "3")


def test_a_version_that_is_named_stays_the_one_that_is_read(client: Client) -> None:
    @pipeline(name="fixed")
    def fixed():
        count(Client().get_artifact_version("table", "first"))

    save_artifact(pd.DataFrame({"a": [1, 2]}), "table", version="first")
    save_artifact(pd.DataFrame({"a": [1]}), "table")
    fixed()
    assert client.get_artifact_version("count").load() == 2


def test_a_missing_artifact_fails_its_step_by_name(client: Client) -> None:
    with pytest.raises(Exception, match="No artifact is called 'table'"):
        counting()
    assert client.get_pipeline("counting").last_run.steps["count"].status == "failed"


def test_what_is_unknown_while_a_pipeline_is_wired_is_told_so(client: Client) -> None:
    @pipeline
    def early():
        count(Client().get_artifact_version("table").size)

    with pytest.raises(GraphError, match="asked for its 'size'"):
        early()


# taking away


def test_a_used_version_keeps_its_entry_but_may_lose_its_files(ran: Client) -> None:
    with pytest.raises(ConflictError, match="is used by a run or a model"):
        ran.delete_artifact_version("table", 2)
    ran.delete_artifact_version("table", 2, delete_metadata=False, delete_from_artifact_store=True)
    with pytest.raises(Exception, match="not in any artifact store"):
        ran.get_artifact_version("table", 2).load()
    training(rows=4)
    assert ran.get_pipeline_run("last").steps["load"].status == "completed"
    assert len(ran.get_artifact_version("table", 2).load()) == 4


def test_files_that_another_version_has_too_stay(client: Client) -> None:
    first, second = save_artifact(LARGE, "large"), save_artifact(LARGE, "same")
    assert first.uri == second.uri
    client.delete_artifact_version("large", delete_from_artifact_store=True)
    assert (second.load() == LARGE).all()
    client.delete_artifact("same", delete_from_artifact_store=True)
    assert not Path(first.uri if client.list_artifacts().total else "gone").exists()


def test_only_what_nothing_uses_is_pruned(ran: Client) -> None:
    save_artifact(LARGE, "unused")
    linked = save_artifact(1, "linked")
    link_artifact_to_model(linked, Model("fraud", version="one")) if _made(ran) else None
    gone = ran.prune_artifacts(delete_from_artifact_store=True)
    assert [one.name for one in gone] == ["unused"]
    assert linked.load() == 1
    assert ran.get_artifact_version("table", 1).load() is not None
    assert ran.prune_artifacts() == []


def _made(client: Client) -> bool:
    client.create_model("fraud")
    return client.create_model_version("fraud", "one").number == 1


def test_pruning_keeps_files_that_a_version_which_stays_has(ran: Client) -> None:
    table = ran.get_artifact_version("table").load()
    save_artifact(table, "copy")
    assert [one.name for one in ran.prune_artifacts(delete_from_artifact_store=True)] == []  # a step read that content
    save_artifact(LARGE, "large")

    @step
    def make() -> Annotated[np.ndarray, "made"]:
        return LARGE

    @pipeline
    def making():
        make()

    making()
    assert [one.name for one in ran.prune_artifacts(delete_from_artifact_store=True)] == ["large"]
    assert (ran.get_artifact_version("made").load() == LARGE).all()


def test_after_pruning_everything_a_pipeline_runs_and_heals(ran: Client) -> None:
    ran.delete_pipeline("training")
    assert {one.name for one in ran.prune_artifacts(delete_from_artifact_store=True)} >= {"table", "kept by hand"}
    training()
    run = ran.get_pipeline_run("last")
    assert run.steps["load"].status == "completed"
    assert len(run.steps["load"].outputs["table"].load()) == 3


def test_files_are_not_pruned_while_a_run_goes_on(client: Client) -> None:
    refused: list[str] = []
    save_artifact(LARGE, "unused")

    @step
    def prune() -> None:
        with pytest.raises(ConflictError) as error:
            Client().prune_artifacts(delete_from_artifact_store=True)
        refused.append(error.value.what)

    @pipeline
    def alone():
        prune()

    alone()
    assert "is going on" in refused[0]
    assert (client.get_artifact_version("unused").load() == LARGE).all()


def test_tags_of_a_name_without_versions_go_when_asked(client: Client) -> None:
    save_artifact(1, "one")
    add_tags("kept", artifact="one")
    client.prune_artifacts(only_versions=False)
    save_artifact(2, "one")
    assert client.get_artifact("one").tags == []
    assert client.get_artifact_version("one").version == "1"


def test_a_version_that_is_at_hand_may_be_an_input(client: Client) -> None:
    found = save_artifact(pd.DataFrame({"a": [1, 2]}), "table")
    save_artifact(pd.DataFrame({"a": [1]}), "table")

    @pipeline(name="counting")
    def at_hand():
        count(found)

    at_hand()
    assert client.get_artifact_version("count").load() == 2


def test_a_dynamic_pipeline_takes_artifacts_of_earlier_too(client: Client) -> None:
    save_artifact(pd.DataFrame({"a": [1, 2]}), "table", user_metadata={"height": 5})

    @pipeline(name="counting", dynamic=True)
    def freely():
        table = Client().get_artifact_version("table")
        count(table, table.run_metadata["height"])

    freely()
    assert client.get_artifact_version("count").load() == 7
    assert client.get_pipeline("counting").last_run.steps["count"].inputs["table"].name == "table"
