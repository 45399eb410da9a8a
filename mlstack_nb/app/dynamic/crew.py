"""Threads that work off what is submitted, each piece once those that it waits for have ended.

What waits takes no thread, so that one thread is enough for any graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from mlstack_nb.app.dynamic.outputs import WAKE_S
from mlstack_nb.ports.interruption import interrupt_thread

Result = TypeVar("Result")


class Crew(Generic[Result]):
    """The threads start with the first piece of work. What a piece raises is what its future raises."""

    def __init__(self, workers: int, stop: threading.Event) -> None:
        self._workers = workers
        self._stop = stop
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._open: set[Future[Result]] = set()
        self._threads: dict[Future[Result], int] = {}

    def submit(self, work: Callable[[], Result], *, after: Sequence[Future[Any]] = ()) -> Future[Result]:
        """Do it in this context, after all of `after` have ended, well or not."""
        promised: Future[Result] = Future()
        context = copy_context()
        self._open.add(promised)
        left = len(after)

        def one_less(_ended: Future[Any] | None = None) -> None:
            nonlocal left
            with self._lock:
                left -= 1
                if left > 0:
                    return
                self._pool = self._pool or ThreadPoolExecutor(self._workers, thread_name_prefix="mlstack step")
            self._pool.submit(context.run, self._do, work, promised)

        for one in after:
            one.add_done_callback(one_less)
        if not after:
            one_less()
        return promised

    def join(self) -> None:
        """Until everything that was submitted has ended, well or not."""
        while self._open:
            wait(list(self._open), timeout=WAKE_S)

    def interrupt(self) -> None:
        """Begin nothing more, interrupt what runs in threads, and wait for that."""
        self._stop.set()
        with self._lock:
            for thread in self._threads.values():
                interrupt_thread(thread, KeyboardInterrupt)
        self.join()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def _do(self, work: Callable[[], Result], promised: Future[Result]) -> None:
        try:
            try:
                with self._lock:
                    self._threads[promised] = threading.get_ident()
                if self._stop.is_set():
                    raise KeyboardInterrupt
                result = work()
            finally:
                self._leave(promised)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            promised.set_exception(error)
        else:
            promised.set_result(result)
        self._open.discard(promised)

    def _leave(self, promised: Future[Result]) -> None:
        """From here on nobody interrupts this thread; an interrupt that is on its way is taken back."""
        with self._lock:
            del self._threads[promised]
        interrupt_thread(threading.get_ident(), None)
