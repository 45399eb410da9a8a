"""CPU time of code in new processes; the least of several runs is the figure."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One row of the report. `floor` and `limit` in the unit of `value`; `limit` may be a ratio instead."""

    name: str
    value: float
    unit: str
    limit: float
    floor: float | None = None
    limit_is_ratio: bool = False

    @property
    def ratio(self) -> float | None:
        return None if self.floor is None else self.value / self.floor

    @property
    def holds(self) -> bool:
        measured = self.ratio if self.limit_is_ratio else self.value
        return measured is not None and measured < self.limit


def script(code: str, *, folder: Path | None = None, runs: int = 3) -> dict[str, float]:
    """Run `code` in new processes; it calls `report(name=seconds)`. Returns the least of each over `runs`.

    The key `process` is the CPU of the whole process, as the system accounts for it.
    """
    best: dict[str, float] = {}
    for _ in range(runs):
        for name, seconds in _one(code, folder).items():
            best[name] = min(best.get(name, float("inf")), seconds)
    return best


def _one(code: str, folder: Path | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        where = folder or Path(scratch)
        (where / ".mlstack").mkdir(exist_ok=True)
        file = Path(scratch) / "measured.py"
        file.write_text(_PRELUDE + code)
        before = _spent_by_children()
        done = subprocess.run(
            [sys.executable, str(file)], cwd=where, env=environment(), capture_output=True, text=True, check=False
        )
        spent = _spent_by_children() - before
    if done.returncode:
        raise RuntimeError(f"the measured script failed:\n{done.stderr}")
    reported = [json.loads(line[8:]) for line in done.stdout.splitlines() if line.startswith("#report ")]
    return {name: value for row in reported for name, value in row.items()} | {"process": spent}


def _spent_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environment() -> dict[str, str]:
    """What a measured process sees."""
    # without byte code every process would compile its imports again
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(Path(__file__).parent.parent)}


_PRELUDE = """
import json, time
def report(**seconds): print("#report " + json.dumps(seconds))
def cpu(code, *args):
    began = time.process_time(); code(*args); return time.process_time() - began
"""
