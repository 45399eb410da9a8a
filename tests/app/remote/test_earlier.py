"""Artifacts of earlier as inputs of steps on nodes, and what their code saves, tells and tags there."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlstack_nb import Client, save_artifact
from mlstack_nb.app import components, stacks
from mlstack_nb.app.launch import Launch, prepare
from mlstack_nb.app.remote.submission import Submission, store_variable
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.runs import get_run
from mlstack_nb.core.events import RunStarted, StepEnded
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError

PIPELINE = """
from typing import Annotated
import numpy as np
from mlstack_nb import Client, ExternalArtifact, add_tags, log_metadata, pipeline, save_artifact, step

@step
def read(array: np.ndarray, told: int, given: list) -> int:
    save_artifact([1, 2], "by hand", tags=["kept"], user_metadata={"a": 1})
    add_tags("from a node")
    log_metadata({"speed": 3})
    return int(array.sum()) + told + len(given)

@step
def make() -> Annotated[int, "made just now"]:
    return 40

@step
def take(number: int) -> int:
    return number + 2

@pipeline
def reading():
    array = Client().get_artifact_version("array")
    read(array, array.run_metadata["height"], ExternalArtifact(value=[7]))
    made = make()
    take(Client().get_artifact_version("made just now"), after=made)
"""


@pytest.fixture
def launch(workspace: Path, tmp_path: Path) -> Launch:
    """A run of it that was submitted, to an engine that is not there; the array is in another stack's store."""
    place = Workspace(workspace)
    address = {"address": "tcp://127.0.0.1:9"}
    other = {"path": str(tmp_path / "other")}
    components.register(place, Kind.ORCHESTRATOR, "absent", flavor="dask", configuration=address)
    components.register(place, Kind.ARTIFACT_STORE, "other", flavor="local", configuration=other)
    stacks.register(place, "remote", {Kind.ORCHESTRATOR: "absent", Kind.ARTIFACT_STORE: "other"})
    save_artifact(np.arange(200_000), "array", user_metadata={"height": 10})
    (workspace.parent / "reading.py").write_text(PIPELINE)
    made = prepare(Request("reading.py", stack="remote"))
    with pytest.raises(ConfigError):
        made.submit()
    return made


def on_a_node(launch: Launch, step: str, folder: Path) -> StepRun:
    """The record of a step, after a process that knows the store's address and nothing else has run it."""
    run_id, store = launch.request.run_id, launch.runtime.engine.store
    known = store_variable(dict(Submission.read(store, run_id).stack))
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**kept, "HOME": str(folder), "MLSTACK_STORE": known}
    command = [sys.executable, "-m", "mlstack_nb.run_node", run_id, step]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = store.step(run_id, step)
    assert found is not None and found.state is State.COMPLETED
    return found


def test_an_artifact_that_the_run_makes_is_read_where_it_was_made(
    launch: Launch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    on_a_node(launch, "make", tmp_path_factory.mktemp("first"))
    assert on_a_node(launch, "take", tmp_path_factory.mktemp("second")).outputs["output"].inline == "42"


def test_a_node_has_what_was_there_before_and_what_it_saves_tells_and_tags_comes_home(
    launch: Launch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    record = on_a_node(launch, "read", tmp_path_factory.mktemp("node"))
    assert record.outputs["output"].inline == str(sum(range(200_000)) + 10 + 1)
    assert record.inputs["array"] == Client().get_artifact_version("array").content_hash
    runtime = Runtime.current(stack="remote")
    run = replace(get_run(runtime.catalog, launch.request.run_id), state=State.RUNNING, ended_at=None, steps=())
    runtime.engine.emit(RunStarted(run, runtime.engine.store.plan(run.id)))
    for _ in range(2):  # an engine may be asked twice
        runtime.engine.emit(StepEnded(record))
        runtime.recorder.flush()
    found = Client().get_pipeline_run(run.id)
    assert found.tags == ["from a node"]
    assert found.steps["read"].run_metadata == {"speed": 3}
    saved = Client().get_artifact_version("by hand")
    assert (saved.load(), saved.tags, saved.run_metadata["a"], saved.version) == ([1, 2], ["kept"], 1, "1")
    assert (saved.step.name, saved.save_type) == ("read", "manual")
    assert Client().list_artifact_versions(name="by hand").total == 1
