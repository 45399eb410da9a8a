"""papermill's execution of a notebook's cells, in a kernel that is there already, with limits and an end on request.

It is imported when something is executed: papermill's own import takes longer than a kernel's start.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from mlstack_nb.errors import CellError
from mlstack_nb.kernels import failures
from mlstack_nb.kernels.notebook_saving import NotebookFile
from mlstack_nb.kernels.outcome import CellTiming, FailedCell, Progress, plain_text
from mlstack_nb.kernels.private_kernel import START_S, PrivateKernel, ReadyClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

INTERRUPT_S = 3.0  # for a cell to end after an interrupt, before its kernel is killed
CANCEL_POLL_S = 0.1
LAST_OUTPUTS_S = 0.05  # for what a kernel sent before it died
OUTPUTS_S = 60  # for the outputs of a cell, after its end

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Limits:
    """What may end a notebook early. `timeout_s` is of each cell; `options` are papermill's own, for its outputs."""

    timeout_s: float | None = None
    start_s: float = START_S
    cancel: threading.Event | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Record(NotebookExecutionManager):  # type: ignore[misc] # papermill has no types
    """papermill's account of an execution, in the notebook's metadata; saved now and then, and told as it grows."""

    def __init__(self, nb: NotebookNode, file: NotebookFile | None, on_progress: OnProgress | None, **bar: Any) -> None:
        super().__init__(nb, **{"progress_bar": False, **bar})
        self.timings: list[CellTiming] = []
        self._file = file
        self._on_progress = on_progress

    def save(self, **_: Any) -> None:
        if self._file:
            self._file.save(self.nb)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the account, saved at the beginning and at the end in any case. Raises UsageError when it can not be."""
        self.notebook_start()
        self._save_now()
        try:
            yield
        finally:
            self.notebook_complete()
            self._save_now()

    def _save_now(self) -> None:
        if self._file:
            self._file.save_now(self.nb)

    def autosave_cell(self, **_: Any) -> None:
        self.save()

    def cell_start(self, cell: NotebookNode, cell_index: int = 0, **options: Any) -> None:
        super().cell_start(cell, cell_index, **options)
        if cell.cell_type == "code":
            self.timings.append(CellTiming(cell_index, cell.get("id", ""), time.time(), 0.0))
            self._tell(cell_index, cell, "running")

    def cell_complete(self, cell: NotebookNode, cell_index: int = 0, **options: Any) -> None:
        super().cell_complete(cell, cell_index, **options)
        if cell.cell_type == "code":
            took = cell.metadata.papermill["duration"]
            self.timings[-1] = CellTiming(cell_index, cell.get("id", ""), self.timings[-1].started_at, took)
            self._tell(cell_index, cell, "failed" if cell.metadata.papermill["exception"] else "completed")

    def put_out(self, index: int, cell: NotebookNode, output: Mapping[str, Any]) -> None:
        kind = output["output_type"]
        if kind == "stream":
            self._tell(index, cell, "running", stream=output["name"], text=output["text"])
        elif kind == "error":
            text = plain_text("\n".join(output["traceback"]))
            self._tell(index, cell, "running", stream="error", text=f"{text}\n")
        elif text := output["data"].get("text/plain"):
            self._tell(index, cell, "running", stream="display", text=f"{text}\n")

    def _tell(self, index: int, cell: NotebookNode, state: Any, **put_out: Any) -> None:
        if self._on_progress:
            self._on_progress(Progress(index, cell.get("id", ""), len(self.nb.cells), state, **put_out))


class CellClient(PapermillNotebookClient):  # type: ignore[misc] # as above
    """papermill's client, of a kernel that runs; `run` executes the cells, up to the first that fails."""

    def __init__(self, record: Record, kernel: PrivateKernel, client: ReadyClient, limits: Limits) -> None:
        super().__init__(record, km=kernel, iopub_timeout=OUTPUTS_S, log=kernel.log, **limits.options)
        self.kc = client
        self._limits = limits
        self._oom_kills = failures.oom_kills()

    async def run(self, stop: asyncio.Future[None]) -> FailedCell | None:
        """Execute one cell after the other, as papermill does, until `stop` is done."""
        self.reset_execution_trackers()
        self.nb.metadata["language_info"] = self.kc.language_info
        failed = None
        for index, cell in enumerate(self.nb.cells):
            self.nb_man.cell_start(cell, index)
            try:
                await self._execute(cell, index, stop)
            except CellExecutionError as error:
                failed = failures.raised(index, cell, _exception(cell, error))
            except DeadKernelError:
                failed = failures.stopped(index, cell, self._died(index))
            except CellError as error:
                failed = failures.stopped(index, cell, error)
            finally:
                if failed:
                    self.nb_man.cell_exception(cell, cell_index=index)
                self.nb_man.cell_complete(cell, cell_index=index)
            if failed:
                return failed
        self.set_widgets_metadata()
        return None

    async def _execute(self, cell: NotebookNode, index: int, stop: asyncio.Future[None]) -> None:
        """Raises what nbclient raises, and CellTimeoutError, CellCancelledError when the cell had to be stopped."""
        if stop.done():
            raise failures.cancelled(index)
        execution = asyncio.ensure_future(self.async_execute_cell(cell, index))
        try:
            limit = self._limits.timeout_s
            await asyncio.wait({execution, stop}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if execution.done():
                execution.result()
                return
            await self._stop(execution)
            raise failures.cancelled(index) if stop.done() else failures.over_time(index, limit or 0)
        finally:
            if not execution.done():
                execution.cancel()
                await asyncio.wait({execution})
                execution.exception()  # nbclient takes it for a dead kernel

    async def _stop(self, execution: asyncio.Future[Any]) -> None:
        """Interrupt the cell; kill the kernel when that is of no use."""
        await self.km.interrupt_kernel()
        await asyncio.wait({execution}, timeout=INTERRUPT_S)
        if not execution.done():
            await self.km.kill()
            await asyncio.wait({execution})
        execution.exception()  # the interrupt, or the death

    async def _async_poll_kernel_alive(self) -> None:
        """Notice a kernel's death at once; nbclient looks every second."""
        await self.km.provisioner.wait()
        await asyncio.sleep(LAST_OUTPUTS_S)
        self.task_poll_for_reply.cancel()

    def _died(self, index: int) -> CellError:
        return failures.died(
            index,
            self.km.exit_code,
            peak_bytes=self.km.peak_bytes,
            was_out_of_memory=failures.oom_kills() > self._oom_kills,
            log=self.km.log_tail,
        )

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        output = super().process_message(msg, cell, cell_index)
        if output:
            self.nb_man.put_out(cell_index, cell, output)
        return output

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Text of a stream goes on where the text before it ended, as it does in JupyterLab."""
        output = super().output(outs, msg, display_id, cell_index)
        if output and output["output_type"] == "stream" and len(outs) > 1:
            before = outs[-2]
            if before["output_type"] == "stream" and before["name"] == output["name"]:
                before["text"] += output["text"]
                outs.pop()
        return output


async def run(record: Record, kernel: PrivateKernel, limits: Limits) -> FailedCell | None:
    """Execute the record's notebook in a launched kernel, and end the kernel, whatever happens."""
    stop: asyncio.Future[None] = asyncio.ensure_future(_asked_to_stop(limits.cancel))
    is_graceful = False
    try:
        connecting = asyncio.ensure_future(kernel.connect(limits.start_s))
        try:
            waited: set[asyncio.Future[Any]] = {connecting, stop}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if stop.done() and record.nb.cells:
                return failures.stopped(0, record.nb.cells[0], failures.cancelled(0))
            client = await connecting
        finally:
            connecting.cancel()
        try:
            failed = await CellClient(record, kernel, client, limits).run(stop)
            is_graceful = True
            return failed
        finally:
            client.stop_channels()
    finally:
        stop.cancel()
        await kernel.end(is_graceful=is_graceful)


async def _asked_to_stop(cancel: threading.Event | None) -> None:
    while cancel is None or not cancel.is_set():  # noqa: ASYNC110 - an event of threads
        await asyncio.sleep(CANCEL_POLL_S if cancel else 3600)


def _exception(cell: Mapping[str, Any], error: CellExecutionError) -> Mapping[str, Any]:
    """The exception as the kernel put it out, else as nbclient tells it."""
    shown = [output for output in cell["outputs"] if output["output_type"] == "error"]
    return shown[-1] if shown else {"ename": error.ename, "evalue": error.evalue, "traceback": [error.traceback]}
