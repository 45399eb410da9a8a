"""Kernels: ten notebooks of one cell, each in a fresh one, against papermill with the ten cells in a single kernel."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Line, script

_NOTEBOOK = """
def notebook(cells):
    cell = {"cell_type": "code", "metadata": {}, "source": "pass", "outputs": [], "execution_count": None}
    named = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    all_cells = [cell | {"id": f"c{k}"} for k in range(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "cells": all_cells, "metadata": named}

began = time.perf_counter()
"""

_OURS = (
    _NOTEBOOK
    + """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from mlstack_nb.kernels.execute import Kernels

with Kernels() as kernels, ThreadPoolExecutor(2) as pool:
    kernels.prestart(2)
    done = list(pool.map(lambda k: kernels.execute(notebook(1), output=Path(f"{k}.ipynb")), range(10)))
    report(wall=time.perf_counter() - began)
assert not any(one.failed for one in done)
"""
)

_FLOOR = (
    _NOTEBOOK
    + """
import papermill

open("in.ipynb", "w").write(json.dumps(notebook(10)))
papermill.execute_notebook("in.ipynb", "out.ipynb", progress_bar=False)
report(wall=time.perf_counter() - began)
"""
)

_START = """
import asyncio, os
from pathlib import Path
from mlstack_nb.kernels.kernel_specs import found
from mlstack_nb.kernels.private_kernel import PrivateKernel

async def start():
    began = time.perf_counter()
    kernel = PrivateKernel("python3", found("python3"))
    await kernel.launch(cwd=Path.cwd(), env=os.environ)
    client = await kernel.connect()
    took = time.perf_counter() - began
    client.stop_channels()
    await kernel.end(is_graceful=True)
    return took

async def starts():
    await start()
    return sorted([await start() for _ in range(9)])[4]

report(median=asyncio.run(starts()))
"""


def lines() -> Iterator[Line]:
    ours, floor = script(_OURS), script(_FLOOR)
    for name, kind in (("wall", "wall"), ("CPU", "process")):
        yield Line(
            f"10 notebooks, a fresh kernel each, {name}", ours[kind], "s", 1.8, floor=floor[kind], limit_is_ratio=True
        )
    yield Line("a warm kernel, to its first reply, wall", script(_START)["median"] * 1e3, "ms", 150)
