"""`mlstack integration`, in an environment of its own, with real pip and packages that are made here."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import mlstack_nb

METADATA = """\
Metadata-Version: 2.1
Name: mlstack-nb
Version: 0.1.0
Requires-Dist: click
Provides-Extra: dask
Provides-Extra: pair
Provides-Extra: toy
Requires-Dist: distributed>=2025.1; extra == 'dask'
Requires-Dist: mlstack-nb[toy]; extra == 'pair'
Requires-Dist: other-package; extra == 'pair'
Requires-Dist: toy-package>=1; extra == 'toy'
"""
"""What this environment has installed as mlstack-nb: its sources are the repository's."""


FLOW = """
from mlstack_nb import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def flow():
    one()
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment without `distributed`; pip finds packages in `wheels` only."""

    folder: Path
    wheels: Path

    def call(self, *words: str, given: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return subprocess.run(
            [str(self.folder / "bin" / "python"), *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or self.folder,
            env={**os.environ, **variables},
        )

    def mlstack(self, *words: str, given: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = self.call("-m", "mlstack_nb.cli", *words, given=given, cwd=cwd)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def has(self, package: str) -> bool:
        return self.call("-c", f"import {package}").returncode == 0


def wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A package with one empty module."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    files = {
        f"{module}.py": "",
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=True)
    links = folder / "links"
    links.mkdir()
    for place in [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]:
        for entry in Path(place).iterdir():
            if (
                not entry.name.startswith(("distributed", "mlstack", "_mlstack", "pip", "__"))
                and entry.suffix != ".pth"
            ):
                target = links / entry.name
                if not target.exists():
                    target.symlink_to(entry)
    (own,) = (folder / "lib").glob("python*/site-packages")
    (own / "here.pth").write_text(f"{Path(mlstack_nb.__file__).parents[1]}\n{links}\n")
    info = own / "mlstack_nb-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    wheels = tmp_path_factory.mktemp("wheels")
    wheel(wheels, "toy-package", "1.5")
    wheel(wheels, "other-package", "2.0")
    wheel(wheels, "user-package", "1.0", "toy_package")
    return Environment(folder, wheels)


@pytest.fixture
def environment(made: Environment, workspace: Path) -> Environment:
    """Without any of the packages that are made here."""
    made.call("-m", "pip", "uninstall", "-y", "toy-package", "other-package", "user-package")
    return made


def row_of(name: str, environment: Environment) -> list[str]:
    """The words of its line in the list."""
    (row,) = [
        line.split()
        for line in environment.mlstack("integration", "list").stdout.splitlines()
        if line.startswith(f"{name} ")
    ]
    return row


def test_what_is_installed_is_listed_and_what_is_taken_out_is_gone(environment: Environment) -> None:
    assert row_of("toy", environment) == ["toy", "toy-package>=1"]
    done = environment.mlstack("integration", "install", "toy", "-y")
    assert done.returncode == 0, done.stderr
    assert "Installed toy-package>=1." in done.stdout
    assert environment.has("toy_package")
    assert row_of("toy", environment) == ["toy", "yes", "toy-package", "1.5"]
    assert "Installed already: toy." in environment.mlstack("integration", "install", "toy").stdout
    assert environment.mlstack("integration", "uninstall", "toy", "-y").returncode == 0
    assert not environment.has("toy_package")


def test_it_asks_first(environment: Environment) -> None:
    done = environment.mlstack("integration", "install", "toy", given="n\n")
    assert (done.returncode, "Install toy-package>=1?" in done.stdout) == (1, True)
    assert not environment.has("toy_package")
    assert environment.mlstack("integration", "install", "toy", given="y\n").returncode == 0
    environment.mlstack("integration", "uninstall", "toy", given="n\n")
    assert environment.has("toy_package")


def test_what_another_integration_needs_stays(environment: Environment) -> None:
    environment.mlstack("integration", "install", "pair", "-y")
    done = environment.mlstack("integration", "uninstall", "toy", "-y")
    assert "toy-package stays: integration pair needs it." in done.stdout
    assert environment.has("toy_package")
    environment.mlstack("integration", "uninstall", "toy", "pair", "-y")
    assert not environment.has("toy_package") and not environment.has("other_package")


def test_what_another_package_needs_stays(environment: Environment) -> None:
    environment.call("-m", "pip", "install", "user-package")
    done = environment.mlstack("integration", "uninstall", "toy", "-y")
    assert "toy-package stays: user-package needs it." in done.stdout
    assert environment.has("toy_package")


def test_requirements_are_lines_for_pip(environment: Environment) -> None:
    assert environment.mlstack("integration", "requirements", "pair").stdout == "toy-package>=1\nother-package\n"


def test_what_pip_can_not_do_is_told_with_the_line(environment: Environment) -> None:
    done = environment.mlstack("integration", "install", "dask", "-y")
    assert done.returncode == 1
    assert (
        'pip ended with exit code 1.\n  -> See what it says above; the line was: pip install "distributed>=2025.1"'
        in (done.stderr)
    )


def test_a_flavor_whose_package_is_absent_gives_the_line_for_pip(environment: Environment, tmp_path: Path) -> None:
    assert not environment.has("distributed")

    def mlstack(*words: str) -> subprocess.CompletedProcess[str]:
        return environment.mlstack(*words, cwd=tmp_path)

    mlstack("component", "register", "orchestrator", "far", "--flavor", "dask", "--address", "tcp://127.0.0.1:1")
    mlstack("stack", "register", "far", "-o", "far", "-a", "default", "--set")
    (tmp_path / "flow.py").write_text(FLOW)
    for words in (("run", "flow.py"), ("stack", "check"), ("doctor",)):
        done = mlstack(*words)
        assert done.returncode == 1
        assert 'pip install "mlstack-nb[dask]"' in done.stdout + done.stderr


def test_an_unknown_integration_offers_the_nearest(environment: Environment) -> None:
    done = environment.mlstack("integration", "install", "toi")
    assert (done.returncode, "Did you mean 'toy'?" in done.stderr) == (1, True)


def test_this_environment_s_own_integrations_are_listed() -> None:
    from mlstack_nb.app.integrations import integrations

    found = {one.name: one for one in integrations()}
    assert "test" not in found
    assert "experiment_tracker mlflow" in found["mlflow"].flavors
    assert [package.name for package in found["demo"].packages] == ["h11", "mlflow", "scikit-learn", "uvicorn"]
