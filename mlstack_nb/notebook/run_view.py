"""How runs look as the value of a cell, and a whole run while it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.core import display_functions

from mlstack_nb.app.progress import Course
from mlstack_nb.app.wording import artifact_line, duration, items_line
from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepEnded, StepsAdded, StepStarted
from mlstack_nb.core.run import Run, State, StepRun
from mlstack_nb.notebook.badge import Badge, reason
from mlstack_nb.notebook.compilation import Shell
from mlstack_nb.notebook.table import Table

UPDATE_EVERY_S = 0.2
TICK_S = 1.0
ALWAYS_BELOW = 100
_RECORD = ("mlstack_nb.client.runs", "RunRecord")
"""Named, so that who has no client need not load it."""


def status(
    pipeline: str,
    steps: list[str],
    runs: Mapping[str, StepRun],
    *,
    about: str = "",
    marks: Mapping[str, str] | None = None,
    times: Mapping[str, str] | None = None,
    items: Mapping[str, Sequence[StepRun]] | None = None,
) -> Table:
    """The steps with their last step runs. `marks` says how each of them stands now, `times` how long some work.

    `items` are those of mapped steps.
    """
    rows = [_row(name, runs.get(name), (times or {}).get(name, ""), (items or {}).get(name, ())) for name in steps]
    columns = ["step", "state", "time", "outputs"]
    if marks is not None:
        columns.insert(2, "now")
        for row, name in zip(rows, steps, strict=True):
            row.insert(2, marks.get(name, ""))
    return Table(
        columns,
        rows,
        caption=f"pipeline {pipeline}{about}",
        empty="This notebook has no step yet: run a cell that starts with %%step NAME.",
    )


def run_table(run: Run) -> Table:
    """A run that has ended, with its steps."""
    steps = {step.step: step for step in run.steps}
    took = f" in {duration(run.duration_s)}" if run.ended_at is not None else ""
    return status(run.pipeline, list(steps), steps, about=f", run {run.id} on stack {run.stack}: {run.state}{took}")


class Progress:
    """The table of a whole run. In a kernel it stands above what the steps show, and follows the events and the clock.

    `replay` shows what a step from the cache showed when it was executed; `course` is that of the run.
    """

    def __init__(self, shell: Shell, replay: Callable[[StepRun], object], course: Course) -> None:
        self._replay = replay
        self._course = course
        # a terminal would print every version of the table
        self._is_live = hasattr(shell, "kernel")
        self._handle: Any = None
        self._run: Run | None = None
        self._steps: list[str] = []
        self._runs: dict[str, StepRun] = {}
        self._drawn_at = 0.0
        self._lock = threading.RLock()
        self._done = threading.Event()

    def __call__(self, event: Event) -> None:
        """Listen to the run."""
        with self._lock:
            self._note(event)
            if isinstance(event, RunEnded):
                self._done.set()
                self._show(run_table(event.run))
                return
            if self._is_live and self._is_due(event):
                self._show(self._table())
        if isinstance(event, StepEnded):
            self._replay(event.step)

    def _note(self, event: Event) -> None:
        self._course.note(event)
        if isinstance(event, RunStarted):
            self._run = event.run
            self._steps = [node.name for node in event.plan.nodes]
            if self._is_live:
                threading.Thread(target=self._keep_time, daemon=True).start()
        elif isinstance(event, StepsAdded):
            self._steps += [step.name for step in event.steps]
        elif isinstance(event, StepStarted | StepEnded):
            self._runs[event.step.step] = event.step

    def _table(self) -> Table:
        assert self._run is not None
        now = time.time()
        headway = self._course.headway(now).words()
        about = f", run {self._run.id} on stack {self._run.stack}: {State.RUNNING}, {headway}"
        times = {one.step: one.time() for one in self._course.at_work(now)}
        return status(self._run.pipeline, self._steps, self._runs, about=about, times=times)

    def _keep_time(self) -> None:
        """Beside the steps: what is at work gets older."""
        while not self._done.wait(TICK_S):
            with self._lock:
                if not self._done.is_set() and time.monotonic() - self._drawn_at > TICK_S / 2:
                    self._show(self._table())

    def _is_due(self, event: Event) -> bool:
        """Not at every event of a great run; but which step is at work now may be the last news for hours."""
        is_news = isinstance(event, StepStarted) and len(self._steps) < ALWAYS_BELOW
        return is_news or time.monotonic() - self._drawn_at > UPDATE_EVERY_S

    def _show(self, table: Table) -> None:
        display: Any = display_functions.display
        if self._handle is None:
            self._handle = display(table, display_id=True)
        else:
            self._handle.update(table)
        self._drawn_at = time.monotonic()


def register(shell: Shell) -> None:
    """Show a Run and a StepRun, which know nothing of notebooks, in a notebook's way."""
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type(Run, lambda run: run_table(run)._repr_mimebundle_())
    formatter.for_type(StepRun, lambda step: Badge(step)._repr_mimebundle_())
    formatter.for_type_by_name(*_RECORD, lambda record: run_table(record.recorded)._repr_mimebundle_())


def unregister(shell: Shell) -> None:
    formatter = shell.display_formatter.mimebundle_formatter
    for kind in (Run, StepRun, ".".join(_RECORD)):
        formatter.pop(kind, None)


def _row(name: str, run: StepRun | None, working: str, items: Sequence[StepRun]) -> list[str | State]:
    if run is None:
        return [name, State.PENDING, "", ""]
    took = duration(run.duration_s) if run.started_at and run.ended_at is not None else working
    saved = f"saved {duration(run.saved_s)}" if run.state is State.CACHED else took
    outputs = ", ".join(artifact_line(found, output) for output, found in run.outputs.items())
    told = [outputs or reason(run), *([items_line(items)] if items else [])]
    return [name, run.state, saved, ", ".join(filter(None, told))]
