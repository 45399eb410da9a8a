"""Runs a step's body in a fresh namespace, exactly as IPython would run it as a cell.

Magics, `!shell`, AST transformers, the display of the last expression, `;`, top-level `await` and the line
numbers of tracebacks are those of the notebook's own cell. While the body runs, the shell's namespace and
`__main__` are the fresh namespace, so inner magics and pickle see the step's names and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from mlstack_nb.core.step import Left, Produced
from mlstack_nb.notebook.compilation import Body, Shell, awaits, compiled
from mlstack_nb.notebook.own_loop import finished
from mlstack_nb.notebook.recording import Recording

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")
Drive = Generator[dict[str, Any], Left, Result]

PULSE_S = 0.25
SHELL_NAMES = ("In", "Out", "_ih", "_oh", "_dh", "get_ipython", "exit", "quit", "open", "_", "__", "___")


def run(shell: Shell, body: Body, drive: Drive[Result]) -> Result:
    """Execute `body` in every namespace that `drive` yields, until `drive` returns.

    What the body raises is thrown into `drive`, and what `drive` raises comes out of here. No name of the body
    gets into the kernel's namespace.
    """
    __tracebackhide__ = True
    turns = _Turns(shell, drive)
    try:
        while turns.namespace is not None:
            with turns:
                for code, _ in compiled(shell, body):
                    exec(code, turns.namespace)  # noqa: S102 - running a cell is what this is for
            turns.advance()
        return turns.result
    finally:
        turns.close()
        drive.close()


async def run_async(shell: Shell, body: Body, drive: Drive[Result]) -> Result:
    """`run` for a body with a top-level `await`; an interrupt reaches `drive` as KeyboardInterrupt here too."""
    __tracebackhide__ = True
    turns = _Turns(shell, drive)
    pulse = _pulse()
    try:
        while turns.namespace is not None:
            with turns:
                for code, is_async in compiled(shell, body):
                    pending = eval(code, turns.namespace)  # noqa: S307 - as above
                    if is_async:
                        await pending
            turns.advance()
        return turns.result
    finally:
        turns.close()
        drive.close()
        if pulse is not None:
            pulse.cancel()


def run_once(shell: Shell, body: Body, namespace: dict[str, Any]) -> Left:
    """Execute `body` in `namespace`; returns what it left. A body that awaits gets a loop in a thread of its own."""
    __tracebackhide__ = True
    drive = _one_turn(namespace)
    if awaits(shell, body.text):
        return finished(run_async(shell, body, drive))
    return run(shell, body, drive)


def _one_turn(namespace: dict[str, Any]) -> Drive[Left]:
    return (yield namespace)


class _Turns(Generic[Result]):
    """The dialogue with a drive: as a context it lends the shell, and keeps what the body shows and raises; `advance`
    reports that.

    `namespace` is the one to execute in, None when the drive has returned `result`.
    """

    namespace: dict[str, Any] | None
    result: Result

    def __init__(self, shell: Shell, drive: Drive[Result]) -> None:
        __tracebackhide__ = True
        self._shell = shell
        self._drive = drive
        self._error: BaseException | None = None
        self._loan: _Loan | None = None
        self._recording = Recording(shell)
        self._move(lambda: next(drive))

    def __enter__(self) -> None:
        self._error = None
        self._loan = _Loan(self._shell, self.namespace or {})
        self._loan.begin()
        self._recording = Recording(self._shell)
        self._recording.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[True]:
        self._return_shell()
        _show_figures(self._shell)
        self._recording.end()
        if error is not None:
            self._error = _seen_from_the_body(self._shell, error)
        return True

    def close(self) -> None:
        """Give everything back; run again where an interrupt came in between."""
        self._return_shell()
        self._recording.end()

    def _return_shell(self) -> None:
        if self._loan is not None:
            self._loan.end()
            self._loan = None

    def advance(self) -> None:
        __tracebackhide__ = True
        error, namespace = self._error, self.namespace or {}
        if error is None:
            left = Produced(namespace, self._recording.display())
            self._move(lambda: self._drive.send(left))
            return
        try:
            self._move(lambda: self._drive.throw(error))
            return
        except RuntimeError as wrapped:
            if wrapped.__cause__ is not error:
                raise
        raise error  # a StopIteration, which no generator lets through (PEP 479)

    def _move(self, move: Callable[[], dict[str, Any]]) -> None:
        __tracebackhide__ = True
        try:
            self.namespace = move()
        except StopIteration as stop:
            self.namespace, self.result = None, stop.value


class _Loan:
    """The shell on a step's namespace, between `begin` and `end`."""

    def __init__(self, shell: Shell, namespace: dict[str, Any]) -> None:
        self._shell = shell
        self._namespace = namespace
        self._home = shell.user_ns
        self._before = (shell.user_ns, shell.user_module, sys.modules["__main__"])
        self._lent = {name: self._home[name] for name in SHELL_NAMES if name in self._home and name not in namespace}

    def begin(self) -> None:
        self._namespace.update(self._lent)
        module, namespace = self._shell.prepare_user_module(user_ns=self._namespace)
        self._set(namespace, module, module)

    def end(self) -> None:
        """Restore the shell; `Out` and its shorthands (`_`, `_3`) stay right, everything else stays inside."""
        self._set(*self._before)
        self._return_shorthands()
        for name, value in self._lent.items():
            if self._namespace.get(name) is value:
                del self._namespace[name]

    def _set(self, namespace: dict[str, Any], module: Any, main: Any) -> None:
        self._shell.user_ns = namespace
        self._shell.user_module = module
        sys.modules["__main__"] = main

    def _return_shorthands(self) -> None:
        hook = self._shell.displayhook
        number = f"_{hook.prompt_count}"
        if number in self._namespace:
            self._home[number] = self._namespace.pop(number)
        for name in ("_", "__", "___"):
            shown = getattr(hook, name)
            if name in self._lent and self._namespace.get(name) is shown:
                self._home[name] = shown
                del self._namespace[name]


def _show_figures(shell: Shell) -> None:
    """Display what was plotted, which matplotlib's inline backend would do after the cell: below the step's badge."""
    for callback in list(shell.events.callbacks["post_execute"]):
        if callback.__module__ == "matplotlib_inline.backend_inline":
            callback()


def _seen_from_the_body(shell: Shell, error: BaseException) -> BaseException:
    """`error` with a traceback that starts at the cell's own line, and is shown so when it has passed through ours.

    An awaiting cell that is interrupted gets its task cancelled; that is KeyboardInterrupt again here.
    """
    frames = error.__traceback__.tb_next if error.__traceback__ is not None else None
    if _is_interrupted_task(error):
        error = KeyboardInterrupt()
    error = error.with_traceback(frames)
    if not hasattr(error, "_render_traceback_"):
        # past exceptions' own `__setattr__`; IPython asks for this attribute before it formats a traceback
        error.__dict__["_render_traceback_"] = partial(_rendered, shell, error, frames)
    return error


def _rendered(shell: Shell, error: BaseException, frames: TracebackType | None) -> list[str]:
    text: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, frames, tb_offset=0)
    return text


def _pulse() -> asyncio.Task[None] | None:
    """Wake the event loop now and then: ipykernel notes an interrupt in a way that does not wake a loop that sleeps."""
    if _asyncio_task() is None:
        return None
    import asyncio

    async def beat() -> None:
        while True:  # noqa: ASYNC110 - waking up is the purpose
            await asyncio.sleep(PULSE_S)

    return asyncio.ensure_future(beat())


def _is_interrupted_task(error: BaseException) -> bool:
    task = _asyncio_task()
    if task is None:
        return False
    from asyncio import CancelledError

    return isinstance(error, CancelledError) and task.cancelling() > 0


def _asyncio_task() -> asyncio.Task[Any] | None:
    """The running task, None where no loop of asyncio runs; never the first to import asyncio."""
    if "asyncio" not in sys.modules:
        return None
    from asyncio import current_task

    try:
        return current_task()
    except RuntimeError:
        return None
