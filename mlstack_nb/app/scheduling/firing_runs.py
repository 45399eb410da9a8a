"""The processes of firings: started, watched, and taken over from a scheduler that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.app.scheduling import begin_firing
from mlstack_nb.app.workspace import WORKSPACE_VARIABLE
from mlstack_nb.catalog import firings
from mlstack_nb.catalog import schedules as rows
from mlstack_nb.core.run import State
from mlstack_nb.core.schedule import CatchUp, Firing, Origin, Overlap, Schedule

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.ports.owner import Owner

LONGEST_REASON = 300

CommandFor = Callable[[Schedule, Firing], list[str]]
Tell = Callable[[Firing], None]


def run_command(schedule: Schedule, firing: Firing) -> list[str]:
    """`mlstack run` with the schedule's target, parameters and stack; `-P` as the user's folder may hold any module."""
    parameters = [word for name, text in schedule.parameters.items() for word in ("-p", f"{name}={text}")]
    stack = ["--stack", schedule.stack] if schedule.stack else []
    command = [sys.executable, "-P", "-m", "mlstack_nb.cli", "run", *parameters, *stack]
    return [*command, "--run-id", str(firing.run_id), "--", schedule.target]


class FiringRuns:
    """What one process knows of the runs of a workspace's firings; all of it can be lost, and is found again.

    `tell` hears of each firing that was seen to run or to end.
    """

    def __init__(self, workspace: Workspace, tell: Tell, *, command_for: CommandFor = run_command) -> None:
        self._workspace = workspace
        self._tell = tell
        self._command_for = command_for
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()

    @property
    def count(self) -> int:
        """How many of those that this process started still run."""
        return len(self._children)

    def look_after(self, now: float) -> bool:
        """Record what has ended and start what may begin. Whether any firing waits to begin."""
        self.record_ends()
        with self._workspace.catalog.read() as connection:
            known = {schedule.name: schedule for schedule in rows.list_schedules(connection)}
            everything = [firing for firing, _ in firings.open_firings(connection)]
        for firing in everything:
            run_id = str(firing.run_id)
            if firing.state is State.RUNNING and run_id not in self._told:
                self._told.add(run_id)
                self._tell(firing)
            schedule = known.get(firing.schedule)
            is_new = firing.state is State.PENDING and run_id not in self._children
            if is_new and schedule and firings.may_begin(firing, schedule.overlap, everything):
                if _is_too_late(schedule, firing, now):
                    self._end(run_id, State.SKIPPED, reason="missed; the scheduler ended before it could start it")
                else:
                    self.start(schedule, firing)
        return any(firing.state is State.PENDING for firing in everything)

    def record_ends(self) -> None:
        """Write down what has ended since, whoever started it."""
        codes = self._reaped()
        with self._workspace.catalog.read() as connection:
            everything = firings.open_firings(connection)
        for firing, owner in everything:
            run_id = str(firing.run_id)
            if run_id in codes:
                self._record_child(firing, *codes[run_id])
            elif owner is not None and run_id not in self._children:
                self._record_other(firing, owner)

    def start(self, schedule: Schedule, firing: Firing) -> None:
        """Start its process in a session of its own, which outlives this one."""
        run_id = str(firing.run_id)
        log = self._log(run_id)
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        root = str(self._workspace.root)
        begin = [sys.executable, "-P", "-m", begin_firing.__name__, root, run_id]
        try:
            with log.open("ab") as output:
                self._children[run_id] = subprocess.Popen(  # noqa: S603 - no shell
                    [*begin, *self._command_for(schedule, firing)],
                    cwd=schedule.folder,
                    env={**os.environ, WORKSPACE_VARIABLE: root},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            place = error.filename or schedule.folder
            self._end(run_id, State.FAILED, reason=f"{place}: {error.strerror}")

    def let_go(self) -> int:
        """Forget the processes, which go on. Returns how many."""
        count = len(self._children)
        for child in self._children.values():
            child.returncode = 0  # else Python warns of a child that nobody waited for
        self._children.clear()
        return count

    def _reaped(self) -> Mapping[str, tuple[int, int]]:
        """Run id -> process id and exit code, of those that have ended since."""
        found = {
            run_id: (child.pid, child.returncode)
            for run_id, child in self._children.items()
            if child.poll() is not None
        }
        for run_id in found:
            del self._children[run_id]
        return found

    def _record_child(self, firing: Firing, pid: int, code: int) -> None:
        """A process of ours has ended: the run's, one that was not to begin, or one that could not."""
        run_id = str(firing.run_id)
        if firing.pid == pid:
            state, _ = self._recorded(run_id)
            if state is None or state.is_good != (code == 0):
                state = State.FAILED if code else State.COMPLETED
            self._end(run_id, state, exit_code=code, reason=self._reason(run_id, state, code))
        elif firing.state is State.PENDING and code != begin_firing.WAIT:
            self._end(run_id, State.FAILED, exit_code=code, reason=self._reason(run_id, State.FAILED, code))

    def _record_other(self, firing: Firing, owner: Owner) -> None:
        """A process that somebody else started tells its exit code to nobody; what it recorded tells how it ended."""
        run_id = str(firing.run_id)
        state, ended_at = self._recorded(run_id)
        if owner.is_gone:
            state = state or State.FAILED
            self._end(run_id, state, at=ended_at, reason=self._reason(run_id, state, None))
        elif not owner.is_here and state is not None:
            self._end(run_id, state, at=ended_at)

    def _recorded(self, run_id: str) -> tuple[State | None, float | None]:
        """How the run ended, and when, where it came to record that."""
        with self._workspace.catalog.read() as connection:
            found = firings.recorded_end(connection, run_id)
        return found if found is not None and found[0].is_final else (None, None)

    def _end(
        self, run_id: str, state: State, *, at: float | None = None, exit_code: int | None = None, reason: str = ""
    ) -> None:
        with self._workspace.catalog.write() as connection:
            ended = firings.end(
                connection, run_id, state=state, at=at or time.time(), exit_code=exit_code, reason=reason
            )
        self._told.discard(run_id)
        if ended is not None:
            self._tell(ended)

    def _reason(self, run_id: str, state: State, code: int | None) -> str:
        """Why it did not end well: the last it said, where the catalog holds no run that would tell."""
        if state.is_good:
            return ""
        if self._recorded(run_id)[0] is not None:
            return f"see: mlstack runs show {run_id}"
        if code is not None and code < 0:
            return f"its process was killed by signal {-code}"
        return _last_words(self._log(run_id)) or "its process ended unseen, and recorded no run"

    def _log(self, run_id: str) -> Path:
        return self._workspace.root / "logs" / run_id / "run.out"


def _is_too_late(schedule: Schedule, firing: Firing, now: float) -> bool:
    """A claim of a scheduler that ended before it could start it; time in a queue is not counted."""
    may_wait = schedule.overlap is Overlap.QUEUE or schedule.catch_up is not CatchUp.NONE
    return firing.origin is Origin.SCHEDULED and not may_wait and now - firing.claimed_at > schedule.grace_s


def _last_words(log: Path) -> str:
    """The last error that a log tells, else its last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    said = [line for line in lines if line.strip()]
    errors = [number for number, line in enumerate(said) if line.startswith("Error:")]
    return " ".join(" ".join(said[errors[-1] if errors else -1 :]).split())[:LONGEST_REASON]
