"""Notes what a cell shows while it runs, as it is shown: on its way, unchanged and without delay."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from resource import RUSAGE_CHILDREN, getrusage
from select import select
from threading import get_ident
from typing import Any

from IPython.core.displayhook import CapturingDisplayHook

from mlstack_nb.core.display import STREAMS, Display
from mlstack_nb.notebook.compilation import Shell
from mlstack_nb.notebook.transcript import Transcript

ARRIVAL_S = 0.02
LONGEST_ARRIVAL_S = 1.0
_ABSENT = object()


class Recording:
    """Between `begin` and `end` the shell's streams and displays pass through here.

    Methods of the objects that are there are wrapped, and no object is replaced: loggers hold on to streams, and
    ipykernel to the classes of its own.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._transcript = Transcript()
        self._taps: list[tuple[Any, str, Any]] = []
        self._quiet: set[int] = set()
        self._processes = 0

    def begin(self) -> None:
        self._processes = _ended_processes()
        for name in STREAMS:
            self._tap(getattr(sys, name), "write", partial(self._write, name))
        publisher, hook = self._shell.display_pub, self._shell.displayhook
        self._tap(publisher, "publish", self._publish)
        self._tap(publisher, "clear_output", self._clear)
        self._tap(hook, "write_format_data", self._result)
        self._tap(hook, "write_output_prompt", self._unnoted)
        self._tap(hook, "finish_displayhook", self._unnoted)
        if isinstance(sys.displayhook, CapturingDisplayHook):
            self._tap(sys, "displayhook", self._captured_result)

    def end(self) -> None:
        """Leave everything as it was; run again where an interrupt came in between."""
        if self._taps and _ended_processes() != self._processes:
            self._await_processes()
        while self._taps:
            target, name, before = self._taps[-1]
            if before is _ABSENT:
                vars(target).pop(name, None)
            else:
                setattr(target, name, before)
            self._taps.pop()

    def display(self) -> Display | None:
        return self._transcript.display()

    def _await_processes(self) -> None:
        """Threads of ipykernel read what processes wrote to the file descriptors, and write it to the streams."""
        pipes = [getattr(target, "_fid", None) for target, name, _ in self._taps if name == "write"]
        unread = [pipe for pipe in pipes if pipe is not None]
        until = time.monotonic() + LONGEST_ARRIVAL_S
        time.sleep(ARRIVAL_S)
        while unread and time.monotonic() < until and select(unread, (), (), 0)[0]:
            time.sleep(ARRIVAL_S)

    def _tap(self, target: Any, name: str, note: Callable[..., Any]) -> None:
        """`note` is called in the place of the method, with it as the first argument."""
        if any(known is target and other == name for known, other, _ in self._taps):
            return  # both streams are one
        try:
            before = vars(target).get(name, _ABSENT)
            original = getattr(target, name)
        except (AttributeError, TypeError):
            return  # no stream at all, or one of the user's that can not be followed
        home = getattr(target, "parent_header", None)

        def tapped(*args: Any, **kwargs: Any) -> Any:
            # ipykernel takes what a task or thread of an earlier cell shows to that cell
            if getattr(target, "parent_header", None) is not home:
                return original(*args, **kwargs)
            return note(original, *args, **kwargs)

        self._taps.append((target, name, before))
        setattr(target, name, tapped)

    def _write(self, stream: str, original: Callable[..., Any], text: str, *rest: Any) -> Any:
        written = original(text, *rest)
        if get_ident() not in self._quiet:
            self._transcript.write(stream, text)
        return written

    def _publish(
        self,
        original: Callable[..., Any],
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *args: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **rest: Any,
    ) -> None:
        with self._unnoted_text():
            original(data, metadata, *args, transient=transient, update=update, **rest)
        display_id = (transient or {}).get("display_id")
        if update:
            self._transcript.update(display_id, data, metadata or {})
        else:
            self._transcript.show("display_data", data, metadata or {}, display_id=display_id)

    def _result(self, original: Callable[..., Any], data: dict[str, Any], metadata: Any = None) -> None:
        self._unnoted(original, data, metadata)
        self._transcript.show("execute_result", data, metadata or {})

    def _captured_result(self, original: CapturingDisplayHook, value: Any = None) -> None:
        """The hook that `%%capture` puts in the place of the shell's."""
        original(value)
        if value is not None:
            found = original.outputs[-1]
            self._transcript.show("execute_result", found["data"], found["metadata"])

    def _clear(self, original: Callable[..., Any], wait: bool = False) -> None:
        self._unnoted(original, wait)
        self._transcript.clear(wait=wait)

    def _unnoted(self, original: Callable[..., Any], *args: Any) -> None:
        with self._unnoted_text():
            original(*args)

    @contextmanager
    def _unnoted_text(self) -> Iterator[None]:
        """A terminal's displays are text: what this thread writes now is noted as the display it stands for."""
        thread = get_ident()
        self._quiet.add(thread)
        try:
            yield
        finally:
            self._quiet.discard(thread)


def _ended_processes() -> int:
    """A number that grows with every process that was started and waited for."""
    return getrusage(RUSAGE_CHILDREN).ru_minflt
