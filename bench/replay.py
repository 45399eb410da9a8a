"""*Run All* on a cached notebook of 20 steps that hold 2 GB: the kernel's CPU and memory, nothing being read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, script

PAIRS = 10
"""Each of an array and of a frame made of it, 100 MB both, that print, plot and show a table."""

_RUN_ALL = f"""
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

START = '''
%load_ext mlstack_nb
import json, time
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil

def used():
    print(json.dumps({{"cpu": time.process_time(), "memory": psutil.Process().memory_info().rss / 1e6}}))
'''
ARRAY = '''%%step make_# -> array_#
array_# = np.random.default_rng(#).random(12_500_000)
print("made", array_#.shape)
plt.plot(array_#[:1000]);
'''
FRAME = '''%%step frame_# -> table_#
table_# = pd.DataFrame({{f"x{{k}}": array_#[k::10] for k in range(10)}})
table_#.head()
'''
STEPS = [cell.replace("#", str(k)) for k in range({PAIRS}) for cell in (ARRAY, FRAME)]

def run_all(steps):
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in (START, "used()", *steps, "used()")])
    NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
    before, after = (json.loads(cell.outputs[0].text) for cell in (notebook.cells[1], notebook.cells[-1]))
    return after["cpu"], after["memory"] - before["memory"], notebook
"""

_FIRST = "\nrun_all(STEPS)\n"

_AGAIN = """
cpu_s, growth, notebook = run_all(STEPS)
shown = [output for cell in notebook.cells[2:-1] for output in cell.outputs]
assert sum(output.get("metadata", {}).get("mlstack", {}).get("replayed", False) for output in shown) == len(STEPS)
floor, _, _ = run_all([])
report(cpu=cpu_s, floor=floor, growth=growth)
"""


def lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as scratch:
        script(_RUN_ALL + _FIRST, folder=Path(scratch), runs=1)
        measured = script(_RUN_ALL + _AGAIN, folder=Path(scratch))
    name = f"{2 * PAIRS} cached cells that hold 2 GB, Run All"
    yield Line(name, measured["cpu"], "s", 2, floor=measured["floor"])
    yield Line("the same, what memory grows by", measured["growth"], "MB", 30)
