"""Large values from one step to the next: a 100 MB frame against parquet, an 800 MB array against `np.save`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, script

# What is handed over stands in a module of its own, so that making it is not measured.
_FRAME = """
import numpy as np, pandas as pd
random = np.random.default_rng(0)
rows = 1_000_000
columns = {f"x{k}": random.random(rows) for k in range(10)}
columns["user"] = [f"user-{k:07d}" for k in range(rows)]
columns["city"] = random.choice(["Oslo", "Bergen", "Trondheim", "Stavanger"], rows)
MADE = pd.DataFrame(columns)
"""

_ARRAY = """
import numpy as np
MADE = np.random.default_rng(0).random(100_000_000)
"""

_PIPELINE = """
import numpy as np, pandas as pd
from made import MADE
from mlstack_nb import pipeline, step

@step
def make(number: int) -> {type}:
    import made

    return made.MADE

@step
def total(made: {type}) -> float:
    return float(made{column}.sum())

@pipeline(name="large")
def large(number: int):
    total(make(number))

large(-1)
report(ours=min(cpu(large, k) for k in range(3)))
report(cached=min(cpu(large, k) for k in range(3)) / 2)
"""

_PARQUET = """
def floor():
    MADE.to_parquet("floor.parquet")
    pd.read_parquet("floor.parquet")["x0"].sum()
floor()
report(floor=min(cpu(floor) for _ in range(3)))
"""

_NPY = """
def floor():
    np.save("floor.npy", MADE)
    np.load("floor.npy", mmap_mode="r").sum()
floor()
report(floor=min(cpu(floor) for _ in range(3)))
"""


def lines() -> Iterator[Line]:
    frame = _measured(_FRAME, _PIPELINE.format(type="pd.DataFrame", column='["x0"]') + _PARQUET)
    yield Line("100 MB DataFrame, two steps", frame["ours"], "s", 0.4, floor=frame["floor"], limit_is_ratio=True)
    yield Line("100 MB DataFrame, cached, a step", frame["cached"] * 1e3, "ms", 1)
    array = _measured(_ARRAY, _PIPELINE.format(type="np.ndarray", column="") + _NPY)
    yield Line("800 MB array, two steps", array["ours"], "s", 2.5, floor=array["floor"], limit_is_ratio=True)
    yield Line("800 MB array, cached, a step", array["cached"] * 1e3, "ms", 1)


def _measured(made: str, code: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "made.py").write_text(made)
        return script(f"import sys\nsys.path.insert(0, {scratch!r})\n" + code, folder=folder, runs=1)
