"""The parent's end of the template: one for this process, started when first asked for, ended with it."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlstack_nb.kernels.forked import PRELOADABLE

MODULE = "mlstack_nb.kernels.template"
LONGEST_FOLDER = 60  # a socket's whole path may have 107 characters, and a kernel's sockets are in the folder
END_S = 5.0


class ChildProcess:
    """A process that the template has started, or is about to. It is killed when this is closed or forgotten."""

    def __init__(self, template: TemplateProcess, connection: socket.socket) -> None:
        self.pid: int | None = None
        self.exit_code: int | None = None
        self.peak_bytes = 0
        self._template = template  # which would otherwise end, and the kernel with it
        self._connection = connection
        self._received = b""
        self._watch: asyncio.Task[int] | None = None

    async def wait(self) -> int:
        """Its exit code, as soon as there is one; negative for a signal. Of one event loop only."""
        return await asyncio.shield(self.watch())

    def watch(self) -> asyncio.Task[int]:
        """Have the running event loop keep `exit_code` current."""
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._followed())
        return self._watch

    def signal(self, number: int) -> None:
        """Signal it and all processes of its session; nothing when it has ended."""
        with suppress(OSError):
            self._connection.sendall(json.dumps({"signal": number}).encode() + b"\n")

    def close(self) -> None:
        self._connection.close()

    def end(self) -> None:
        """Kill it, wait for its end and close this. For one that no event loop waits for."""
        self.signal(signal.SIGKILL)
        self._connection.settimeout(END_S)
        while self.exit_code is None:
            try:
                self._take_in(self._connection.recv(4096))
            except OSError:
                self._take_in(b"")
        self.close()

    async def _followed(self) -> int:
        loop = asyncio.get_running_loop()
        while self.exit_code is None:
            try:
                part = await loop.sock_recv(self._connection, 4096)
            except OSError:
                part = b""
            self._take_in(part)
        return self.exit_code

    def _take_in(self, part: bytes) -> None:
        if not part:  # the template itself is gone, and with it every kernel
            self.exit_code = -signal.SIGKILL
        *lines, self._received = (self._received + part).split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, message: Mapping[str, int]) -> None:
        self.pid = message.get("pid", self.pid)
        self.exit_code = message.get("exit")
        self.peak_bytes = message.get("peak_bytes", self.peak_bytes)


class TemplateProcess:
    """The running template and its private folder, in which kernels have their sockets and logs."""

    def __init__(self) -> None:
        self.folder = _private_folder()
        self.environment = dict(os.environ)
        self.installed = _installed()
        self.preloaded: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._count = 0
        self._children: weakref.WeakSet[ChildProcess] = weakref.WeakSet()
        self._control, theirs = socket.socketpair()
        with theirs, (self.folder / "template.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, which ends what it started
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def is_idle(self) -> bool:
        return all(child.exit_code is not None for child in self._children)

    def new_name(self) -> Path:
        """A path in the folder that nothing has yet, to put an ending to."""
        with self._lock:
            self._count += 1
            return self.folder / f"k{self._count}"

    def preload(self, modules: Iterable[str]) -> None:
        """Have these imported for the kernels to come, without waiting for it; what may not be forked is left out."""
        asked = [module for module in modules if module.partition(".")[0] in PRELOADABLE]
        self.preloaded = (*self.preloaded, *asked)
        self._ask({"preload": asked}).close()

    def start(self, argv: list[str], *, cwd: Path, env: Mapping[str, str], log: Path, is_warm: bool) -> ChildProcess:
        """Start a process, without waiting for it: a warm kernel, given its launcher's `argv`, or any command."""
        request = {"argv": argv, "cwd": str(cwd), "env": dict(env), "log": str(log), "is_warm": is_warm}
        child = ChildProcess(self, self._ask(request))
        self._children.add(child)
        return child

    def close(self) -> None:
        """End it and all its kernels. Returns when it has ended."""
        self._control.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self) -> None:
        """In a fork of this process, which the template does not serve: let it see when the parent ends."""
        self._control.close()
        for child in list(self._children):
            child.close()
        self._process.returncode = 0  # not a child of the fork, which would be warned that it leaves it running

    def _ask(self, request: Mapping[str, Any]) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, self._lock, suppress(OSError):  # of a dead template, the closed connection tells
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        with suppress(OSError):
            ours.sendall(json.dumps(request).encode() + b"\n")
        ours.setblocking(False)
        return ours


_lock = threading.Lock()
_current: TemplateProcess | None = None
_outdated: list[TemplateProcess] = []


def template() -> TemplateProcess:
    """This process's template. A new one follows one that died, and one that imported what has since been replaced."""
    global _current
    with _lock:
        for old in [old for old in _outdated if old.is_idle]:
            _outdated.remove(old)
            old.close()
        if _current is not None and not (_current.is_alive and _current.installed == _installed()):
            _outdated.append(_current)
            _current = None
        if _current is None:
            _see_to_the_end()
            _current = TemplateProcess()
        return _current


def close() -> None:
    """End the template and every kernel; the next kernel starts a new one."""
    global _current
    with _lock:
        for old in (*_outdated, *([_current] if _current else ())):
            old.close()
        _outdated.clear()
        _current = None


def _forget() -> None:
    global _current, _lock
    for old in (*_outdated, *([_current] if _current else ())):
        old.forget()
    _outdated.clear()
    _current, _lock = None, threading.Lock()


def _installed() -> list[int]:
    """Changes whenever a package is installed, replaced or removed in this interpreter's environment."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return [Path(folder).stat().st_mtime_ns for folder in sorted(folders) if Path(folder).is_dir()]


def _private_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="mlstack-kernels-")
    if len(folder) > LONGEST_FOLDER:
        Path(folder).rmdir()
        folder = tempfile.mkdtemp(prefix="mlstack-kernels-", dir="/tmp")
    return Path(folder)


@functools.cache
def _see_to_the_end() -> None:
    atexit.register(close)
    os.register_at_fork(after_in_child=_forget)
