from __future__ import annotations

import json
from pathlib import Path

import mlflow
import pytest

from mlstack_nb import pipeline, step
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.run_differences import compare
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.stack import Kind
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step
from mlstack_nb.errors import NotFoundError

STEPS = (
    Step("load", {}, (Output("numbers", "numbers"),), Fingerprint("a" * 64, {"body": "a" * 64})),
    Step("total", {"numbers": FromStep("load", "numbers")}, (Output("sum"),), Fingerprint("b" * 64)),
)


def run(here: Workspace, *, fails: bool = False) -> Run:
    """One real run on the local stack; a step without cache entry executes."""
    divisor = 0 if fails else 1
    bodies = {
        "load": lambda _inputs: {"numbers": [1, 2, 3]},
        "total": lambda inputs: {"sum": sum(inputs["numbers"]) // divisor},
    }
    done, _ = Runtime.current(workspace=here).execute(Pipeline("adding", STEPS, {"depth": 3}), bodies)
    return done


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


def test_runs_are_listed_newest_first_with_their_steps_counted(here: Workspace) -> None:
    first, second = run(here), run(here)
    found = runs.list_all(here)
    assert [row["id"] for row in found] == [second.id, first.id]
    assert [row["step_counts"] for row in found] == [{"cached": 2}, {"completed": 2}]
    assert {(row["pipeline"], row["stack"], row["mode"]) for row in found} == {("adding", "default", "pipeline")}
    assert [row["state"] for row in runs.list_all(here, limit=1)] == ["cached"]


def test_a_run_shows_its_parameters_and_steps(here: Workspace) -> None:
    done = run(here)
    found = runs.show(here, "last")
    assert (found["id"], found["state"], found["parameters"]) == (done.id, "completed", {"depth": 3})
    assert found["steps"] == [step.to_json() for step in done.steps] == runs.steps(here, done.id)
    assert found["step_counts"] == {"completed": 2}


def test_every_answer_is_json(here: Workspace) -> None:
    run(here)
    for answer in (runs.list_all(here), runs.show(here), runs.steps(here)):
        assert json.loads(json.dumps(answer)) == answer


def test_a_failed_run_tells_which_step_failed(here: Workspace) -> None:
    run(here, fails=True)
    assert [row["step_counts"] for row in runs.list_all(here, state="failed")] == [{"completed": 1, "failed": 1}]
    assert runs.steps(here)[1]["failure"]["type"] == "ZeroDivisionError"


def test_an_unknown_state_offers_the_nearest(here: Workspace) -> None:
    with pytest.raises(NotFoundError) as error:
        runs.list_all(here, state="fialed")
    assert error.value.hint == "Did you mean 'failed'?"


def test_a_new_workspace_has_no_runs(here: Workspace) -> None:
    assert runs.list_all(here) == []
    with pytest.raises(NotFoundError, match="There is no run yet"):
        runs.show(here)


def test_what_steps_logged_in_their_tracker_is_compared(workspace: Path) -> None:
    place = Workspace(workspace)
    components.register(place, Kind.EXPERIMENT_TRACKER, "tracking", flavor="mlflow")
    kinds = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.EXPERIMENT_TRACKER: "tracking"}
    stacks.register(place, "tracked", kinds)
    stacks.activate(place, "tracked")

    @step(experiment_tracker="tracking")
    def train(depth: int) -> None:
        mlflow.log_metric("auc", 0.5 + depth / 10)

    @pipeline
    def training(depth: int) -> None:
        train(depth)

    first, second = training(1), training(2)
    found = compare(place, first.id, second.id).steps["train"]
    assert "logged auc 0.6 -> 0.7 (+0.1)" in [one.text for one in found]
    assert compare(place, first.id, first.id).steps["train"] == ()
