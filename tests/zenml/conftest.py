"""ZenML's names lead here in all tests of this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mlstack_nb.compat.zenml  # noqa: F401 - the switch
from mlstack_nb.cli import main
from mlstack_nb.client import Client

os.environ.pop("MLSTACK_COMPAT")  # is for these tests only


@pytest.fixture(autouse=True)
def in_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLSTACK_COMPAT", "zenml")
    return workspace


@pytest.fixture
def client() -> Client:
    return Client()


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def mlstack(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command line in this process."""

    def run(*words: object) -> Done:
        capsys.readouterr()
        code = main.run([str(word) for word in words])
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules can be imported, and are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
