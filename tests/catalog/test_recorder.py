from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from mlstack_nb.catalog import artifacts
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.recorder import MOST_BUFFERED, Recorder
from mlstack_nb.catalog.runs import end_lost_steps, get_run, list_runs
from mlstack_nb.catalog.tables import step_inputs, step_runs
from mlstack_nb.core.events import RunStarted
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Failure, Run, State
from mlstack_nb.core.stack import Stack
from mlstack_nb.errors import CatalogError


def rows(catalog: Catalog, table: Any) -> int:
    with catalog.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@contextmanager
def counted_commits(catalog: Catalog) -> Iterator[list[int]]:
    found: list[int] = []

    def count(_connection: Any) -> None:
        found.append(1)

    event.listen(catalog.engine, "commit", count)
    yield found
    event.remove(catalog.engine, "commit", count)


def test_a_run_reads_as_it_was_told(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.execute("load", tracker={"name": "t", "run_id": "m1", "url": ""})
    story.execute("train", value=2, attempt=2)
    told = story.finish()
    read = get_run(catalog, "r1")
    assert [step.to_json() for step in read.steps] == [step.to_json() for step in told.steps]
    assert (read.pipeline, read.stack, read.state, read.mode) == ("p", "default", State.COMPLETED, "pipeline")
    assert (read.started_at, read.ended_at, read.parameters) == (told.started_at, told.ended_at, {"depth": 3})


def test_a_failure_is_kept_with_its_traceback(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    failure = Failure("ValueError", "no rows", "Traceback ...")
    story.execute("load", state=State.FAILED, outputs={}, failure=failure)
    story.finish(State.FAILED)
    assert get_run(catalog, "r1").steps[0].failure == failure


def test_a_step_reads_as_running_while_its_code_runs(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.execute("load")
    story.start("train")
    read = get_run(catalog, "r1")
    assert [(step.step, step.state) for step in read.steps] == [("load", State.COMPLETED), ("train", State.RUNNING)]
    assert read.state is State.RUNNING


def test_an_executed_step_costs_one_transaction(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    with counted_commits(catalog) as commits:
        story.begin()
        for number in range(10):
            story.execute(f"step {number}")
        story.finish()
    assert len(commits) == 10 + 1


def test_cached_steps_share_one_transaction(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    with counted_commits(catalog) as commits:
        story.begin()
        for number in range(MOST_BUFFERED - 1):
            story.reuse(f"step {number}")
        assert commits == []
        story.finish()
    assert len(commits) == 1


def test_many_cached_steps_are_written_before_the_run_ends(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    for number in range(MOST_BUFFERED + 1):
        story.reuse(f"step {number}")
    assert rows(catalog, step_runs) == MOST_BUFFERED


def test_flush_writes_what_has_gathered(catalog: Catalog, recorder: Recorder, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.reuse("load")
    assert list_runs(catalog) == []
    recorder.flush()
    assert [step.state for step in get_run(catalog, "r1").steps] == [State.CACHED]


def test_each_execution_makes_a_version_and_a_cached_step_does_not(catalog: Catalog, tell: Any) -> None:
    for number, act in enumerate(("execute", "execute", "reuse")):
        story = tell(f"r{number}")
        story.begin()
        getattr(story, act)("load")
        story.finish()
    found = artifacts.versions(catalog, "p::load::y")
    assert [(version.version, version.run_id) for version in found] == [(2, "r1"), (1, "r0")]


@pytest.mark.parametrize("is_new_process", [False, True])
def test_a_cached_step_reads_whole_though_it_is_written_narrow(
    catalog: Catalog, tell: Any, is_new_process: bool
) -> None:
    first, second = tell("r1"), tell("r2")
    if is_new_process:
        second = tell("r2", by=Recorder(catalog))
    first.begin()
    first.execute("load")
    first.execute("train", value=2)
    first.finish()
    inputs = rows(catalog, step_inputs)
    second.begin()
    second.reuse("load")
    second.reuse("train", value=2)
    told = second.finish()
    assert [step.to_json() for step in get_run(catalog, "r2").steps] == [step.to_json() for step in told.steps]
    assert rows(catalog, step_inputs) == inputs


def test_a_cached_step_of_another_catalog_brings_its_artifacts(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.reuse("train", value=2)
    told = story.finish()
    assert get_run(catalog, "r1").steps[0].to_json() == told.steps[0].to_json()
    assert artifacts.get_version(catalog, "p::train::y").run_id == "r1"


def test_a_cached_step_with_other_outputs_than_the_known_ones_keeps_its_own(catalog: Catalog, tell: Any) -> None:
    first, second = tell("r1"), tell("r2")
    first.begin()
    first.execute("load", value=1)
    first.finish()
    second.begin()
    second.reuse("load", value=7)
    second.finish()
    assert get_run(catalog, "r2").steps[0].outputs["y"].inline == "7"
    assert get_run(catalog, "r1").steps[0].outputs["y"].inline == "1"


def test_a_result_reused_in_the_same_batch_is_written_once(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    for _ in range(3):
        story.reuse("load", name="data")
    story.finish()
    assert len(artifacts.versions(catalog, "data")) == 1
    assert [step.outputs["y"].name for step in get_run(catalog, "r1").steps] == ["data"] * 3


def test_a_step_that_runs_twice_in_a_run_is_two_step_runs(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.execute("load", value=1)
    story.execute("load", value=2)
    story.finish()
    assert [step.outputs["y"].inline for step in get_run(catalog, "r1").steps] == ["1", "2"]


def test_a_step_opens_a_run_again_that_had_ended(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin(mode="interactive")
    story.execute("load")
    story.finish()
    story.start("train")
    assert get_run(catalog, "r1").state is State.RUNNING
    assert get_run(catalog, "r1").ended_at is None


def test_an_ended_run_that_goes_on_keeps_its_steps(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin(mode="interactive")
    story.execute("load")
    story.finish()
    story.execute("train", value=2)
    told = story.finish()
    assert [step.to_json() for step in get_run(catalog, "r1").steps] == [step.to_json() for step in told.steps]


def test_what_is_no_plain_data_is_told_by_its_repr(catalog: Catalog, recorder: Recorder) -> None:
    run = Run("r1", "p", "default", State.RUNNING, 1.0, parameters={"path": Path("data"), "depth": (1, 2)})
    recorder(RunStarted(run, Plan("r1", "p", Stack("default", ()), ())))
    recorder.flush()
    assert get_run(catalog, "r1").parameters == {"path": repr(Path("data")), "depth": [1, 2]}


def test_what_could_not_be_written_is_written_by_the_next_flush(
    catalog: Catalog, recorder: Recorder, tell: Any
) -> None:
    story = tell("r1")
    story.begin()
    story.reuse("load")
    with catalog.write() as connection:
        connection.exec_driver_sql("ALTER TABLE artifacts RENAME TO elsewhere")
    with pytest.raises(CatalogError):
        recorder.flush()
    with catalog.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO artifacts")
    story.reuse("train", value=2)
    told = story.finish()
    assert [step.to_json() for step in get_run(catalog, "r1").steps] == [step.to_json() for step in told.steps]


def test_threads_may_share_a_recorder(catalog: Catalog, tell: Any) -> None:
    def work(number: int) -> None:
        story = tell(f"r{number}")
        story.begin()
        for step in range(20):
            story.execute(f"step {step}", name="shared")
        story.finish()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(get_run(catalog, f"r{number}").steps) for number in range(4)] == [20] * 4
    assert [version.version for version in artifacts.versions(catalog, "shared")] == list(range(80, 0, -1))


def test_eight_processes_record_at_once_and_count_versions_without_gaps(catalog: Catalog, path: Path) -> None:
    code = """
import runpy, sys
from pathlib import Path
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.recorder import Recorder
Story = runpy.run_path(sys.argv[1])["Story"]
story = Story(Recorder(Catalog.open(Path(sys.argv[2]))), sys.argv[3])
story.begin()
for step in range(25):
    story.execute(f"step {step}", name="shared")
story.finish()
"""
    support = Path(__file__).parent / "conftest.py"
    commands = [[sys.executable, "-c", code, str(support), str(path), f"run-{number}"] for number in range(8)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) for command in commands]
    assert [writer.communicate()[1] for writer in writers] == [""] * 8
    assert [version.version for version in artifacts.versions(catalog, "shared")] == list(range(200, 0, -1))
    assert {run.state for run in list_runs(catalog)} == {State.COMPLETED}


def joined(catalog: Catalog, tell: Any) -> tuple[Any, Any]:
    """A run whose step `outer` works, and the story of another process that adds steps to it."""
    outer = tell("r1", names=("outer",))
    outer.begin()
    outer.start("outer")
    other = Recorder(catalog)
    other.join(get_run(catalog, "r1"), Plan("r1", "p", Stack("default", ()), ()))
    return outer, tell("r1", by=other, names=("inner", "last"))


def test_steps_that_another_process_adds_come_after_those_that_are_there(catalog: Catalog, tell: Any) -> None:
    outer, inner = joined(catalog, tell)
    inner.execute("inner")
    inner.reuse("last")
    inner.recorder.flush()
    outer.recorder.flush()
    assert [(step.step, step.state) for step in get_run(catalog, "r1").steps] == [
        ("outer", State.RUNNING),
        ("inner", State.COMPLETED),
        ("last", State.CACHED),
    ]
    outer.finish()
    assert (get_run(catalog, "r1").state, len(get_run(catalog, "r1").steps)) == (State.COMPLETED, 3)


def test_what_a_lost_process_left_as_running_ends_as_failed(catalog: Catalog, tell: Any) -> None:
    _, inner = joined(catalog, tell)
    inner.start("inner")
    end_lost_steps(catalog, "r1", but="outer")
    assert [(step.step, step.state) for step in get_run(catalog, "r1").steps] == [
        ("outer", State.RUNNING),
        ("inner", State.FAILED),
    ]
