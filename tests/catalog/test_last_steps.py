"""The newest step run of each step of a pipeline, whichever run it was in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.runs import last_steps
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step

ONE = Step("one", {}, (Output("x"),), Fingerprint("a" * 64))
TWO = Step("two", {"x": FromStep("one", "x")}, (Output("y"),), Fingerprint("b" * 64))


def run(workspace: Path, *steps: Step, name: str = "adding", fails: bool = False) -> Run:
    def two(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] // (0 if fails else 1)}

    bodies = {"one": lambda _inputs: {"x": 1}, "two": two}
    return Runtime.current(workspace=Workspace(workspace)).execute(Pipeline(name, steps), bodies)[0]


def test_each_step_is_told_from_the_newest_run_that_it_was_in(workspace: Path) -> None:
    first = run(workspace, ONE, TWO, fails=True)
    second = run(workspace, ONE)
    run(workspace, ONE, TWO, name="other")
    found = last_steps(Workspace(workspace).catalog, "adding")
    assert {name: (step.run_id, step.state.value) for name, step in found.items()} == {
        "one": (second.id, "cached"),
        "two": (first.id, "failed"),
    }
    assert set(found["one"].outputs) == {"x"}


def test_a_pipeline_that_never_ran_has_none(workspace: Path) -> None:
    run(workspace, ONE)
    assert last_steps(Workspace(workspace).catalog, "adding too") == {}
