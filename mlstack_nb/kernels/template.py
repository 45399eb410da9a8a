"""The process that all kernels of a run come from: `python -m mlstack_nb.kernels.template CONTROL_FD`.

A kernel of this very interpreter is a fork of it, which spares the imports; any other is a command that it starts.
It serves one parent, over a socket that is gone when the parent is, however that ended; then it ends every kernel,
removes its folder (the working directory it was started in) and itself. Before the first fork is asked for, it has
imported nothing that is not needed to start commands. It has one thread of its own and no zmq context, ever.

Each kernel has a connection, which the parent passes through the control socket. On it go lines of JSON:

    parent: {"argv", "cwd", "env", "log", "is_warm"}      then any number of {"signal": number}
    template: {"pid"}, and at the end {"exit", "peak_bytes"}: a negative exit code is the signal that ended it
    parent: {"preload": [module, ...]}                    instead: import these now, for the kernels to come; no reply

A kernel whose connection closes is killed, with all processes of its session.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import warnings
from contextlib import suppress
from typing import Any

from mlstack_nb.kernels.forked import become, import_kernel, preload

POLL_S = 1.0


class Template:
    """Serves one parent; `serve` returns in each child that it forks, with what the child is to become."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._parent = os.getppid()
        self._kernels: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._wakes, self._wake = socket.socketpair()

    def serve(self) -> dict[str, Any] | None:
        """The request of a kernel, in the child that is to be it; None in the template itself, when it is over."""
        self._listen()
        while os.getppid() == self._parent:
            for key, _ in self._selector.select(POLL_S):
                if key.fileobj is self._control:
                    if (connection := self._accepted()) is None:
                        self._end()
                        return None
                    if (request := self._answered(connection)) is not None:
                        return request
                elif key.fileobj is self._wakes:
                    self._wakes.recv(4096)
                    self._reap()
                else:
                    self._heed(key.data)
        self._end()
        return None

    def _listen(self) -> None:
        self._wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wakes, selectors.EVENT_READ)

    def _accepted(self) -> socket.socket | None:
        """The connection that the parent passes; None when the parent is gone."""
        with suppress(ConnectionError):
            data, descriptors, *_ = socket.recv_fds(self._control, 1, 1)
            if data:
                return socket.socket(fileno=descriptors[0])
        return None

    def _answered(self, connection: socket.socket) -> dict[str, Any] | None:
        """Do what the connection's first line asks. Returns the request in a forked child, None in the template."""
        messages = _messages(connection)
        if not messages or "preload" in messages[0]:
            import_kernel()
            preload(messages[0]["preload"] if messages else ())
            connection.close()
            return None
        request = messages.pop(0)
        if request["is_warm"]:
            import_kernel()
            gc.collect()
            gc.freeze()  # a collection in a child would copy the pages that all share
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of numpy's BLAS, which knows what a fork is
            pid = os.fork()
        if pid == 0:
            self._let_go(connection)
            return request
        self._kernels[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)
        _send(connection, {"pid": pid})
        _obey(pid, messages)
        return None

    def _let_go(self, connection: socket.socket) -> None:
        """In a child: give up all that is the template's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for held in (self._control, self._wakes, self._wake, connection, *self._kernels.values()):
            held.close()

    def _heed(self, pid: int) -> None:
        messages = _messages(self._kernels[pid])
        if not messages:
            self._selector.unregister(self._kernels[pid])
            _signal(pid, signal.SIGKILL)
        _obey(pid, messages)

    def _reap(self) -> None:
        for pid in list(self._kernels):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if not ended:
                continue
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # what it left running, if anything
            connection = self._kernels.pop(pid)
            with suppress(KeyError):
                self._selector.unregister(connection)
            code = os.waitstatus_to_exitcode(status)
            unit = 1 if sys.platform == "darwin" else 1024
            _send(connection, {"exit": code, "peak_bytes": usage.ru_maxrss * unit})
            connection.close()

    def _end(self) -> None:
        for pid in self._kernels:
            _signal(pid, signal.SIGKILL)
        for pid in self._kernels:
            os.waitpid(pid, 0)
        shutil.rmtree(os.getcwd(), ignore_errors=True)  # noqa: PTH109 - pathlib is not needed for anything else


def _signal(pid: int, number: int) -> None:
    """Signal a child that was not waited for, with its session; one that has no session yet, alone."""
    with suppress(PermissionError):  # macOS says so when there is nobody but the dead child
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            os.kill(pid, number)


def _obey(pid: int, messages: list[dict[str, Any]]) -> None:
    for message in messages:
        _signal(pid, message["signal"])


def _messages(connection: socket.socket) -> list[dict[str, Any]]:
    """What has come in, whole lines; nothing when the other end is closed."""
    received = b""
    while not received.endswith(b"\n"):
        try:
            part = connection.recv(1 << 16)
        except ConnectionError:
            return []
        if not part:
            return []
        received += part
    return [json.loads(line) for line in received.splitlines()]


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):  # the parent no longer wants to know
        connection.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    del sys.path[0]  # the working directory of the template; a kernel adds its own
    os.environ.pop("JPY_PARENT_PID", None)
    request = Template(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request is not None:
        become(request)


if __name__ == "__main__":
    main()
