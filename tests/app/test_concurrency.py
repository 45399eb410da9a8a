from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mlstack_nb.app import runs
from mlstack_nb.app.workspace import Workspace

CODE = """
import json, sys, time
import numpy as np
from mlstack_nb import pipeline, step

@step
def numbers(start: int) -> np.ndarray:
    time.sleep(0.05)
    return np.arange(start, start + 50_000.0)

@step
def shifted(values: np.ndarray, by: int) -> np.ndarray:
    return values + by

@step
def total(values: np.ndarray) -> float:
    return float(values.sum())

@pipeline
def sums():
    for start in range(8):
        total(shifted(numbers(start), by=1))

sys.stdin.readline()
run = sums()
print(json.dumps([step.outputs["output"].inline for step in run.steps if step.step.startswith("total")]))
"""


def test_processes_that_run_one_pipeline_at_once_all_finish_and_store_everything_once(workspace):
    Path("script.py").write_text(CODE)
    started = [
        subprocess.Popen(
            [sys.executable, "script.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0] * 4, printed
    assert len({out for out, _ in printed}) == 1
    assert len(json.loads(printed[0][0])) == 8
    assert not any("locked" in err for _, err in printed)
    store = Path(".mlstack/store")
    # numbers(k) shifted by one reads numbers(k) + 1: as long, from k + 1 on, so nine arrays in all
    assert len(list((store / "objects").glob("*/*"))) == 9
    assert len(list((store / "cache").glob("*/*"))) == 24
    assert list((store / "staging").iterdir()) == []
    assert [run["state"] for run in runs.list_all(Workspace.find())].count("running") == 0
    assert len(runs.list_all(Workspace.find())) == 4
