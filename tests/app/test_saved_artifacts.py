from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from mlstack_nb import (
    ArtifactConfig,
    ArtifactType,
    BaseMaterializer,
    Client,
    ExternalArtifact,
    load_artifact,
    pipeline,
    register_artifact,
    save_artifact,
    step,
)
from mlstack_nb.app import components, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.core.step import FromArtifact
from mlstack_nb.errors import ConflictError, MaterializerError, NotFoundError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[str] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def test_versions_are_counted_and_what_was_saved_is_loaded():
    assert [save_artifact(value, "number").version for value in (10, 20)] == ["1", "2"]
    assert load_artifact("number") == 20
    assert load_artifact("number", 1) == load_artifact("number", "1") == 10
    assert load_artifact(Client().get_artifact_version("number", 1).id) == 10


def test_after_a_number_of_ones_own_counting_goes_on_from_there():
    given = [None, 44, None, "blue", None, "7", None]
    versions = [save_artifact(0, "number", version=version).version for version in given]
    assert versions == ["1", "44", "45", "blue", "46", "7", "47"]
    assert list(Client().get_artifact("number").versions) == versions[::-1]
    assert load_artifact("number", "blue") == 0


@pytest.mark.parametrize("version", ["blue", 44, "44"])
def test_a_version_is_not_used_twice(version: str | int):
    save_artifact(1, "number", version=version)
    with pytest.raises(ConflictError, match=f"has a version '{version}' already"):
        save_artifact(2, "number", version=version)
    assert load_artifact("number", version) == 1
    assert save_artifact(2, "other", version=version).version == str(version)


def test_what_is_said_of_a_version_is_kept():
    found = save_artifact(
        1.5,
        "model",
        artifact_type=ArtifactType.MODEL,
        tags=["best", "small"],
        user_metadata={"score": np.float64(0.5), "at": Path("there")},
    )
    assert (found.type, found.tags) == (ArtifactType.MODEL, ["best", "small"])
    assert found.run_metadata == {"score": 0.5, "at": "there"}
    assert (found.run, found.step, found.save_type) == (None, None, "manual")


def test_metadata_and_previews_may_be_left_out():
    frame = pd.DataFrame({"a": [1]})
    full = save_artifact(frame, "frame")
    bare = save_artifact(frame, "frame", extract_metadata=False, include_visualizations=False)
    assert full.run_metadata["shape"] == [1, 1] and "<table>" in full._repr_html_()
    assert bare.run_metadata == {} and "<table>" not in bare._repr_html_()


class Shout(BaseMaterializer):
    def save(self, data: Any) -> None:
        (self.folder / "text").write_text(data.upper())

    def load(self, data_type: type[Any]) -> Any:
        return (self.folder / "text").read_text()


def test_a_materializer_may_be_chosen():
    assert save_artifact("quiet", "text", materializer=Shout).load() == "QUIET"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 256, None, 7])
def test_a_name_that_is_none_is_refused(name: Any):
    with pytest.raises(UsageError, match="can not be the name of an artifact"):
        save_artifact(1, name)


def test_a_value_that_can_not_be_written_leaves_no_version():
    with pytest.raises(MaterializerError):
        save_artifact((number for number in range(3)), "generator")
    with pytest.raises(NotFoundError):
        load_artifact("generator")


def test_a_file_and_a_folder_are_registered_as_they_are():
    folder = Path("checkpoints")
    folder.mkdir()
    (folder / "weights").write_bytes(b"123")
    found = register_artifact(folder.absolute().as_uri(), "checkpoints", artifact_metadata={"epoch": 3})
    (folder / "weights").write_bytes(b"later")
    assert (load_artifact("checkpoints") / "weights").read_bytes() == b"123"
    assert (found.save_type, found.run_metadata["epoch"]) == ("preexisting", 3)
    register_artifact(folder / "weights", "weights", version="first")
    assert load_artifact("weights", "first").read_bytes() == b"later"
    with pytest.raises(NotFoundError, match="no file or folder"):
        register_artifact("nowhere", "nothing")


# in steps


@step
def report(rows: int) -> int:
    CALLS.append("report")
    save_artifact({"rows": rows}, "report")
    return rows


@pipeline(name="reporting")
def reporting(rows: int = 1):
    report(rows)


def test_in_a_step_a_version_belongs_to_its_run():
    run = reporting()
    found = Client().get_artifact_version("report")
    assert (found.run.id, found.step.name) == (run.id, "report")
    assert load_artifact("report") == {"rows": 1}


def test_a_cached_step_saves_nothing_and_keeps_what_it_saved():
    reporting()
    run = reporting()
    assert CALLS == ["report"]
    assert [one.version for one in Client().list_artifact_versions(name="report")] == ["1"]
    assert Client().get_pipeline_run(run.id).steps["report"].outputs["report"].load() == {"rows": 1}


def test_a_step_that_saves_is_cached_as_often_as_it_is_asked():
    for _ in range(3):
        reporting()
    assert Client().list_artifact_versions().total == 2


def test_a_step_loads_what_one_before_it_saved():
    @step(enable_cache=False)
    def read(rows: int) -> None:
        CALLS.append(f"{rows} {load_artifact('report')}")

    @pipeline
    def both():
        read(report(5))

    both()
    assert CALLS == ["report", "5 {'rows': 5}"]


def test_an_output_that_has_a_version_runs_once_under_it():
    @step(enable_cache=False)
    def make() -> Annotated[int, ArtifactConfig(name="release", version="v1", tags=["x"], run_metadata={"q": 1})]:
        CALLS.append("make")
        return 1

    @pipeline
    def making():
        make()

    making()
    found = Client().get_artifact_version("release", "v1")
    assert (found.tags, found.run_metadata, found.load()) == (["x"], {"q": 1}, 1)
    with pytest.raises(StepError, match="has a version 'v1' already"):
        making()
    assert CALLS == ["make"]
    assert Client().get_pipeline("making").last_run.steps["make"].status == "failed"


# several stacks


def test_an_artifact_is_read_from_the_store_that_has_it(workspace: Path, tmp_path: Path):
    here = Workspace(workspace)
    components.register(here, Kind.ARTIFACT_STORE, "other", flavor="local", configuration={"path": str(tmp_path / "b")})
    stacks.register(here, "second", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "other"})
    frame = pd.DataFrame({"a": [1, 2]})
    stacks.activate(here, "second")
    save_artifact(frame, "frame")
    stacks.activate(here, "default")
    assert load_artifact("frame").equals(frame)
    assert Client().get_artifact_version("frame").uri.startswith(str(tmp_path / "b"))


# values of outside


@step
def add(frame: pd.DataFrame, more: int = 0) -> int:
    CALLS.append("add")
    return int(frame["a"].sum()) + more


def adding_of(value: Any):
    @pipeline(name="adding")
    def adding():
        add(ExternalArtifact(value=value))

    return adding


def test_an_external_value_counts_by_its_content():
    for values in ([1, 2], [1, 2], [1, 3]):
        adding_of(pd.DataFrame({"a": values}))()
    assert CALLS == ["add", "add"]
    found = Client().list_artifact_versions(save_type="external")
    assert sorted(int(one.load()["a"].sum()) for one in found) == [3, 4]
    assert Client().get_pipeline("adding").last_run.steps["add"].inputs["frame"] == found[0]


def test_an_external_value_reaches_later_steps_through_the_cache():
    @step
    def twice(number: int) -> int:
        CALLS.append("twice")
        return 2 * number

    @pipeline
    def chain():
        twice(add(ExternalArtifact(value=pd.DataFrame({"a": [5]}))))

    chain()
    run = chain()
    assert CALLS == ["add", "twice"]
    assert [one.state for one in run.steps] == ["cached", "cached"]


def test_an_external_artifact_may_be_one_that_is_there():
    save_artifact(pd.DataFrame({"a": [1]}), "table")
    saved = save_artifact(pd.DataFrame({"a": [9]}), "table")

    @pipeline
    def adding():
        add(ExternalArtifact(id=saved.id))
        add(ExternalArtifact(id="table"), id="named")

    built, _ = adding.build()
    assert built.step("add").inputs["frame"] == built.step("named").inputs["frame"] == FromArtifact("table", "2")
    adding()
    assert Client().get_pipeline("adding").last_run.steps["add"].output.load() == 9


@pytest.mark.parametrize("given", [{}, {"value": 1, "id": "x"}, {"value": None}])
def test_an_external_artifact_is_a_value_or_a_version(given: dict[str, Any]):
    with pytest.raises(UsageError, match="either a value or a version"):
        ExternalArtifact(**given)


def test_an_external_value_that_can_not_be_written_is_told_where_the_pipeline_is_called():
    with pytest.raises(MaterializerError):
        adding_of(number for number in range(3))()


# several processes

SAVES = """
import sys
from mlstack_nb import save_artifact
for number in range(4):
    save_artifact([int(sys.argv[1]), number], "shared")
"""


def test_twenty_saves_by_five_processes_make_versions_1_to_20():
    processes = [subprocess.Popen([sys.executable, "-c", SAVES, str(number)]) for number in range(5)]
    assert [process.wait(120) for process in processes] == [0] * 5
    found = Client().list_artifact_versions(name="shared", size=0)
    assert sorted(int(one.version) for one in found) == list(range(1, 21))
    saved = sorted(one.load() for one in found)
    assert saved == [[process, number] for process in range(5) for number in range(4)]


KILLED = """
import numpy as np
from mlstack_nb import save_artifact
number = 0
while True:
    number += 1
    save_artifact(np.full(200_000, number), "array")
    print(number, flush=True)
"""


def test_whatever_moment_a_saving_process_is_killed_every_version_is_whole():
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    found = list(Client().list_artifact_versions(name="array", size=0))
    assert len(found) >= 3
    assert [int(one.version) for one in found] == list(range(len(found), 0, -1))
    assert all((one.load() == int(one.version)).all() for one in found)
