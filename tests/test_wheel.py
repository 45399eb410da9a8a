"""The wheel holds the JupyterLab extension where it is built, and goes without it where there is no Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import mlstack_nb

ROOT = Path(mlstack_nb.__file__).parent.parent
NEEDED = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "notebooks", "jupyter-config")
WIDGET = "mlstack_nb/notebook/widget/built/widget.js"
SHARED = "share/jupyter/labextensions/mlstack-nb"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What the build reads, with a package of one file, and without anything that is built."""
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "mlstack_nb").mkdir()
    shutil.copy(ROOT / "mlstack_nb" / "__init__.py", tmp_path / "mlstack_nb")
    (tmp_path / "labextension").mkdir()
    shutil.copy(ROOT / "labextension" / "install.json", tmp_path / "labextension")
    return tmp_path


def build(sources: Path, mode: str = "auto") -> subprocess.CompletedProcess[str]:
    """On a machine where no program is found, Node.js included."""
    env = {"PATH": str(sources / "nowhere"), "MLSTACK_NB_LABEXTENSION": mode, "HOME": os.environ["HOME"]}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "made"]
    return subprocess.run(command, cwd=sources, env=env, check=False, capture_output=True, text=True)


def in_wheel(sources: Path) -> list[str]:
    return [name for name in names_in_wheel(sources) if SHARED in name]


def names_in_wheel(sources: Path) -> list[str]:
    (wheel,) = (sources / "made").glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def built(sources: Path) -> None:
    (sources / "mlstack_nb" / "labextension").mkdir()
    (sources / "mlstack_nb" / "labextension" / "package.json").write_text("{}")
    (sources / WIDGET).parent.mkdir(parents=True)
    (sources / WIDGET).write_text("export default {}")


def test_what_is_built_goes_where_jupyterlab_looks_for_it_and_nowhere_else(sources: Path) -> None:
    built(sources)
    assert build(sources).returncode == 0
    assert sorted(name.partition(SHARED)[2] for name in in_wheel(sources)) == ["/install.json", "/package.json"]
    assert "mlstack_nb/labextension/package.json" not in names_in_wheel(sources)


def test_the_browsers_part_of_the_widget_goes_beside_its_python_part(sources: Path) -> None:
    built(sources)
    assert build(sources).returncode == 0
    assert names_in_wheel(sources).count(WIDGET) == 1


def test_without_node_the_wheel_goes_without_and_says_so(sources: Path) -> None:
    done = build(sources)
    assert done.returncode == 0, done.stderr
    assert "`mlstack doctor` will say so" in done.stdout + done.stderr
    assert in_wheel(sources) == []


def test_a_wheel_that_must_have_it_is_not_made_without(sources: Path) -> None:
    done = build(sources, "require")
    assert done.returncode != 0
    assert "Install Node.js 20 or newer." in done.stderr


def test_none_leaves_it_out_although_it_is_built(sources: Path) -> None:
    built(sources)
    assert build(sources, "none").returncode == 0
    assert in_wheel(sources) == []
    assert WIDGET not in names_in_wheel(sources)


def test_the_npm_lock_names_no_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry" not in (ROOT / ".npmrc").read_text().replace("omit-lockfile-registry-resolved", "")
