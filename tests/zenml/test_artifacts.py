"""Artifacts by hand, and external ones: notes on 0.98, tables 1.7, 5 and 7 (21 to 25)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from zenml import (
    ExternalArtifact,
    bulk_log_metadata,
    load_artifact,
    log_artifact_metadata,
    log_metadata,
    log_step_metadata,
    pipeline,
    register_artifact,
    save_artifact,
    step,
)
from zenml.client import Client
from zenml.enums import ArtifactType
from zenml.exceptions import EntityExistsError
from zenml.types import HTMLString

runs: list[int] = []


@step
def length(value: Any) -> int:
    runs.append(len(value))
    return len(value)


@pytest.fixture(autouse=True)
def no_runs() -> None:
    runs.clear()


@pytest.mark.parametrize(
    "value",
    [1, "text", [1, {"a": (2,)}], b"bytes", None, pd.DataFrame({"a": [1, 2]}), {1, 2}, HTMLString("<b>a</b>")],
    ids=lambda value: type(value).__name__,
)
def test_what_is_saved_is_loaded(value: Any) -> None:
    save_artifact(value, "mine")
    loaded = load_artifact("mine")
    assert type(loaded) is type(value)
    assert loaded.equals(value) if isinstance(value, pd.DataFrame) else loaded == value


def test_versions_count_up_and_go_on_after_one_with_a_name() -> None:
    versions = [save_artifact(1, "a").version, save_artifact(2, "a").version]
    versions += [save_artifact(3, "a", version="44").version, save_artifact(4, "a").version]
    assert versions == ["1", "2", "44", "45"]
    assert [load_artifact("a", version) for version in versions] == [1, 2, 3, 4]


def test_a_version_may_have_any_name() -> None:
    save_artifact(1, "a", version="first try")
    save_artifact(2, "a")
    assert (load_artifact("a", "first try"), load_artifact("a")) == (1, 2)


def test_a_version_that_is_there_is_not_written_over() -> None:
    save_artifact(1, "a", version="44")
    with pytest.raises(EntityExistsError, match="44"):
        save_artifact(2, "a", version="44")
    assert load_artifact("a", "44") == 1


def test_an_unknown_artifact_and_an_unknown_version_are_key_errors() -> None:
    save_artifact(1, "numbers")
    with pytest.raises(KeyError, match="Did you mean 'numbers'"):
        load_artifact("number")
    with pytest.raises(KeyError):
        load_artifact("numbers", "7")


def test_type_tags_and_metadata_are_kept() -> None:
    made = save_artifact(1, "a", artifact_type=ArtifactType.STATISTICS, tags=["t"], user_metadata={"k": [1]})
    assert (made.type, made.tags, made.run_metadata["k"]) == (ArtifactType.STATISTICS, ["t"], [1])
    assert made.save_type == "manual"


def test_what_a_step_saves_belongs_to_its_run() -> None:
    @step
    def saving() -> None:
        save_artifact([1, 2], "by_hand")

    saving()
    found = Client().get_artifact_version("by_hand")
    assert (found.load(), found.run.pipeline.name) == ([1, 2], "saving")


def test_a_step_loads_what_was_saved() -> None:
    save_artifact([1, 2], "known")

    @step
    def loading() -> list:
        return load_artifact("known")

    assert loading() == [1, 2]


def test_a_folder_is_registered_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model" / "inner").mkdir(parents=True)
    (tmp_path / "model" / "inner" / "weights").write_text("1")
    made = register_artifact(str(tmp_path / "model"), "model", tags=["t"])
    assert made.save_type == "preexisting"
    assert (load_artifact("model") / "inner" / "weights").read_text() == "1"


def test_a_registered_file_does_not_change_with_the_original(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("before")
    register_artifact(file, "text")
    file.write_text("after")
    assert load_artifact("text").read_text() == "before"


def test_what_is_not_there_can_not_be_registered(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="nothing_here"):
        register_artifact(tmp_path / "nothing_here", "a")


def test_twenty_versions_saved_by_five_processes_are_1_to_20() -> None:
    code = "from mlstack_nb import save_artifact\nfor n in range(4): save_artifact(n, 'shared')"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(5)]
    assert [process.wait(120) for process in started] == [0] * 5
    page = Client().list_artifact_versions(name="shared", size=0)
    assert sorted(int(one.version) for one in page) == list(range(1, 21))


# External


def test_an_external_value_is_an_input_and_the_step_is_cached_for_an_equal_one() -> None:
    @pipeline
    def outside(value: Any) -> None:
        length(ExternalArtifact(value=value))

    statuses = [outside(value).steps["length"].status for value in ([1, 2], [1, 2], [1, 2, 3])]
    assert statuses == ["completed", "cached", "completed"]
    assert runs == [2, 3]


def test_an_external_frame_counts_by_content_too() -> None:
    @pipeline
    def outside(rows: int) -> None:
        length(ExternalArtifact(value=pd.DataFrame({"a": range(rows)})))

    assert [outside(rows).steps["length"].status for rows in (3, 3, 4)] == ["completed", "cached", "completed"]


def test_an_external_artifact_may_name_a_version_by_its_id() -> None:
    made = save_artifact([1, 2, 3], "known")

    @pipeline
    def outside() -> None:
        length(ExternalArtifact(id=made.id))

    assert outside().steps["length"].output.load() == 3


@pytest.mark.parametrize("given", [{}, {"id": "1", "value": 2}])
def test_an_external_artifact_is_a_value_or_a_version(given: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="either a value or a version"):
        ExternalArtifact(**given)


# Metadata


def test_a_step_logs_metadata_of_its_output_by_name() -> None:
    @step
    def telling() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        log_artifact_metadata({"rows": 3}, artifact_name="b")
        return 1, 2

    telling()
    assert Client().get_artifact_version("b").run_metadata["rows"] == 3
    assert "rows" not in Client().get_artifact_version("a").run_metadata


def test_the_output_need_not_be_named_where_there_is_one() -> None:
    @step
    def telling() -> Annotated[int, "only"]:
        log_metadata({"rows": 3}, infer_artifact=True)
        return 1

    telling()
    assert Client().get_artifact_version("only").run_metadata["rows"] == 3


def test_a_name_that_is_neither_an_output_nor_an_artifact_fails_the_step() -> None:
    @step
    def telling() -> Annotated[int, "only"]:
        log_artifact_metadata({"rows": 3}, artifact_name="onyl")
        return 1

    with pytest.raises(RuntimeError, match="No artifact is called 'onyl'"):
        telling()


def test_a_step_logs_metadata_of_itself_and_of_its_run() -> None:
    @step
    def telling() -> None:
        log_step_metadata({"loss": 0.5})

    telling()
    run = Client().get_pipeline("telling").last_run
    assert run.steps["telling"].run_metadata == {"loss": 0.5}
    assert run.run_metadata == {"telling::loss": 0.5}


def test_metadata_of_a_cached_step_is_that_of_the_one_that_ran() -> None:
    @step
    def telling() -> Annotated[int, "told"]:
        log_metadata({"loss": 0.5})
        log_artifact_metadata({"rows": 3})
        return 1

    @pipeline
    def told() -> None:
        telling()

    told()
    again = told().steps["telling"]
    assert (again.status, again.run_metadata, again.output.run_metadata["rows"]) == ("cached", {"loss": 0.5}, 3)


def test_metadata_in_bulk() -> None:
    first, second = save_artifact(1, "a"), save_artifact(2, "b")
    bulk_log_metadata({"batch": 7}, artifact_versions=[first.id, second.id])
    assert [Client().get_artifact_version(name).run_metadata["batch"] for name in "ab"] == [7, 7]


@pytest.mark.parametrize("metadata", [{}, {"f": object()}, {1: "a"}, None])
def test_metadata_that_can_not_be_kept_is_refused(metadata: Any) -> None:
    save_artifact(1, "a")
    with pytest.raises(Exception, match="etadata"):
        log_metadata(metadata, artifact_name="a")


def test_metadata_without_a_subject_outside_of_steps_is_refused() -> None:
    with pytest.raises(Exception, match="no step runs here"):
        log_metadata({"a": 1})


# Lineage


def test_what_was_made_of_an_artifact_is_found_through_its_steps() -> None:
    @step
    def first() -> Annotated[list, "base"]:
        return [1, 2]

    @pipeline
    def chain() -> None:
        length(first())

    run = chain()
    read = run.steps["length"].inputs["value"]
    assert (read.name, read.version, read.step.name) == ("base", "1", "first")
    assert chain().steps["length"].inputs["value"].id == read.id
