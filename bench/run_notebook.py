"""`mlstack run` of a notebook of ten steps that do nothing, against `papermill` with the same cells in one kernel.

Both are whole commands on the clock, from the start of the process to its end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.measure import Line, environment

STEPS, RUNS = 10, 5
NOTEBOOK = "noop.ipynb"


def lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / ".mlstack").mkdir()
        _write(folder / NOTEBOOK, ["start = 0", *map(_step, range(STEPS))])
        _write(folder / "in.ipynb", ["start = 0", *map(_body, range(STEPS))])
        run = ("mlstack_nb.cli", "run", NOTEBOOK)
        cold: list[float] = []
        floor: list[float] = []
        _wall(folder, *run)  # makes the workspace
        for start in range(1, RUNS + 1):  # in turn, so that what else the machine does meets both
            floor.append(_wall(folder, "papermill", "in.ipynb", "out.ipynb"))
            cold.append(_wall(folder, *run, "-p", f"start={start}"))
        cached = min(_wall(folder, *run) for _ in range(RUNS))
        began = _kernels_begun(folder)
    name = f"mlstack run, notebook of {STEPS} steps, wall"
    yield Line(name, min(cold), "s", 1.8, floor=min(floor), limit_is_ratio=True)
    yield Line(f"{name}, cached", cached, "s", 0.6)
    yield Line("kernels that a cached run starts", began, "", 1)


def _step(number: int) -> str:
    return f"%%step s{number} -> x{number}\n{_body(number)}"


def _body(number: int) -> str:
    return f"x{number} = x{number - 1} + 1" if number else "x0 = start"


def _write(path: Path, texts: Sequence[str]) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells: list[dict[str, Any]] = [{**cell, "id": f"c{at}", "source": text} for at, text in enumerate(texts)]
    named = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": named}))


def _wall(folder: Path, module: str, *words: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=folder, env=environment(), capture_output=True, check=False
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(words)} failed:\n{done.stderr.decode()}")
    return took


def _kernels_begun(folder: Path) -> int:
    """How many processes a cached run starts; each would be the template of kernels, or one of them."""
    code = (
        "import subprocess, sys; started = []; sys.addaudithook(lambda event, _: started.append(event)"
        " if event in ('subprocess.Popen', 'os.fork', 'os.posix_spawn') else None);"
        f"from mlstack_nb.cli.main import run; run(['run', {NOTEBOOK!r}]); print(len(started))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])
