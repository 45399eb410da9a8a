"""Reading code: the fingerprint of a 300-line cell that reaches 50 helpers, against Python's own parse and compile."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Line, script

_NOTEBOOK = """
from mlstack_nb.source.cell import parse
from mlstack_nb.source.fingerprint import of_cell
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope

helpers = [
    f"def helper_{k}(table, limit=10):\\n    kept = [row for row in table if row > limit]\\n"
    f"    return [helper_{k + 1}(row) for row in kept] if {k} < 49 else kept\\n"
    for k in range(50)
]
line = [
    "table = helper_{k}(table, limit={k})",
    "rows = [row for row in table if row > {k}]",
    "total = total + len(rows) * 2 if rows else 0",
    "print(f'{{total}} after {k}')",
    "if total > {k}:",
    "    found[{k}] = rows[0]",
]
body = "table, total, found = [], 0, {}\\n" + "\\n".join(line[k % 6].format(k=k // 6) for k in range(300))
scope = NotebookScope()
for number, text in enumerate(helpers):
    scope.add(parse(text, label=f"In[{number}]"))

def fingerprint():
    cell = parse(body, label="In[99]")
    return of_cell(cell, reach(cell, scope), scope)
"""

_COLD = (
    _NOTEBOOK
    + """
cell = parse(body, label="In[99]")
report(cold=cpu(lambda: of_cell(cell, reach(cell, scope), scope)))
report(unchanged=min(cpu(fingerprint) for _ in range(20)))
report(floor=cpu(lambda: compile(body, "cell", "exec")))
"""
)


def lines() -> Iterator[Line]:
    measured = script(_COLD, runs=7)
    floor = measured["floor"] * 1e3
    yield Line("fingerprint, 300 lines, 50 helpers, cold", measured["cold"] * 1e3, "ms", 5, floor=floor)
    yield Line("the same when nothing has changed", measured["unchanged"] * 1e3, "ms", 0.3, floor=floor)
