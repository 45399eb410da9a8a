from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlstack_nb.app import stacks
from mlstack_nb.app.workspace import DEFAULT_STACK, Workspace
from mlstack_nb.errors import NotFoundError, StoreUnwritableError, UsageError


def test_the_nearest_folder_upward_is_the_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = workspace.parent / "src" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Workspace.find().root == workspace
    assert Workspace.find(workspace.parent).root == workspace


def test_a_file_of_that_name_is_named_instead_of_another_workspace_being_taken(workspace: Path) -> None:
    inner = workspace.parent / "inner"
    inner.mkdir()
    (inner / ".mlstack").touch()
    with pytest.raises(UsageError, match=r"inner/\.mlstack is a file, where the folder of a workspace should be"):
        Workspace.find(inner)


def test_the_variable_comes_first(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(workspace.parent / "elsewhere"))
    assert Workspace.find().root == workspace.parent / "elsewhere"


def test_a_variable_that_names_a_file_is_an_error(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "file").touch()
    monkeypatch.setenv("MLSTACK_WORKSPACE", str(workspace / "file"))
    with pytest.raises(UsageError, match="MLSTACK_WORKSPACE"):
        Workspace.find()


def test_without_any_folder_the_home_directory_gets_one_on_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Workspace.find()
    assert found.root == Path.home() / ".mlstack"
    assert found.active_stack() == DEFAULT_STACK
    assert not found.root.exists()
    found.set_active_stack("default")
    assert stat.S_IMODE(found.root.stat().st_mode) == 0o700


def test_a_removed_working_directory_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="has been removed"):
        Workspace.find()


def test_an_empty_folder_is_a_workspace_with_the_default_stack(workspace: Path) -> None:
    assert [stack["name"] for stack in stacks.list_all(Workspace(workspace))] == ["default"]


def test_the_default_stack_is_what_the_catalog_holds(workspace: Path) -> None:
    described = stacks.describe(Workspace(workspace), "default")
    assert described["components"] == DEFAULT_STACK.snapshot()["components"]


def test_the_default_stack_is_found_without_a_database_or_models(workspace: Path) -> None:
    code = """
import sys
from mlstack_nb.app.workspace import Workspace
print(Workspace.find().active_stack().name, sorted({"pydantic", "sqlalchemy", "yaml", "alembic"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "default []\n"
    assert list(workspace.iterdir()) == []


def test_who_names_the_active_stack_is_ordered(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Workspace(workspace)
    assert here.active_stack_name() == ("default", f"the workspace {workspace}")
    here.set_active_stack("stored")
    assert here.active_stack_name()[0] == "stored"
    assert here.active_stack_name(notebook="noted") == ("noted", "the notebook's metadata")
    monkeypatch.setenv("MLSTACK_STACK", "exported")
    assert here.active_stack_name(notebook="noted") == ("exported", "MLSTACK_STACK")
    assert here.active_stack_name("asked", notebook="noted") == ("asked", "--stack")


def test_an_unknown_active_stack_tells_who_named_it(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_STACK", "defualt")
    with pytest.raises(NotFoundError, match="'defualt', which MLSTACK_STACK names") as error:
        Workspace(workspace).active_stack()
    assert error.value.hint == "Did you mean 'default'?"


def test_the_active_stack_is_never_half_written(workspace: Path) -> None:
    here = Workspace(workspace)
    names = ["a" * 80, "b" * 10]
    here.set_active_stack(names[0])
    done = threading.Event()

    def switch() -> None:
        for number in range(300):
            Workspace(workspace).set_active_stack(names[number % 2])
        done.set()

    thread = threading.Thread(target=switch)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(here.stored_stack_name())
    thread.join()
    assert seen <= set(names)
    assert [path.name for path in workspace.iterdir()] == ["active_stack"]


def test_a_workspace_that_can_not_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    here = Workspace(tmp_path / "file" / ".mlstack")
    for attempt in (here.ensure, lambda: here.catalog, lambda: here.set_active_stack("default")):
        with pytest.raises(StoreUnwritableError, match="can not be written: Not a directory") as error:
            attempt()
        assert "MLSTACK_WORKSPACE" in error.value.hint


def test_one_workspace_opens_its_catalog_once(workspace: Path) -> None:
    here = Workspace(workspace)
    assert here.catalog is here.catalog
    assert (workspace / "catalog.db").stat().st_uid == os.getuid()
    here.close()
    assert here.catalog.version()
