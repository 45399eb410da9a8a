"""A run as it goes on, in a terminal: a line for each step that ends, and one that lives for those at work."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Mapping

import click

from mlstack_nb.app.wording import artifact_line, duration
from mlstack_nb.cli.output import COLOURS
from mlstack_nb.core.events import Event, RunEnded, RunStarted, StepEnded, StepStarted
from mlstack_nb.core.run import State, StepRun

REDRAW_S = 0.2


class Progress:
    """A listener; also shows what steps print. `usual` are the times steps took before, in seconds.

    Where the output is no terminal, or `live` is False, there is no living line and nothing is ever rewritten.
    """

    def __init__(self, usual: Mapping[str, float]) -> None:
        self._usual = usual
        self._lock = threading.RLock()
        self._running: dict[str, float] = {}
        self._ended: dict[str, StepRun] = {}
        self._steps: list[str] = []
        self._width = 0
        self._parts: dict[str, str] = {}
        self._is_live = sys.stderr.isatty()
        self._is_drawn = False
        self._done = threading.Event()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, RunStarted):
                self._steps = [node.name for node in event.plan.nodes]
                self._width = max(map(len, self._steps), default=0)
                click.echo(f"run {event.run.id} of {event.run.pipeline} on stack {event.run.stack}", err=True)
                if self._is_live:
                    threading.Thread(target=self._keep_drawing, daemon=True).start()
            elif isinstance(event, StepStarted):
                self._running[event.step.step] = time.monotonic()
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
        self._running.pop(step.step, None)
        self._ended[step.step] = step
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
        if not self._is_live or not self._running:
            return
        now = time.monotonic()
        at_work = ", ".join(self._at_work(name, now - since) for name, since in self._running.items())
        line = f"  {len(self._ended)}/{len(self._steps)}  {at_work}"
        columns = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{line[:columns]}")
        sys.stderr.flush()
        self._is_drawn = True

    def _at_work(self, step: str, spent: float) -> str:
        usual = self._usual.get(step)
        left = f", about {duration(usual - spent)} left" if usual is not None and usual > spent + 1 else ""
        return f"{step} {duration(spent) if spent >= 1 else ''}{left}".rstrip()

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
