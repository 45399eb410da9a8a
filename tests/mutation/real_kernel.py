"""A project in a real kernel of IPython: cells are sent to it as JupyterLab sends them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from mutation_case import Cell, Document

from mlstack_nb.notebook.badge import MIME

TIMEOUT_S = 60
FORGET = """
import importlib, os, sys
for name, module in list(sys.modules.items()):
    if (getattr(module, "__file__", None) or "").startswith(os.getcwd() + os.sep):
        del sys.modules[name]
importlib.invalidate_caches()
del name, module
"""


class RealKernel:
    """`run_all` gives the badge of each step that was executed or found, by its name."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self._known = Document((), {})
        self._deleted: list[str] = []
        self.executed: set[str] = set()

    def run_all(self, document: Document) -> dict[str, dict[str, Any]]:
        self._deleted = sorted({cell.id for cell in self._known.cells} - {cell.id for cell in document.cells})
        self._known = document
        badges = [self.run(cell) for cell in document.cells]
        return {badge["step"]: badge for badge in badges if badge is not None}

    def run(self, cell: Cell) -> dict[str, Any] | None:
        """Execute a cell and give the badge it shows, if it is a step. Raises RuntimeError with its traceback."""
        found = None
        for kind, content in self._execute(cell.text, cell_id=cell.id):
            if kind == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            found = content.get("data", {}).get(MIME, found)
        if found is not None and found["state"] == "completed":
            self.executed.add(found["step"])
        return found

    def forget_modules(self) -> None:
        """As if the modules of the project had been reloaded; no cell of the notebook."""
        list(self._execute(FORGET, cell_id=None, stored=False))

    def _execute(self, code: str, *, cell_id: str | None, stored: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
        content = {"code": code, "silent": False, "store_history": stored, "user_expressions": {}, "allow_stdin": False}
        metadata = {"deletedCells": self._deleted, "cellId": cell_id}
        self._deleted = []
        request = self._client.session.msg("execute_request", content, metadata=metadata)
        self._client.shell_channel.send(request)
        while True:
            message = self._client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            yield kind, content
        self._client.get_shell_msg(timeout=TIMEOUT_S)


@contextmanager
def real_kernel(folder: Path) -> Iterator[RealKernel]:
    """A new kernel in `folder` with the extension loaded."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT_S)
        kernel = RealKernel(client)
        kernel.run(Cell("load", "%load_ext mlstack_nb"))
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
