"""A real Jupyter server with the extension, in a process of its own, and a project folder in it for each test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import nbformat
import pytest

TOKEN = "a-token"
BASE = "/user/a%40b/"  # as behind JupyterHub
OTHERS = ("jupyter_lsp", "jupyter_scheduler", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim")


@dataclass(frozen=True)
class Answer:
    status: int
    json: Any

    @property
    def error(self) -> tuple[int, str, str]:
        assert self.status >= 400 and set(self.json) == {"what", "hint"}
        return self.status, self.json["what"], self.json["hint"]


@dataclass(frozen=True)
class Server:
    root: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def request(self, method: str, address: str, body: bytes | None = None, *, token: str = TOKEN) -> Answer:
        # past the check of forged requests, so that only the token can be what is missing
        headers = {"Cookie": "_xsrf=abcd", "X-XSRFToken": "abcd"}
        if token:
            headers["Authorization"] = f"token {token}"
        url = f"http://127.0.0.1:{self.port}{BASE}{address}"
        asked = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return Answer(answer.status, json.loads(answer.read() or b"null"))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read()))


@dataclass(frozen=True)
class Project:
    """A folder below the server's with a workspace of its own, and the routes as seen from a notebook in it."""

    server: Server
    folder: Path

    def __call__(self, method: str, *words: str, body: Any = None, **query: str) -> Answer:
        address = "/".join(quote(word, safe="") for word in ("mlstack-nb", *words))
        query = {"notebook": self.address("any.ipynb"), **query}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.request(method, f"{address}?{urlencode(query)}", data)

    def address(self, name: str) -> str:
        return f"{self.folder.name}/{name}"

    def notebook(self, *cells: str | tuple[str, list[str]], name: str = "train.ipynb") -> str:
        """A notebook file of code cells, a pair being a cell with tags; its path as the browser has it."""
        made = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
        )
        for cell in cells:
            text, tags = (cell, []) if isinstance(cell, str) else cell
            made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}))
        nbformat.write(made, self.folder / name)
        return self.address(name)

    def run(self, path: str, **wanted: Any) -> Any:
        """Start a run and wait for its end."""
        started = self("POST", "runs", body={"target": path, **wanted})
        assert started.status == 200, started
        return self.ended(started.json["id"])

    def ended(self, run_id: str) -> Any:
        return wait_for(lambda: self.of_run(run_id), lambda run: run["state"] not in ("pending", "running"))

    def mlstack(self, *words: str) -> str:
        """The command line in the folder, a process of its own; what it prints."""
        command = [sys.executable, "-m", "mlstack_nb.cli", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill_run(self, run_id: str) -> None:
        """As a machine that runs out of memory does it."""
        from mlstack_nb.app.workspace import Workspace
        from mlstack_nb.catalog.runs import owner_of

        workspace = Workspace(self.folder / ".mlstack")
        os.kill(owner_of(workspace.catalog, run_id).pid, signal.SIGKILL)
        workspace.close()

    def wait_for(self, look: Callable[[], Any], is_there: Callable[[Any], bool], *, seconds: float = 60) -> Any:
        return wait_for(look, is_there, seconds=seconds)

    def of_run(self, run_id: str) -> Any:
        return self("GET", "runs", run_id).json


def wait_for(look: Callable[[], Any], is_there: Callable[[Any], bool], *, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not is_there(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(base: Path, *, without: Sequence[str] = OTHERS, cwd: str = "home", **more: str) -> Iterator[Server]:
    """A server in folders below `base`; `more` are options, `_` for a dot. It complains of nothing, unless there is
    jupyter-scheduler in it, which complains of requests that it refuses.
    """
    root, home, log = base / "root", base / "home", base / "log"
    (root / ".mlstack").mkdir(parents=True)
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    port = free_port()
    options = {
        "ServerApp.root_dir": str(root),
        "ServerApp.port": str(port),
        "ServerApp.port_retries": "0",
        "ServerApp.base_url": BASE,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "ServerApp.allow_unauthenticated_access": "False",
        "ServerApp.jpserver_extensions": str({**dict.fromkeys(without, False), "mlstack_nb": True}),
        "IdentityProvider.token": TOKEN,
        **{name.replace("_", ".", 1): value for name, value in more.items()},
    }
    command = [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in options.items())]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**kept, "HOME": str(home)}, cwd=base / cwd, stdout=output, stderr=output
        )
    found = Server(root, port, process, log)
    try:
        wait_for(lambda: _is_up(found), bool)
        yield found
    finally:
        process.terminate()
        process.wait(30)
    text = log.read_text()
    if "jupyter_scheduler" in without:
        assert "Traceback" not in text and "Task was destroyed" not in text, text
    assert "of Handler registered" not in text, text


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="session")
def running_server() -> Callable[..., AbstractContextManager[Server]]:
    """`running`, for tests that need a server of another kind."""
    return running


def _is_up(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.request("GET", "api/status").status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def in_project(server: Server) -> Callable[[str], Project]:
    return lambda name: new_project(server, name)


@pytest.fixture(scope="session", name="new_project")
def new_project_of() -> Callable[[Server, str], Project]:
    return new_project


@pytest.fixture
def project(server: Server, request: pytest.FixtureRequest) -> Project:
    return new_project(server, request.node.name)


def new_project(server: Server, name: str) -> Project:
    safe = "".join(letter if letter.isalnum() else "-" for letter in name)[:60]
    folder = server.root / f"{safe}-{len(list(server.root.iterdir()))}"
    (folder / ".mlstack").mkdir(parents=True)
    return Project(server, folder)
