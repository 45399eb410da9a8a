"""What a mapped item costs beyond a plain step that does the same: nothing, 200 times, in a dynamic pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Line, script

ITEMS = 200

_CODE = f"""
from mlstack_nb import pipeline, step

@step
def same(number: int) -> int:
    return number

@step
def count(start: int) -> list[int]:
    return list(range(start, start + {ITEMS}))

@pipeline
def one_by_one(start: int):
    for number in range(start, start + {ITEMS}):
        same(number)

@pipeline(dynamic=True)
def mapped(start: int):
    same.map(count(start))

one_by_one(-1000), mapped(-2000)
report(plain=min(cpu(one_by_one, 1000 * k) for k in range(1, 4)) / {ITEMS})
report(plain_cached=min(cpu(one_by_one, 1000 * k) for k in range(1, 4)) / {ITEMS})
report(item=min(cpu(mapped, 10_000 * k) for k in range(1, 4)) / {ITEMS})
report(item_cached=min(cpu(mapped, 10_000 * k) for k in range(1, 4)) / {ITEMS})
"""


def lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: seconds * 1e3 for name, seconds in script(_CODE, folder=Path(scratch), runs=1).items()}
    yield Line("mapped no-op item, executed", found["item"], "ms", 1.6, floor=found["plain"], limit_is_ratio=True)
    yield Line("mapped no-op item, cached", found["item_cached"], "ms", 0.25, floor=found["plain_cached"])
