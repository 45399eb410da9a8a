from __future__ import annotations

from pathlib import Path

import pytest

from mlstack_nb.app import components, stacks
from mlstack_nb.app.doctor import Check, Verdict, examine
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.head import HEAD
from mlstack_nb.core.stack import Kind


def checks() -> dict[str, Check]:
    return {check.name: check for check in examine()}


def test_a_new_workspace_is_well(workspace: Path) -> None:
    found = checks()
    assert [check for check in found.values() if check.verdict is Verdict.FAIL] == []
    assert {"python", "mlstack-nb", "sqlalchemy", "dot", "workspace", "disk", "catalog", "stack"} <= set(found)
    assert found["catalog"].detail.endswith(f"catalog.db, schema {HEAD}")
    assert {"orchestrator default", "artifact_store default"} <= set(found)


def test_each_component_of_the_active_stack_is_checked(workspace: Path) -> None:
    here = Workspace(workspace)
    components.register(here, Kind.EXPERIMENT_TRACKER, "t", flavor="mlflow")
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.EXPERIMENT_TRACKER: "t"}
    stacks.register(here, "mine", parts)
    stacks.activate(here, "mine")
    assert checks()["experiment_tracker t"].verdict is Verdict.OK


def test_without_dot_there_is_a_warning_and_what_it_means(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(workspace))
    found = checks()["dot"]
    assert (found.verdict, found.detail) == (Verdict.WARN, "not installed; graphs are drawn in a simpler layout")


def test_a_damaged_catalog_fails_with_what_to_do(workspace: Path) -> None:
    (workspace / "catalog.db").write_text("no database at all " * 99)
    found = checks()
    assert found["catalog"].verdict is Verdict.FAIL
    assert found["catalog"].hint.startswith("Move it aside")
    assert found["workspace"].verdict is Verdict.OK


def test_an_unknown_active_stack_fails(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_STACK", "defalt")
    found = checks()["stack"]
    assert (found.verdict, found.hint) == (Verdict.FAIL, "Did you mean 'default'?")


def test_a_workspace_that_can_not_be_made_fails_with_what_to_do(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "file").touch()
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(workspace / "file" / "inner"))
    found = checks()["workspace"]
    assert found.verdict is Verdict.FAIL
    assert "MLSTACK_WORKSPACE" in found.hint


def test_a_workspace_variable_that_names_a_file_fails(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "file").touch()
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(workspace / "file"))
    assert checks()["workspace"].verdict is Verdict.FAIL
