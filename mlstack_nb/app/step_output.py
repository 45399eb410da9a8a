"""What steps print while a whole run goes on: shown under their names, and kept as a log of each."""

from __future__ import annotations

import io
import sys
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from mlstack_nb.core.step import Body, Step
from mlstack_nb.engine.calls import StepResult
from mlstack_nb.engine.execute import Complete
from mlstack_nb.engine.mapping import running_item
from mlstack_nb.engine.masking import masked
from mlstack_nb.engine.run_records import file_stem, step_path
from mlstack_nb.engine.store import Store
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import NotFoundError, ObjectMissingError

Show = Callable[[str, str], None]
"""Called with a step's name and a piece of text, in the thread that runs the step."""


class StepOutput:
    """Goes by the context that a step's code runs in, so steps in several threads are kept apart.

    What a subprocess or a library's C code writes past `sys.stdout` is not seen.
    """

    def __init__(self, run_id: str, folder: Path, store: Store, show: Show) -> None:
        self._folder = folder / run_id
        self._store = store
        self._run_id = run_id
        self._show = show

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Inside, `sys.stdout` and `sys.stderr` know whose text it is."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Router(before[0]), _Router(before[1])
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

    def of(self, bodies: Mapping[str, Body], *, unkept: Container[str] = ()) -> dict[str, Body]:
        """The same bodies, with what they print going here; that of steps in `unkept` is shown, but kept nowhere."""
        return {name: self._heard(name, body, keep=name not in unkept) for name, body in bodies.items()}

    def of_values(self, complete: Complete) -> Complete:
        """The same, with what ordinary cells print going to the step that their values are computed for."""

        def heard(step: Step, results: Mapping[str, StepResult]) -> tuple[Step, Mapping[str, Value]]:
            token = _writer.set(lambda text: self._tell(step.name, text))
            try:
                return complete(step, results)
            finally:
                _writer.reset(token)

        return heard

    def _heard(self, step: str, body: Body, *, keep: bool) -> Body:
        def heard(inputs: dict[str, Any]) -> Any:
            item = running_item.get()
            name = step if item is None else item.step.name
            with self._log(name, keep=keep):
                produced = body(inputs)
            return awaited(produced, name) if isinstance(produced, Awaitable) else produced

        async def awaited(produced: Awaitable[Any], name: str) -> Any:
            with self._log(name, keep=keep):
                return await produced

        return heard

    def _tell(self, step: str, text: str) -> None:
        outer = _writer.set(None)  # whoever shows it may print, too
        try:
            self._show(step, text)
        finally:
            _writer.reset(outer)

    @contextmanager
    def _log(self, step: str, *, keep: bool) -> Iterator[None]:
        """A file while the step runs, which others may follow; afterwards it goes to the store."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{file_stem(step)}.log"
        with path.open("w", encoding="utf-8", errors="surrogateescape", buffering=1) as file:

            def write(text: str) -> None:
                text = masked(text)
                file.write(text)
                self._tell(step, text)

            token = _writer.set(write)
            try:
                yield
            finally:
                _writer.reset(token)
                file.flush()
                if keep and file.tell():
                    self._store.files.write(_place(self._run_id, step), path.read_bytes())
                path.unlink()


def read_log(run_id: str, step: str, folder: Path, store: Store) -> bytes:
    """What a step printed so far. Raises NotFoundError where it printed nothing, or did not run."""
    try:
        return (folder / run_id / f"{file_stem(step)}.log").read_bytes()
    except FileNotFoundError:
        pass
    try:
        return store.files.read(_place(run_id, step))
    except ObjectMissingError:
        raise NotFoundError(
            f"Step {step!r} of run {run_id} left no log.", "It printed nothing, or did not run."
        ) from None


_writer: ContextVar[Callable[[str], None] | None] = ContextVar("mlstack_writer", default=None)


class _Router(io.TextIOBase):
    """A text stream that hands on what a step writes, and leaves the rest to the stream it stands before."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        write = _writer.get()
        if write is None:
            return self._stream.write(text)
        write(text)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


def _place(run_id: str, step: str) -> str:
    return step_path(run_id, step, "log")
