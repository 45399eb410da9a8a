"""Executing notebooks: `execute` one, or several in the kernels of one run with `Kernels`."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mlstack_nb.errors import UsageError
from mlstack_nb.kernels import documents, kernel_specs
from mlstack_nb.kernels.notebook_saving import NotebookFile
from mlstack_nb.kernels.outcome import ExecutedNotebook, Progress
from mlstack_nb.kernels.papermill_import import import_papermill
from mlstack_nb.kernels.template_process import template

if TYPE_CHECKING:
    from mlstack_nb.kernels.private_kernel import PrivateKernel

Result = TypeVar("Result")


class Kernels:
    """Fresh kernels in one folder and environment, one for each notebook. Threads may share it.

    `kernel` names the kernel spec; without, each notebook's own counts. `env` is the kernels' whole environment (this
    process's without). `preload` names modules that the notebooks import: those that may be forked are imported once.
    """

    def __init__(
        self,
        *,
        kernel: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        preload: Iterable[str] = (),
    ) -> None:
        self._kernel = kernel
        self._cwd = (cwd or Path.cwd()).absolute()
        self._env = dict(os.environ if env is None else env)
        self._ahead: list[tuple[str, Future[PrivateKernel]]] = []
        self._lock = threading.Lock()
        # here, since two threads that import parts of jupyter_client at once get half of it
        from mlstack_nb.kernels.private_kernel import PrivateKernel

        self._new_kernel = PrivateKernel
        self._starter = ThreadPoolExecutor(1, "mlstack-kernels")
        if not self._cwd.is_dir():
            raise UsageError(f"There is no folder {self._cwd} to run a notebook in.", "Name a folder that exists.")
        if modules := tuple(preload):
            template().preload(modules)

    def prestart(self, count: int, *, kernel: str | None = None) -> None:
        """Start this many kernels for the notebooks to come, and return at once; what goes wrong shows in their use."""
        name = kernel or self._kernel or kernel_specs.DEFAULT
        with self._lock:
            self._ahead += [(name, self._starter.submit(self._launched, name, self._env)) for _ in range(count)]

    def execute(
        self,
        document: Mapping[str, Any],
        *,
        output: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> ExecutedNotebook:
        """Execute a notebook (format 4) in a kernel of its own, which has ended when this returns.

        A cell that fails ends the notebook and is told in the result, as are a kernel that died, a cell that ran over
        `timeout_s`, and `cancel`. `output` is saved now and then while it runs, and at the end in any case; `document`
        stays as it is. `env` is added to the kernels' environment. `on_progress` is not called by two threads at once.

        Raises KernelError when there is no kernel to run it, UsageError for a document of another format or an output
        that can not be written. An exception, also a KeyboardInterrupt, ends the kernel.
        """
        documents.check_format(document)
        name = kernel_specs.named(document, self._kernel)
        spec = kernel_specs.found(name)
        kernel_specs.check_language(document, name, spec)
        began, clock = time.time(), time.monotonic()
        launched = self._take(name, env or {})
        try:
            import_papermill()  # while the kernel starts
            from mlstack_nb.kernels import notebook_run

            record = notebook_run.Record(
                documents.node(document, name, spec), NotebookFile.at(output) if output else None, on_progress
            )
            limits = notebook_run.Limits(timeout_s=timeout_s, cancel=cancel)
            with record.kept():
                kernel = launched.result()
                failed = finished(notebook_run.run(record, kernel, limits))
        finally:
            launched.add_done_callback(_abandon)
        return ExecutedNotebook(
            document=documents.plain(record.nb),
            timings=tuple(record.timings),
            started_at=began,
            duration_s=time.monotonic() - clock,
            kernel=name,
            failed=failed,
            peak_bytes=kernel.peak_bytes,
        )

    def close(self) -> None:
        """End the kernels that were started ahead and not used. No notebook may be under execution."""
        with self._lock:
            ahead, self._ahead = self._ahead, []
        for _, launched in ahead:
            launched.add_done_callback(_abandon)
        self._starter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, name: str, env: Mapping[str, str]) -> Future[PrivateKernel]:
        """A kernel that was started ahead, if there is one with this environment, else one that is started now."""
        with self._lock:
            for ahead in [] if env else self._ahead:
                if ahead[0] == name:
                    self._ahead.remove(ahead)
                    return ahead[1]
        return self._starter.submit(self._launched, name, {**self._env, **env})

    def _launched(self, name: str, env: Mapping[str, str]) -> PrivateKernel:
        kernel = self._new_kernel(name, kernel_specs.found(name))
        asyncio.run(kernel.launch(cwd=self._cwd, env=env))
        return kernel


def execute(
    document: Mapping[str, Any],
    *,
    output: Path | None = None,
    kernel: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> ExecutedNotebook:
    """Execute one notebook, as `Kernels(kernel=kernel, cwd=cwd, env=env).execute(document, ...)` does."""
    with Kernels(kernel=kernel, cwd=cwd, env=env) as kernels:
        return kernels.execute(document, output=output, timeout_s=timeout_s, on_progress=on_progress, cancel=cancel)


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` to its end, in a loop of its own; in another thread where this one's loop runs what waits."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(loop.run_until_complete, task)
        try:
            return future.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(task.cancel)
            raise
        finally:
            thread.submit(loop.close)


def _abandon(launched: Future[PrivateKernel]) -> None:
    if not launched.cancelled() and launched.exception() is None:
        launched.result().abandon()
