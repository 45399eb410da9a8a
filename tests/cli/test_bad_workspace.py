"""Workspaces that are broken: one line that says so, the next thing to do, and the right exit code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Mlstack


def test_a_file_where_the_workspace_should_be(mlstack: Mlstack, workspace: Path) -> None:
    workspace.rmdir()
    workspace.touch()
    done = mlstack("stack", "list")
    assert done.code == 2
    assert done.err == (
        f"Error: {workspace} is a file, where the folder of a workspace should be.\n"
        f"  -> Move it: mv {workspace} {workspace}.old\n"
    )


@pytest.mark.parametrize(
    "command", [("stack", "get"), ("stack", "list"), ("stack", "describe"), ("doctor",)], ids=" ".join
)
def test_an_active_stack_that_can_not_be_read(mlstack: Mlstack, workspace: Path, command: tuple[str, ...]) -> None:
    (workspace / "active_stack").mkdir()
    done = mlstack(*command)
    assert done.code == 1
    assert f"can not be read from {workspace}/active_stack: Is a directory" in done.out + done.err
    assert f"rm -r {workspace}/active_stack" in done.out + done.err


@pytest.mark.parametrize("kind", ["garbage", "folder"])
def test_a_catalog_that_is_none_is_told_to_be_moved_and_a_new_one_is_made(
    mlstack: Mlstack, workspace: Path, kind: str
) -> None:
    catalog = workspace / "catalog.db"
    if kind == "garbage":
        catalog.write_bytes(os.urandom(9000))
    else:
        catalog.mkdir()
    done = mlstack("runs", "list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: The catalog {catalog} is ")
    assert f"Move it aside: mv {catalog}" in done.err or f"Move it aside (mv {catalog}" in done.err
    catalog.rename(workspace / "old")
    assert mlstack("runs", "list").out == "No runs.\n"
