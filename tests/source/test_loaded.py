"""Noticing that a file was edited after it was imported."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlstack_nb.source.loaded import observe, stale

_numbers = itertools.count()


class Module:
    def __init__(self, folder: Path) -> None:
        self.name = f"loaded_{next(_numbers)}"
        self.file = folder / f"{self.name}.py"
        self.write("def f(x=2):\n    return x\n")

    def write(self, text: str) -> None:
        self.file.write_text(text)
        moment = 10**18 + next(_numbers) * 10**10
        os.utime(self.file, ns=(moment, moment))

    @property
    def is_stale(self) -> bool:
        return stale([self.name, "os", "numpy"]) == (self.name,)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    monkeypatch.syspath_prepend(tmp_path)
    module = Module(tmp_path)
    importlib.import_module(module.name)
    observe()
    yield module
    sys.modules.pop(module.name, None)


def test_an_unchanged_module_is_not_stale(module: Module) -> None:
    assert not module.is_stale


@pytest.mark.parametrize("text", ["def f(x=3):\n    return x\n", "def f(x=2):\n    return -x\n", "def f(:\n"])
def test_an_edit_after_the_import_makes_a_module_stale(module: Module, text: str) -> None:
    module.write(text)
    assert module.is_stale


@pytest.mark.parametrize("text", ["# note\ndef f(x=2): return x\n", "def f(x=2):\n    'Doc.'\n    return x\n"])
def test_comments_and_a_new_time_do_not(module: Module, text: str) -> None:
    module.write(text)
    assert not module.is_stale


def test_a_reload_makes_it_fresh(module: Module) -> None:
    module.write("def f(x=3):\n    return x\n")
    importlib.reload(sys.modules[module.name])
    assert not module.is_stale
    module.write("def f(x=4):\n    return x\n")
    assert module.is_stale


def test_undoing_the_edit_makes_it_fresh(module: Module) -> None:
    module.write("def f(x=3):\n    return x\n")
    module.write("def f(x=2):\n    return x\n")
    assert not module.is_stale


def test_a_module_that_is_not_loaded_is_never_stale(module: Module) -> None:
    module.write("def f(x=3):\n    return x\n")
    del sys.modules[module.name]
    assert not module.is_stale


def test_a_deleted_file_is_stale(module: Module) -> None:
    module.file.unlink()
    assert module.is_stale
