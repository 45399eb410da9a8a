"""Every test starts clean: no credentials, proxies or settings of the machine, and a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOREIGN_PREFIXES = (
    "MLSTACK_",
    "MLFLOW_",
    "AWS_",
    "AZURE_",
    "CLOUDSDK_",
    "GCLOUD_",
    "GOOGLE_",
    "IPYTHON",
    "JUPYTER_",
    "XDG_",
)
FOREIGN = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PYTHONDONTWRITEBYTECODE"}

# Derandomized, so that a failure is the change's own and shows again; no deadline, for the machine is shared.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def font_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matplotlib's folder, shared by all tests: with one home folder per test it would list the fonts anew in each."""
    return tmp_path_factory.mktemp("matplotlib")


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, font_cache: Path
) -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) or name.upper() in FOREIGN:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("MPLCONFIGDIR", str(font_cache))


@pytest.fixture(scope="session")
def dask_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Dask scheduler with two worker processes, which know nothing of this one's files."""
    folder = tmp_path_factory.mktemp("dask")
    (folder / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**kept, "HOME": str(folder / "home")}
    python = [sys.executable, "-m"]
    place = ["--scheduler-file", str(folder / "scheduler.json")]
    quiet = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = [*python, "distributed.cli.dask_scheduler", *place, "--port", "0", *quiet]
    workers = [*python, "distributed.cli.dask_worker", *place, *quiet, "--nworkers", "2", "--nthreads", "1"]
    workers += ["--local-directory", str(folder / "scratch"), "--resources", "GPU=1"]
    with (folder / "log").open("wb") as log:
        options: dict[str, Any] = {"env": environment, "cwd": folder / "home", "stdout": log, "stderr": log}
        processes = [subprocess.Popen(scheduler, **options), subprocess.Popen(workers, **options)]
    try:
        from distributed import Client

        _wait_for((folder / "scheduler.json").exists)
        address: str = json.loads((folder / "scheduler.json").read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new, empty workspace: the `.mlstack` folder. Its parent, the project's folder, is the working directory."""
    folder = tmp_path / ".mlstack"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    return folder
