"""The engine of `papermill in.ipynb out.ipynb --engine mlstack`: our kernels, limits and saves.

papermill imports it whenever it is itself imported, before it is complete.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from papermill.engines import Engine
from papermill.iorw import LocalHandler, papermill_io

from mlstack_nb.errors import KernelDiedError
from mlstack_nb.kernels import SESSION_VARIABLE


class WholeFile(LocalHandler):  # type: ignore[misc] # papermill has no types
    """One file of papermill's, which it writes in one step."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def write(self, buf: str, path: str) -> None:
        from mlstack_nb.kernels.notebook_saving import write_whole

        write_whole(self._path, buf)


class MlstackEngine(Engine):  # type: ignore[misc] # as above
    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        *,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Returns the notebook, in which papermill looks for errors. Raises nbclient's DeadKernelError, and ours."""
        from nbclient.exceptions import DeadKernelError

        from mlstack_nb.kernels import kernel_specs, notebook_run
        from mlstack_nb.kernels.execute import finished
        from mlstack_nb.kernels.notebook_saving import NotebookFile
        from mlstack_nb.kernels.private_kernel import PrivateKernel

        spec = kernel_specs.found(kernel_name)
        kernel_specs.check_language(nb, kernel_name, spec)
        file = NotebookFile(output_path, writer(output_path)) if output_path else None
        record = notebook_run.Record(nb, file, None, progress_bar=progress_bar, log_output=log_output)
        outputs = {name: options[name] for name in ("stdout_file", "stderr_file") if options.get(name)}
        limits = notebook_run.Limits(
            timeout_s=execution_timeout, start_s=start_timeout, options={**outputs, "log_output": log_output}
        )
        told = nb.metadata.get("papermill", {}).get("input_path")
        name = {SESSION_VARIABLE: told} if told else {}
        with record.kept():
            kernel = PrivateKernel(kernel_name, spec)
            finished(kernel.launch(cwd=Path.cwd(), env={**os.environ, **name}))
            failed = finished(notebook_run.run(record, kernel, limits))
        if failed and isinstance(failed.error, KernelDiedError):
            raise DeadKernelError(str(failed.error)) from failed.error
        return record.nb


def writer(output_path: str) -> Any:
    """What writes papermill's output: for a file of this machine in one step, then also when papermill does it."""
    if not isinstance(papermill_io.get_handler(output_path), LocalHandler):
        return partial(papermill_io.write, path=output_path)
    local = papermill_io.get_handler("local")
    base = local.cwd(None)  # where papermill was started; the working directory is the kernel's now
    local.cwd(base)
    file = WholeFile(Path(base or "", output_path).absolute())
    papermill_io.register(output_path, file)
    return partial(file.write, path=output_path)
