"""Which process does a piece of work (a run, a step), and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `ticks` is when it started, in clock ticks since boot, 0 where the system does not tell:
    it tells the process from a later one of the same id.
    """

    host: str
    pid: int
    ticks: int

    @classmethod
    def of_this_process(cls) -> Owner:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Owner:
        """The process of this host that has that id now."""
        return cls(this_host(), pid, _start_ticks(pid))

    @property
    def is_here(self) -> bool:
        return self.host == this_host()

    @property
    def is_gone(self) -> bool:
        """Whether the process has surely ended. Of another host's processes nothing is known."""
        if not self.is_here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # it lives, as another user's
        return _start_ticks(self.pid) != self.ticks


NOBODY = Owner("", 0, 0)
"""No process of ours: an engine outside does the work."""


@cache
def this_host() -> str:
    return socket.gethostname()


def _start_ticks(pid: int) -> int:
    """0 where there is no /proc; -1 for a process that has ended and waits for its parent to notice."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # the process name, in parentheses, may itself hold spaces and parentheses; the fields after it are 3 to 52
    fields = stat.rpartition(")")[2].split()
    return -1 if fields[0] == "Z" else int(fields[22 - 3])
