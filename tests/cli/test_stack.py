from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_stacks_are_listed_with_the_active_one_marked(mlstack: Any) -> None:
    mlstack("stack", "register", "mine", "-o", "default", "-a", "default")
    lines = mlstack("stack", "list").out.splitlines()
    assert lines[1].startswith("*       default")
    assert lines[2].startswith("        mine ")
    assert [stack["name"] for stack in mlstack("stack", "list", "--json").json] == ["default", "mine"]


def test_a_stack_is_registered_set_and_described(mlstack: Any) -> None:
    mlstack("component", "register", "experiment-tracker", "t", "--flavor", "mlflow")
    done = mlstack("stack", "register", "mine", "-o", "default", "--artifact_store", "default", "-e", "t", "--set")
    assert done.out == "Registered stack 'mine'.\nThe active stack is 'mine'.\n"
    assert mlstack("stack", "get").out == "mine\n"
    described = mlstack("stack", "describe", "--json").json
    assert (described["name"], described["active"]) == ("mine", True)
    assert described["components"]["experiment_tracker"]["flavor"] == "mlflow"
    assert "experiment_tracker  t        mlflow" in mlstack("stack", "describe", "mine").out


def test_get_tells_who_named_the_stack(mlstack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_STACK", "default")
    assert mlstack("stack", "get", "--json").json == {"name": "default", "active_by": "MLSTACK_STACK"}


def test_setting_a_stack_warns_when_a_variable_comes_first(mlstack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mlstack("stack", "copy", "default", "mine")
    monkeypatch.setenv("MLSTACK_STACK", "default")
    assert mlstack("stack", "set", "mine").err == "But MLSTACK_STACK is set to 'default', which comes first.\n"


def test_a_stack_is_updated_renamed_copied_and_deleted(mlstack: Any) -> None:
    mlstack("component", "register", "experiment_tracker", "t", "--flavor", "mlflow")
    for words in (
        ("copy", "default", "mine"),
        ("update", "mine", "-e", "t"),
        ("rename", "mine", "ours"),
        ("copy", "ours", "theirs"),
        ("update", "ours", "--remove", "experiment-tracker"),
    ):
        assert mlstack("stack", *words).code == 0
    found = {stack["name"]: set(stack["components"]) for stack in mlstack("stack", "list", "--json").json}
    assert found["ours"] == found["default"] == {"orchestrator", "artifact_store"}
    assert found["theirs"] == {"orchestrator", "artifact_store", "experiment_tracker"}
    assert mlstack("stack", "delete", "theirs").out == "Deleted stack 'theirs'.\n"


def test_an_update_of_nothing_is_a_usage_error(mlstack: Any) -> None:
    assert mlstack("stack", "update", "default").code == 2


def test_a_stack_goes_to_a_file_and_comes_back(mlstack: Any, workspace: Path) -> None:
    mlstack("component", "register", "artifact_store", "big", "--flavor", "local", "--path", "store")
    mlstack("stack", "register", "mine", "-o", "default", "-a", "big")
    assert mlstack("stack", "export", "mine").out == "Wrote stack 'mine' to mine.yaml.\n"
    assert mlstack("stack", "export", "mine", "-").out == (workspace.parent / "mine.yaml").read_text()
    mlstack("stack", "delete", "mine")
    mlstack("component", "delete", "artifact_store", "big")
    done = mlstack("stack", "import", "again", "-f", "mine.yaml", "--set")
    assert done.out.splitlines() == [
        "Registered artifact_store 'big' (flavor local).",
        "Found orchestrator 'default' (flavor local) as it is in the file.",
        "Registered stack 'again'.",
        "The active stack is 'again'.",
    ]
    described = mlstack("stack", "describe", "--json").json
    assert described["components"]["artifact_store"]["configuration"] == {"path": "store"}


def test_the_file_alone_or_the_name_alone_is_enough_to_import(mlstack: Any, workspace: Path) -> None:
    mlstack("stack", "copy", "default", "mine")
    mlstack("stack", "export", "mine")
    mlstack("stack", "delete", "mine")
    assert mlstack("stack", "import", "mine.yaml").out.endswith("Registered stack 'mine'.\n")
    assert mlstack("stack", "import", "mine").out.endswith("Found stack 'mine'.\n")
    assert mlstack("stack", "import").code == 2


def test_an_existing_file_is_not_written_over_unless_told_so(mlstack: Any, workspace: Path) -> None:
    file = workspace.parent / "default.yaml"
    file.write_text("mine")
    assert mlstack("stack", "export").code == 1
    assert file.read_text() == "mine"
    assert mlstack("stack", "export", "--force").code == 0
    assert file.read_text().startswith("components:")


def test_secrets_left_out_of_an_export_are_told(mlstack: Any) -> None:
    mlstack("component", "register", "experiment_tracker", "t", "--flavor", "mlflow", "--tracking_token", "s3cret")
    mlstack("stack", "register", "mine", "-o", "default", "-a", "default", "-e", "t")
    done = mlstack("stack", "export", "mine", "-")
    assert "s3cret" not in done.out
    assert done.err == "Left out, being secret: experiment_tracker t: tracking_token\n"
