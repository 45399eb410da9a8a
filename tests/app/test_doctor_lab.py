from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_core import paths

from mlstack_nb.app.doctor import Check, Verdict, examine


@pytest.fixture
def folders(tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where Jupyter looks for extensions."""
    for name in ("ENV_JUPYTER_PATH", "SYSTEM_JUPYTER_PATH"):
        monkeypatch.setattr(paths, name, [])
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter" / "labextensions"


def lab() -> Check:
    return next(check for check in examine() if check.name == "lab")


def test_doctor_says_where_the_lab_ui_is_not_installed(folders: Path) -> None:
    assert (lab().verdict, lab().detail) == (Verdict.WARN, "Lab UI not installed")
    assert "Node.js" in lab().hint


def test_doctor_finds_the_lab_ui_where_jupyter_looks_for_it(folders: Path) -> None:
    (folders / "mlstack-nb").mkdir(parents=True)
    (folders / "mlstack-nb" / "package.json").write_text("{}")
    assert lab() == Check("lab", Verdict.OK, "Lab UI installed")
