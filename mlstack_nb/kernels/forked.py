"""What the template imports ahead, and what a child of it does to become a kernel or another command."""

from __future__ import annotations

import builtins
import faulthandler
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

# Imported before a fork and used after it, each was seen to work, with its threads made anew: BLAS, OpenMP and Arrow
# know what a fork is. polars, torch, tensorflow and whatever serves a network do not, or nobody promises it.
PRELOADABLE = frozenset({"matplotlib", "mlstack_nb", "numpy", "pandas", "PIL", "pyarrow", "scipy", "sklearn"})

_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "ipykernel.displayhook",
    "ipykernel.iostream",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "matplotlib_inline.config",
    "psutil",
    "sqlite3",
    "tornado.platform.asyncio",
)


def import_kernel() -> None:
    """Import what every kernel imports, but for debugpy, half of its start: nobody debugs a kernel that runs alone."""
    if _KERNEL[0] in sys.modules:
        return
    blocked = "debugpy" not in sys.modules
    if blocked:
        sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        preload(_KERNEL)
    finally:
        if blocked:
            del sys.modules["debugpy"]


class _InKernel:
    """What IPython's shell is to a library that asks, when it is imported, whether it is in a kernel: pandas."""

    kernel = None


def preload(names: Iterable[str]) -> None:
    """Import each; what does not exist or breaks will do so again in the cell that wants it."""
    builtins.get_ipython = _InKernel  # type: ignore[attr-defined]
    try:
        for name in names:
            with suppress(Exception):
                importlib.import_module(name)
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def become(request: Mapping[str, Any]) -> None:
    """In a forked child: be the process that the request describes. A command is not come back from."""
    _live_no_longer_than(os.getppid())
    os.setsid()
    _open_streams(request["log"])
    try:
        os.chdir(request["cwd"])
        if not request["is_warm"]:
            _execute(request["argv"], request["env"])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    if tool := os.environ.get("MLSTACK_COMPAT"):  # the package heeds it when it is imported, which may be done already
        importlib.import_module("mlstack_nb.compat").switch_on(tool)
    if "numpy.random" in sys.modules:  # the standard library's generator sees to itself
        sys.modules["numpy.random"].seed()
    _be_kernel(request["argv"])


def _live_no_longer_than(parent: int) -> None:
    """Have the kernel end this process with its parent. Elsewhere than on Linux the template's death is not noticed."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _open_streams(log: str) -> None:
    """Standard input is empty, both outputs go to the log, where a crash leaves its traceback as well."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(nothing)
    faulthandler.enable(written, all_threads=False)  # stays open: the kernel puts pipes in the place of 1 and 2


def _execute(argv: list[str], env: Mapping[str, str]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvpe(argv[0], argv, {**env, "JPY_PARENT_PID": str(os.getppid())})  # noqa: S606 - a kernel spec's command


def _see_kernel(matplotlib: Any) -> None:
    """Give it the backend that a kernel asks for before it imports it, so that plots show without a magic."""
    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    sys.modules.pop("matplotlib_inline.backend_inline", None)  # imported anew, it finds the shell that it shows them in


async def _nothing() -> None:
    """The template kills what a kernel has left running, after the kernel's exit handlers."""


def _be_kernel(argv: list[str]) -> None:
    """Run ipykernel until it is shut down. `argv` is what its launcher would be given."""
    from ipykernel.kernelapp import IPKernelApp

    launcher = importlib.util.find_spec(argv[0])
    sys.argv = [launcher.origin if launcher and launcher.origin else argv[0], *argv[1:]]

    class Kernel(IPKernelApp):
        def init_iopub(self, context: Any) -> None:
            context.sndhwm = 0  # else outputs are dropped when more than 1,000 wait for a busy client
            super().init_iopub(context)  # type: ignore[no-untyped-call]

    app: Any = Kernel.instance(parent_handle=1)  # no watch over a parent: the template does that
    app.initialize(argv[1:])
    if "matplotlib" in sys.modules:
        _see_kernel(sys.modules["matplotlib"])
    # It would wait up to 29 s for a child that nobody waits for.
    app.kernel._progressively_terminate_all_children = _nothing  # noqa: SLF001
    app.start()
    # Its last act is a flush, for which the thread of outputs must live; exit handlers would end that one first.
    app.control_thread.stop()
    app.control_thread.join()
