"""Starts kernels for jupyter_client: forks of the template where a fork will do, else processes that it starts."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from mlstack_nb.kernels.kernel_specs import can_fork, launcher_arguments
from mlstack_nb.kernels.template_process import ChildProcess, template


class TemplateProvisioner(LocalProvisioner):
    """A kernel that lives no longer than this process. A kernel spec may name it: `"provisioner_name": "mlstack"`."""

    child: ChildProcess | None = None
    exit_code: int | None = None
    peak_bytes = 0
    is_warm = False
    log_file: Path | None = None

    @property
    def has_process(self) -> bool:
        return self.child is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        source = template()
        cwd, env = Path(kwargs.get("cwd") or Path.cwd()), kwargs["env"]
        arguments = launcher_arguments(cmd)
        self.is_warm = arguments is not None and can_fork(cwd, env, source.environment, source.preloaded)
        self.log_file = source.new_name().with_suffix(".log")
        argv = arguments if self.is_warm and arguments is not None else cmd
        self.exit_code = None
        self.child = source.start(argv, cwd=cwd, env=env, log=self.log_file, is_warm=self.is_warm)
        return self.connection_info

    async def poll(self) -> int | None:
        if self.child:
            self.child.watch()
            return self.child.exit_code
        return self.exit_code or 0

    async def wait(self) -> int | None:
        """The exit code, as soon as there is one. The process is over then, and its log still there."""
        if child := self.child:
            self.exit_code = await child.wait()
            self.peak_bytes = child.peak_bytes
            self.child = None
            child.close()
        return self.exit_code

    async def send_signal(self, signum: int) -> None:
        if self.child:
            self.child.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        self.abandon()

    def abandon(self) -> None:
        """End the process, if it has not ended, and remove its log."""
        if self.child:
            self.child.end()
            self.child = None
        if self.log_file:
            self.log_file.unlink(missing_ok=True)
