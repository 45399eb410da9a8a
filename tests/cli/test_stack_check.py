"""`mlstack stack check`: each component is really reached, and timed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Mlstack


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ["server", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + 120
    while not _answers(url):
        assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.2)
    yield url
    os.killpg(process.pid, 15)
    process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as found:
            return found.status == 200
    except OSError:
        return False


def by_kind(found: Any) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in found["components"]}


def test_the_default_stack_is_well(mlstack: Mlstack, workspace: Path) -> None:
    found = mlstack("stack", "check", "--json").json
    assert (found["stack"], [one["ok"] for one in found["components"]]) == ("default", [True, True])
    assert "wrote, read and deleted an object" in by_kind(found)["artifact_store"]["what"]
    assert all(one["seconds"] > 0 for one in found["components"])
    left = [path for path in workspace.rglob("checks/*") if path.is_file()]
    assert left == []


def test_people_read_a_table(mlstack: Mlstack) -> None:
    done = mlstack("stack", "check")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["KIND", "NAME", "FLAVOR", "TIME", "FOUND"]
    assert [line.split()[:2] for line in lines[1:]] == [["ok", "orchestrator"], ["ok", "artifact_store"]]


def test_a_store_that_can_not_be_written_fails_the_check(mlstack: Mlstack, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, where a folder should be")
    mlstack("component", "register", "artifact_store", "bad", "--flavor", "local", "--path", tmp_path / "taken")
    mlstack("stack", "register", "bad", "-o", "default", "-a", "bad")
    done = mlstack("stack", "check", "bad")
    assert done.code == 1
    assert "fail  artifact_store" in done.out
    assert "  -> bad: " in done.out
    assert mlstack("stack", "check").code == 0  # that is the active one


def test_a_tracker_s_server_is_asked(mlstack: Mlstack, mlflow_server: str, free_port: int) -> None:
    for name, url in (("up", mlflow_server), ("down", f"http://127.0.0.1:{free_port}")):
        mlstack("component", "register", "experiment_tracker", name, "--flavor", "mlflow", "--tracking_uri", url)
        mlstack("stack", "register", name, "-o", "default", "-a", "default", "-e", name)
    found = by_kind(mlstack("stack", "check", "up", "--json").json)
    assert found["experiment_tracker"]["what"].endswith(f"at {mlflow_server}")
    done = mlstack("stack", "check", "down")
    assert done.code == 1
    assert f"127.0.0.1:{free_port}" in done.out
    assert "Start the server, or correct the component's tracking_uri" in done.out


def test_an_embedded_tracker_is_not_made_by_a_check(mlstack: Mlstack, workspace: Path) -> None:
    mlstack("component", "register", "experiment_tracker", "own", "--flavor", "mlflow")
    mlstack("stack", "register", "own", "-o", "default", "-a", "default", "-e", "own")
    found = by_kind(mlstack("stack", "check", "own", "--json").json)
    assert "to be embedded in" in found["experiment_tracker"]["what"]
    assert not (workspace / "mlflow").exists()


def test_an_engine_that_is_not_there_is_told(mlstack: Mlstack, free_port: int) -> None:
    address = f"tcp://127.0.0.1:{free_port}"
    mlstack("component", "register", "orchestrator", "far", "--flavor", "dask", "--address", address)
    mlstack("stack", "register", "far", "-o", "far", "-a", "default")
    done = mlstack("stack", "check", "far")
    assert (done.code, address in done.out) == (1, True)


def test_workers_of_an_engine_are_counted(mlstack: Mlstack, dask_engine: str) -> None:
    mlstack("component", "register", "orchestrator", "near", "--flavor", "dask", "--address", dask_engine)
    mlstack("stack", "register", "near", "-o", "near", "-a", "default")
    found = by_kind(mlstack("stack", "check", "near", "--json").json)
    assert found["orchestrator"]["what"] == f"{dask_engine}, 2 workers"


def test_a_secret_that_is_gone_is_told(mlstack: Mlstack, workspace: Path) -> None:
    mlstack("secret", "create", "db", "password=correct-horse")
    words = ("component", "register", "experiment_tracker", "t", "--flavor", "mlflow")
    mlstack(*words, "--tracking_uri", "http://127.0.0.1:1", "--tracking_password", "{{db.password}}")
    mlstack("stack", "register", "s", "-o", "default", "-a", "default", "-e", "t")
    (workspace / "secrets.key").unlink()
    done = mlstack("stack", "check", "s")
    assert done.code == 1
    assert "Secret 'db' can not be opened" in done.out


def test_an_unknown_stack_offers_the_nearest(mlstack: Mlstack) -> None:
    done = mlstack("stack", "check", "defalt")
    assert (done.code, "Did you mean 'default'?" in done.err) == (1, True)


def test_an_alerter_is_an_option_of_stacks(mlstack: Mlstack, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    assert mlstack("component", "register", "alerter", "ops", "--flavor", "webhook", "--url", url).code == 0
    assert mlstack("stack", "register", "a", "-o", "default", "-a", "default", "-al", "ops").code == 0
    assert mlstack("stack", "register", "b", "-o", "default", "-a", "default", "--alerter", "ops").code == 0
    done = mlstack("stack", "check", "a")
    assert (done.code, "Alerter 'ops' can not reach" in done.out) == (1, True)
