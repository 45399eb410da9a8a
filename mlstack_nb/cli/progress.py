"""A run as it goes on, in a terminal: a line for each step that ends, and one that lives for those at work."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

import click

from mlstack_nb.app.progress import Course
from mlstack_nb.app.wording import artifact_line, duration
from mlstack_nb.cli.output import COLOURS
from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepEnded, StepsAdded, StepStarted
from mlstack_nb.core.run import State, StepRun

REDRAW_S = 0.2
SMALL = 100
"""In a run of more steps the numbers may be as old as that, for finding them anew at each event would cost the most."""


class Progress:
    """A listener; also shows what steps print. `course` is that of the run.

    Where the output is no terminal there is no living line, and nothing is ever rewritten.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._lock = threading.RLock()
        self._width = 0
        self._parts: dict[str, str] = {}
        self._is_live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._line = ""
        self._counted_at = 0.0
        self._is_small = True
        self._is_drawn = False
        self._done = threading.Event()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._course.note(event)
            if self._is_small:
                self._counted_at = 0.0
            if isinstance(event, RunStarted):
                self._width = max((len(node.name) for node in event.plan.nodes), default=0)
                self._is_small = len(event.plan.nodes) < SMALL
                click.echo(f"run {event.run.id} of {event.run.pipeline} on stack {event.run.stack}", err=True)
                if self._is_live:
                    threading.Thread(target=self._keep_drawing, daemon=True).start()
            elif isinstance(event, StepsAdded):
                self._width = max(self._width, *(len(step.name) for step in event.steps))
                self._is_small = self._is_small and len(event.steps) < SMALL
            elif isinstance(event, StepStarted):
                self._draw()
            elif isinstance(event, StepEnded):
                self._end(event.step)
            elif isinstance(event, RunEnded):
                self._done.set()
                self._erase()

    def print(self, step: str, text: str) -> None:
        """Whole lines as they come, under the step's name."""
        with self._lock:
            *lines, rest = (self._parts.pop(step, "") + text).split("\n")
            for line in lines:
                self._say(step, line)
            if rest:
                self._parts[step] = rest

    def _end(self, step: StepRun) -> None:
        rest = self._parts.pop(step.step, "")
        if rest:
            self._say(step.step, rest)
        self._erase()
        state = click.style(f"{step.state.value:<9}", fg=COLOURS.get(step.state.value))
        click.echo(f"  {step.step.ljust(self._width)}  {state}  {_told(step)}".rstrip(), err=True)
        self._draw()

    def _say(self, step: str, line: str) -> None:
        self._erase()
        name = click.style(f"  {step.ljust(self._width)} |", dim=True)
        click.echo(f"{name} {line.rpartition(chr(13))[2] or line}", err=True)
        self._draw()

    def _keep_drawing(self) -> None:
        while not self._done.wait(REDRAW_S):
            with self._lock:
                if not self._done.is_set():
                    self._draw()

    def _draw(self) -> None:
        if not self._is_live:
            return
        now = time.time()
        if now - self._counted_at >= REDRAW_S:
            at_work = " | ".join(one.words() for one in self._course.at_work(now))
            self._line = f"  {self._course.headway(now).words()}  {at_work}" if at_work else ""
            self._counted_at = now
        columns = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{self._line[:columns]}")
        sys.stderr.flush()
        self._is_drawn = bool(self._line)

    def _erase(self) -> None:
        if self._is_drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_drawn = False


def _told(step: StepRun) -> str:
    if step.state is State.FAILED and step.failure is not None:
        return f"{step.failure.type}: {step.failure.message}".splitlines()[0]
    if step.state is State.SKIPPED:
        return "a step before it did not end well"
    took = f"saved {duration(step.saved_s)}" if step.state is State.CACHED else duration(step.duration_s)
    outputs = ", ".join(artifact_line(artifact, name) for name, artifact in step.outputs.items())
    return f"{took:<12} {outputs}"
