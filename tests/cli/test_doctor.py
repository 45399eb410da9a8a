from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_workspace_that_is_well_exits_with_0(mlstack: Any) -> None:
    done = mlstack("doctor")
    assert (done.code, done.err) == (0, "")
    assert "ok    catalog" in done.out
    assert {check["verdict"] for check in mlstack("doctor", "--json").json} <= {"ok", "warn"}


def test_what_fails_exits_with_1_and_a_hint(mlstack: Any, workspace: Path) -> None:
    (workspace / "catalog.db").write_text("no database at all " * 99)
    done = mlstack("doctor")
    assert done.code == 1
    failed = done.out.splitlines().index(next(line for line in done.out.splitlines() if line.startswith("fail")))
    assert done.out.splitlines()[failed + 1].startswith("      -> Move it aside")
