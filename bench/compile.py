"""Compiling notebooks: 200 cells of steps, functions and computed values, `%%step` cells or tags, in a new process."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Line, script

_NOTEBOOK = """
import json
from mlstack_nb.app.notebooks.compile import compile_notebook

def cell(text, *tags):
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": text.splitlines(keepends=True)}

def step(number, body):
    if tagged:
        return cell(body, f"step:s{number}", *([f"prev:s{number - 1}"] if number else []))
    return cell(f"%%step s{number} -> rows_{number}\\n{body}")

HELPER = '''def clean_{k}(table, limit=10, scale=FACTOR):
    kept = [row for row in table if row is not None and row > limit]
    if not kept:
        return {{"rows": 0, "mean": None}}
    total = sum(kept) * scale
    return {{"rows": len(kept), "mean": total / len(kept), "best": clean_{before}(kept) if len(kept) > 3 else kept}}
'''
BODY = '''frame = pd.DataFrame({{"a": range(LIMIT_{k}), "b": np.arange(LIMIT_{k})}})
for name, column in frame.items():
    frame[name] = column.fillna(column.mean()).clip(lower=0)
found = clean_{k}(list(frame["a"]), limit=LIMIT_{k})
with open(os.devnull) as file:
    lines = [line.strip() for line in file if line]
try:
    rows_{k} = {{**found, "offset": offset_{k}, "before": {reads}}}
except (KeyError, ValueError) as error:
    print(f"{{error}} in {{found!r}}")
    rows_{k} = found
'''

def notebook():
    imports, parameters, tags = (["imports"], ["parameters"], ["functions"]) if tagged else ([], [], [])
    cells = [cell("import os\\nimport numpy as np\\nimport pandas as pd\\nFACTOR = 3", *imports)]
    for k in range(40):
        cells.append(cell(f"LIMIT_{k} = {k + 5}\\nNAMES_{k} = ['a', 'b']", *parameters))
        cells.append(cell(HELPER.format(k=k, before=max(k - 1, 0)), *tags))
        cells.append(cell(f"offset_{k} = np.full(3, LIMIT_{k}).sum()\\nshown = [offset_{k}]\\nprint(shown)", *tags))
        cells.append(step(k, BODY.format(k=k, reads=f"rows_{k - 1}" if k else None)))
        cells.append(cell("frame.describe()\\nlines.count('a')" if tagged else "check = len(NAMES_0)"))
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells[:200]}
"""

_MEASURED = (
    _NOTEBOOK
    + """
with open("notebook.ipynb", "w") as file:
    json.dump(notebook(), file, indent=1)
report(it=cpu(compile_notebook, "notebook.ipynb"))
code = ["".join(one["source"]) for one in notebook()["cells"] if not one["source"][0].startswith("%%")]
report(floor=cpu(lambda: [compile(text, "cell", "exec") for text in code]))
"""
)


def lines() -> Iterator[Line]:
    for name, tagged in (("%%step cells", False), ("tagged cells", True)):
        measured = script(f"tagged = {tagged}\n{_MEASURED}", runs=5)
        yield Line(f"compiling 200 cells, {name}", measured["it"] * 1e3, "ms", 150, floor=measured["floor"] * 1e3)
