"""Notebook documents, real kernels that run them, and a look at which processes there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.kernels import template_process

WAIT_S = 30


def notebook(*sources: str, kernel: str | None = None, language: str | None = None, **metadata: Any) -> dict[str, Any]:
    """A document of code cells with the ids c0, c1, ..."""
    if kernel:
        metadata["kernelspec"] = {"name": kernel, "display_name": kernel}
    if language:
        metadata["language_info"] = {"name": language}
    cells = [
        {"cell_type": "code", "id": f"c{k}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for k, source in enumerate(sources)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def printed(document: Mapping[str, Any], index: int = 0) -> str:
    """What a cell wrote to standard output; of a document from a file as well."""
    outputs = document["cells"][index]["outputs"]
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")


def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether it does before long."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended; one that nobody has waited for has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def pids_in(file: Path, count: int) -> list[int]:
    """The process ids that cells append to `file`, when there are as many."""
    assert comes_true(lambda: file.exists() and len(file.read_text().split()) >= count)
    return [int(word) for word in file.read_text().split()]


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """After a test every kernel that it started has ended, and has left nothing in the template's folder."""
    yield
    folder = template_process.template().folder
    assert template_process.template().is_idle
    assert [path.name for path in folder.iterdir()] == ["template.log"]


@pytest.fixture(scope="session", autouse=True)
def ended_template() -> Iterator[None]:
    yield
    template_process.close()


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a Python process in the test's folder that knows `notebook` and `execute`; it is killed at the end."""
    started = []
    prelude = (
        "from pathlib import Path\nfrom tests.kernels.conftest import notebook\n"
        "from mlstack_nb.kernels.execute import Kernels, execute\n"
    )

    def start(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", prelude + code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def kernel_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Install a kernel spec of the given name, for this test only."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    def install(name: str, argv: list[str], *, language: str = "python", env: Mapping[str, str] | None = None) -> str:
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": language, "env": dict(env or {})}
        (folder / "kernel.json").write_text(json.dumps(spec))
        return name

    return install
