"""Real kernels, each in a project folder of its own, and shells of IPython in this process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import KernelManager

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
TIMEOUT_S = 60
BADGE = "application/vnd.mlstack.step+json"


@dataclass
class Reply:
    """What one executed cell gave: its messages in order, and how it ended."""

    status: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def printed(self) -> str:
        return "".join(m["text"] for m in self.messages if m["kind"] == "stream" and m["name"] == "stdout")

    @property
    def complained(self) -> str:
        return "".join(m["text"] for m in self.messages if m["kind"] == "stream" and m["name"] == "stderr")

    @property
    def result(self) -> dict[str, Any] | None:
        """The mimebundle of the last expression."""
        return next((m["data"] for m in self.messages if m["kind"] == "execute_result"), None)

    @property
    def badge(self) -> dict[str, Any]:
        """The mimebundle of the only badge."""
        (found,) = (m["data"] for m in self.messages if BADGE in m.get("data", {}))
        return found

    @property
    def shown(self) -> list[tuple[str, str]]:
        """All but badges: the text of each stream as far as nothing came between, and the plain text of displays."""
        found: list[tuple[str, str]] = []
        for message in self.messages:
            if message["kind"] != "stream":
                data = message.get("data", {})
                found += [("display", data["text/plain"])] if data and BADGE not in data else []
            elif found and found[-1][0] == message["name"]:
                found[-1] = (message["name"], found[-1][1] + message["text"])
            else:
                found.append((message["name"], message["text"]))
        return found

    @property
    def state(self) -> str:
        return str(self.badge[BADGE]["state"])

    @property
    def traceback(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(self.error.get("traceback", ())))


class Kernel:
    """A running kernel that waits for each cell's last message."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self._home = folder, home
        (folder / ".mlstack").mkdir(exist_ok=True)
        self._manager = KernelManager(kernel_name="python3")
        env = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._manager.start_kernel(cwd=str(folder), env={**env, "HOME": str(home), "NO_COLOR": "1"})
        self.client = self._manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT_S)

    def another(self) -> Kernel:
        """A new kernel in the same project."""
        return Kernel(self.folder, self._home)

    def run(self, code: str, *, cell_id: str | None = None, deleted: Sequence[str] = ()) -> Reply:
        return self.finish(self.start(code, cell_id=cell_id, deleted=deleted))

    def start(self, code: str, *, cell_id: str | None = None, deleted: Sequence[str] = ()) -> str:
        """Begin a cell, with what JupyterLab tells about it and about the cells deleted since the last one."""
        metadata = {"deletedCells": list(deleted), **({"cellId": cell_id} if cell_id else {})}
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def messages(self, request: str) -> Iterator[dict[str, Any]]:
        """The outputs of a started cell as they come, until it is done."""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return
            yield {"kind": kind, **content}

    def finish(self, request: str) -> Reply:
        messages = [m for m in self.messages(request) if m["kind"] not in ("status", "execute_input")]
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT_S)
            if reply["parent_header"].get("msg_id") == request:
                break
        error = next((m for m in messages if m["kind"] == "error"), {})
        return Reply(reply["content"]["status"], messages, error)

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def complete(self, code: str, at: int | None = None) -> list[str]:
        request = self.client.complete(code, at)
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT_S)
            if reply["parent_header"].get("msg_id") == request:
                return list(reply["content"]["matches"])

    def inspect(self, code: str) -> str:
        request = self.client.inspect(code, len(code))
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT_S)
            if reply["parent_header"].get("msg_id") == request:
                return str(reply["content"]["data"].get("text/plain", ""))

    def close(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for the tests of a module, with the extension loaded."""
    running = Kernel(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home"))
    assert running.run("%load_ext mlstack_nb").status == "ok"
    yield running
    running.close()


@pytest.fixture(scope="module")
def second(kernel: Kernel) -> Iterator[Kernel]:
    """Another kernel in the same project, with the extension loaded."""
    running = kernel.another()
    assert running.run("%load_ext mlstack_nb").status == "ok"
    yield running
    running.close()


@pytest.fixture
def shell(workspace: Path) -> Iterator[InteractiveShell]:
    """A shell in this process, without the extension, in a new workspace."""
    assert workspace
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    yield made
    InteractiveShell.clear_instance()
