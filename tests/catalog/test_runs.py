from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.runs import count_steps, get_run, list_runs
from mlstack_nb.core.run import Failure, State
from mlstack_nb.errors import NotFoundError, UsageError

KILLED = """
import os, runpy, signal, sys
from pathlib import Path
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.recorder import Recorder
Story = runpy.run_path(sys.argv[1])["Story"]
story = Story(Recorder(Catalog.open(Path(sys.argv[2]))), "r1")
story.begin()
story.execute("load")
story.start("train", value=2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_in_the_middle(path: Path) -> None:
    support = Path(__file__).parent / "conftest.py"
    done = subprocess.run([sys.executable, "-c", KILLED, support, path], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")


def test_the_run_of_a_killed_process_reads_as_failed(catalog: Catalog, path: Path) -> None:
    kill_in_the_middle(path)
    run = get_run(catalog, "r1")
    assert run.state is State.FAILED
    assert [(step.step, step.state) for step in run.steps] == [("load", State.COMPLETED), ("train", State.FAILED)]
    assert run.steps[1].failure == Failure("ProcessEnded", "the process that ran it ended")
    assert run.ended_at == run.steps[1].started_at
    assert [run.state for run in list_runs(catalog, state=State.FAILED)] == [State.FAILED]


def test_what_reads_as_failed_is_written_back(catalog: Catalog, path: Path) -> None:
    kill_in_the_middle(path)
    states = "SELECT state FROM runs UNION ALL SELECT state FROM step_runs ORDER BY state"
    with catalog.read() as connection:
        assert list(connection.scalars(text(states))) == ["completed", "running", "running"]
    list_runs(catalog)
    with catalog.read() as connection:
        assert list(connection.scalars(text(states))) == ["completed", "failed", "failed"]


def test_the_run_of_a_living_process_reads_as_running(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.start("load")
    assert [run.state for run in list_runs(catalog)] == [State.RUNNING]


def test_a_run_on_another_host_is_left_to_it(catalog: Catalog, tell: Any) -> None:
    story = tell("r1")
    story.begin()
    story.start("load")
    with catalog.write() as connection:
        connection.execute(text("UPDATE runs SET owner_host = 'elsewhere', owner_pid = :pid"), {"pid": os.getpid() + 1})
    assert get_run(catalog, "r1").state is State.RUNNING


def finished(tell: Any, *run_ids: str, **changes: Any) -> None:
    for run_id in run_ids:
        story = tell(run_id)
        story.begin(**changes)
        story.execute("load")
        story.finish()


def test_runs_are_listed_newest_first_and_at_most_as_many_as_asked(catalog: Catalog, tell: Any) -> None:
    finished(tell, "a", "b", "c")
    assert [run.id for run in list_runs(catalog)] == ["c", "b", "a"]
    assert [run.id for run in list_runs(catalog, limit=2)] == ["c", "b"]


def test_runs_are_chosen_by_pipeline_stack_and_state(catalog: Catalog, tell: Any) -> None:
    finished(tell, "a")
    finished(tell, "b", stack="cloud", pipeline="other")
    assert [run.id for run in list_runs(catalog, pipeline="other")] == ["b"]
    assert [run.id for run in list_runs(catalog, stack="default")] == ["a"]
    assert list_runs(catalog, state=State.CANCELLED) == []


def test_steps_are_counted_by_state(catalog: Catalog, tell: Any) -> None:
    story = tell("a")
    story.begin()
    story.execute("load")
    story.reuse("train")
    story.reuse("test")
    story.finish()
    assert count_steps(catalog, ["a", "none"]) == {"a": {State.COMPLETED: 1, State.CACHED: 2}, "none": {}}


def test_a_run_is_found_by_the_beginning_of_its_id_and_as_the_last(catalog: Catalog, tell: Any) -> None:
    finished(tell, "2026-a", "2026-b", "2025")
    assert get_run(catalog, "2026-a").id == "2026-a"
    assert get_run(catalog, "2025").id == "2025"
    assert get_run(catalog, "last").id == "2025"


def test_an_id_that_begins_another_is_found_by_itself(catalog: Catalog, tell: Any) -> None:
    finished(tell, "run", "run-2")
    assert get_run(catalog, "run").id == "run"


def test_an_ambiguous_beginning_names_the_candidates(catalog: Catalog, tell: Any) -> None:
    finished(tell, "run-1", "run-2")
    with pytest.raises(UsageError, match="run-2, run-1"):
        get_run(catalog, "run")


def test_a_wildcard_in_an_id_is_no_wildcard(catalog: Catalog, tell: Any) -> None:
    finished(tell, "run-1")
    with pytest.raises(NotFoundError, match="begins with '%'"):
        get_run(catalog, "%")


def test_without_any_run_there_is_no_last_one(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="There is no run yet"):
        get_run(catalog, "last")
