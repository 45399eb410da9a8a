"""Raising an exception in another thread, as Ctrl-C raises one in the main thread."""

from __future__ import annotations

import ctypes


def interrupt_thread(thread_id: int, kind: type[BaseException] | None) -> None:
    """Raise `kind` in the thread with that `threading.get_ident`, at the next line of Python that it executes.

    A thread that sleeps or is inside a library's C code gets it when it comes back; None takes back one that is still
    on its way. Does nothing when the thread has ended.
    """
    raised = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), raised)
