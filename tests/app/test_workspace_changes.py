"""What a look at a workspace tells: what others have changed since the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlstack_nb.app import stacks
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.app.workspace_changes import WorkspaceChanges
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.step import Fingerprint, Output, Step


def run(workspace: Path) -> Any:
    pipeline = Pipeline("adding", (Step("one", {}, (Output("x"),), Fingerprint("a" * 64)),))
    return Runtime.current(workspace=Workspace(workspace)).execute(pipeline, {"one": lambda _inputs: {"x": 1}})[0]


def test_what_is_there_from_the_start_is_no_news(workspace: Path) -> None:
    run(workspace)
    changes = WorkspaceChanges(Workspace(workspace))
    assert [changes.look() for _ in range(3)] == [[], [], []]


def test_looking_makes_no_workspace(tmp_path: Path) -> None:
    changes = WorkspaceChanges(Workspace(tmp_path / ".mlstack"))
    assert [changes.look() for _ in range(2)] == [[], []]
    assert not (tmp_path / ".mlstack").exists()


def test_a_switch_is_told_once_and_one_to_the_same_stack_not_at_all(workspace: Path) -> None:
    here, elsewhere = Workspace(workspace), Workspace(workspace)
    stacks.copy(elsewhere, "default", new="other")
    changes = WorkspaceChanges(here)
    changes.look()
    stacks.activate(elsewhere, "default")
    assert changes.look() == []
    stacks.activate(elsewhere, "other")
    told = {"what": "active_stack", "active": "other", "workspace": str(workspace)}
    assert [changes.look() for _ in range(2)] == [[told], []]
    (workspace / "active_stack").unlink()
    assert changes.look() == [{**told, "active": "default"}]


def test_a_run_is_told_and_then_not_again(workspace: Path) -> None:
    changes = WorkspaceChanges(Workspace(workspace))
    changes.look()
    made = run(workspace)
    assert changes.look() == [{"what": "runs", "run": made.id, "state": "completed", "workspace": str(workspace)}]
    assert changes.has_seen(made.id) and not changes.has_open_runs
    assert [changes.look() for _ in range(2)] == [[], []]


def test_a_catalog_that_is_removed_is_looked_at_anew(workspace: Path) -> None:
    run(workspace)
    changes = WorkspaceChanges(Workspace(workspace))
    changes.look()
    for file in workspace.glob("catalog.db*"):
        file.unlink()
    assert changes.look() == []
    made = run(workspace)
    assert [change["run"] for change in changes.look()] == [made.id]
