"""A kernel for one notebook: launched, connected to, ended."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from mlstack_nb.errors import KernelPackageError, KernelStartError
from mlstack_nb.kernels.kernel_specs import python_of
from mlstack_nb.kernels.provisioner import TemplateProvisioner
from mlstack_nb.kernels.template_process import template

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

START_S = 60.0
END_S = 5.0  # for a kernel's exit handlers, half of it before it is asked by a signal
LOG_LINES = 12
CRASH = "Fatal Python error"

_quiet = logging.getLogger("mlstack_nb.kernels.jupyter")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class ReadyClient(AsyncKernelClient):
    """Ready with the kernel's first reply, where jupyter_client's own waits another 0.2 s for nothing more to come."""

    language_info: Mapping[str, Any]

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - jupyter_client's
        """Return when the kernel answers and its outputs arrive. Raises TimeoutError."""
        until = time.monotonic() + (START_S if timeout is None else timeout)
        while time.monotonic() < until:
            self.kernel_info()
            with suppress(Empty):
                reply = await self.shell_channel.get_msg(timeout=1)
                await self.iopub_channel.get_msg(timeout=0.2)
                if reply["msg_type"] == "kernel_info_reply":
                    self.language_info = reply["content"]["language_info"]
                    return
        raise TimeoutError


class PrivateKernel(AsyncKernelManager):
    """One kernel: `launch`, `connect`, then `end` whatever happens. After `launch`, all in one event loop."""

    client_factory = ReadyClient

    def __init__(self, name: str, spec: KernelSpec) -> None:
        base = template().new_name()
        # sockets in a private folder need no free port; not every kernel knows them
        own = {"transport": "ipc", "ip": str(base)} if python_of(spec.argv) else {}
        super().__init__(kernel_name=name, connection_file=f"{base}.json", log=_quiet, **own)
        self._kernel_spec = self.spec = spec

    @property
    def exit_code(self) -> int | None:
        return getattr(self.provisioner, "exit_code", None)

    @property
    def peak_bytes(self) -> int:
        """The most memory it used; 0 when that is not known, and before its end."""
        return getattr(self.provisioner, "peak_bytes", 0)

    @property
    def is_warm(self) -> bool:
        return getattr(self.provisioner, "is_warm", False)

    @property
    def log_tail(self) -> str:
        """What the process itself wrote last, which is no output of a cell: a crash from its first line, or the end."""
        file = getattr(self.provisioner, "log_file", None)
        written = file.read_text(errors="replace") if file and file.exists() else ""
        _, crash, trace = written.rpartition(CRASH)
        lines = (crash + trace).strip().splitlines()
        return "\n".join(lines[:LOG_LINES] if crash else lines[-LOG_LINES:])

    async def launch(self, *, cwd: Path, env: Mapping[str, str]) -> None:
        """Begin to start the process. It needs no event loop to go on."""
        if not self.spec.metadata.get("kernel_provisioner"):
            self.provisioner = TemplateProvisioner(kernel_spec=self.spec, parent=self)
        memory = ["--HistoryManager.hist_file=:memory:"] if python_of(self.spec.argv) else []
        command, options = await self.pre_start_kernel(cwd=str(cwd), env=dict(env), extra_arguments=memory)
        await self._launch_kernel(command, **options)

    async def connect(self, timeout_s: float = START_S) -> ReadyClient:
        """A client of the kernel that is up. Raises KernelPackageError and KernelStartError; `end` is still due."""
        self.context.rcvhwm = 0  # no output is dropped, however fast it comes
        self.context.reconnect_ivl = 5  # ms; the kernel may not be there yet to connect to
        await self.post_start_kernel()
        client = self.client(context=self.context)
        client.start_channels(stdin=False, hb=False)
        ready = asyncio.ensure_future(client.wait_for_ready(timeout_s))
        ended = asyncio.ensure_future(self._wait())
        try:
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not ready.done():
                raise self._not_started(f"ended with exit code {ended.result()}")
            await ready
        except TimeoutError:
            raise self._not_started(f"did not answer within {timeout_s:g} s") from None
        finally:
            if not (ready.done() and not ready.cancelled() and ready.exception() is None):
                client.stop_channels()
            ready.cancel()
            ended.cancel()
        client.allow_stdin = False
        assert isinstance(client, ReadyClient)
        return client

    async def end(self, *, is_graceful: bool) -> None:
        """End the process, after its exit handlers when `is_graceful`, and remove what belonged to it."""
        if self.has_kernel:
            if is_graceful:
                await self.request_shutdown()
                await self._ended_within(END_S / 2) or await self.signal_kernel(signal.SIGTERM)
            if not is_graceful or not await self._ended_within(END_S / 2):
                await self.kill()
        await self.cleanup_resources()

    async def kill(self) -> None:
        await self.signal_kernel(signal.SIGKILL)
        await self._wait()

    def abandon(self) -> None:
        """End a kernel that was launched and then not needed; nothing for one that has ended."""
        if isinstance(self.provisioner, TemplateProvisioner):
            self.provisioner.abandon()
        self.cleanup_connection_file()
        self.cleanup_ipc_files()

    async def _wait(self) -> int | None:
        return await self.provisioner.wait() if self.provisioner else None

    async def _ended_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _not_started(self, what: str) -> KernelPackageError | KernelStartError:
        python, log = python_of(self.spec.argv), self.log_tail
        if python and "No module named ipykernel" in log:
            return KernelPackageError(
                f"The kernel {self.kernel_name!r} runs in {python}, which has no ipykernel.",
                f"Install it: `{python} -m pip install ipykernel`.",
            )
        command = json.dumps(self.spec.argv)
        said = f" It wrote:\n{log}" if log else ""
        return KernelStartError(
            f"The kernel {self.kernel_name!r} {what}.{said}", f"Try its command by hand: {command}."
        )
