from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlstack_nb.app import artifacts
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step
from mlstack_nb.errors import NotFoundError


def run(here: Workspace, length: int = 3) -> Run:
    steps = (
        Step("load", {}, (Output("numbers", "numbers"),), Fingerprint(f"{length:064d}")),
        Step("total", {"items": FromStep("load", "numbers")}, (Output("sum"),), Fingerprint("b" * 64)),
    )
    bodies = {
        "load": lambda _inputs: {"numbers": list(range(length))},
        "total": lambda inputs: {"sum": sum(inputs["items"])},
    }
    return Runtime.current(workspace=here).execute(Pipeline("adding", steps, {}), bodies)[0]


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


def test_the_newest_version_of_each_artifact_is_listed(here: Workspace) -> None:
    run(here)
    second = run(here, 4)
    found = [(row["name"], row["version"], row["type"], row["run_id"]) for row in artifacts.list_all(here)]
    assert found == [
        ("adding::total::sum", 2, "builtins.int", second.id),
        ("numbers", 2, "builtins.list", second.id),
    ]


def test_versions_are_listed_newest_first(here: Workspace) -> None:
    run(here)
    run(here, 4)
    assert [row["version"] for row in artifacts.versions(here, "numbers")] == [2, 1]


def test_lineage_tells_who_made_and_who_read_a_version(here: Workspace) -> None:
    first = run(here)
    again = run(here)
    found = artifacts.show(here, "numbers", version=1)
    assert found["made_by"] == {"run_id": first.id, "pipeline": "adding", "step": "load", "output": "numbers"}
    readers = [(reading["run_id"], reading["step"], reading["input"], reading["state"]) for reading in found["read_by"]]
    assert readers == [(again.id, "total", "items", "cached"), (first.id, "total", "items", "completed")]


def test_every_answer_is_json(here: Workspace) -> None:
    run(here)
    for answer in (artifacts.list_all(here), artifacts.versions(here, "numbers"), artifacts.show(here, "numbers")):
        assert json.loads(json.dumps(answer)) == answer


def test_an_unknown_name_or_version_says_what_there_is(here: Workspace) -> None:
    run(here)
    with pytest.raises(NotFoundError) as error:
        artifacts.show(here, "number")
    assert error.value.hint == "Did you mean 'numbers'?"
    with pytest.raises(NotFoundError, match="no version 2"):
        artifacts.show(here, "numbers", version=2)
