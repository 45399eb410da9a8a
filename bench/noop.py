"""Overhead of a step that does nothing: a chain `int -> int` of 50, against the bare writes it stands on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, script

STEPS = 50

_CHAIN = f"""
from mlstack_nb import pipeline, step

@step
def increase(number: int) -> int:
    return number + 1

@pipeline(name="chain")
def chain(start: int = 0, length: int = {STEPS}):
    number = start
    for _ in range(length):
        number = increase(number)
"""

_SAME_PROCESS = (
    _CHAIN
    + f"""
chain(start=-1000, length=1)
report(executed=min(cpu(chain, 1000 * k) for k in range(1, 6)) / {STEPS})
report(cached=min(cpu(chain, 1000 * k) for k in range(1, 6)) / {STEPS})
"""
)

_NEW_PROCESS = (
    _CHAIN
    + f"""
chain(start=-1000, length=1)
report(cached=cpu(chain, 1000) / {STEPS})
"""
)

_FLOOR = f"""
import os, sqlite3
base = sqlite3.connect("floor.db", isolation_level=None)
base.execute("pragma journal_mode=wal"); base.execute("pragma synchronous=normal")
base.execute("create table runs (a text, b text, c real, d real, e text)")
row = ("run", "increase", 0.0, 0.0, "x" * 300)

def put(name, text):
    with open(name + ".new", "xb", buffering=0) as file:
        file.write(text)
    os.replace(name + ".new", name)

entry = json.dumps({{"key": "k" * 64, "outputs": {{"output": {{"digest": "d" * 64, "inline": "1"}}}}}}).encode()

def execute(run):
    for k in range({STEPS}):
        put(f"entry-{{run}}-{{k}}", entry)
        put(f"record-{{run}}-{{k}}", entry)
        base.execute("begin"); base.execute("insert into runs values (?,?,?,?,?)", row); base.execute("commit")

def reuse(run):
    base.execute("begin")
    for k in range({STEPS}):
        with open(f"entry-{{run}}-{{k}}", "rb", buffering=0) as file:
            json.loads(file.read())
        base.execute("insert into runs values (?,?,?,?,?)", row)
    base.execute("commit")

report(executed=min(cpu(execute, k) for k in range(5)) / {STEPS})
report(cached=min(cpu(reuse, k) for k in range(5)) / {STEPS})
"""


def lines() -> Iterator[Line]:
    floor = script(_FLOOR)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        same = script(_SAME_PROCESS, folder=folder, runs=1)
        new = script(_NEW_PROCESS, folder=folder, runs=5)
        whole = script(_CHAIN + "chain(1000)", folder=folder, runs=5)
    bare = script("report(empty=0)")
    yield Line("no-op step, executed", same["executed"] * 1e3, "ms", 0.6, floor=floor["executed"] * 1e3)
    yield Line("no-op step, cached, same process", same["cached"] * 1e3, "ms", 0.15, floor=floor["cached"] * 1e3)
    yield Line("no-op step, cached, new process", new["cached"] * 1e3, "ms", 0.3, floor=floor["cached"] * 1e3)
    yield Line(
        f"{STEPS} cached steps, whole new process", whole["process"] * 1e3, "ms", 250, floor=bare["process"] * 1e3
    )
