"""Steps that only wait, several at once: the time on the clock against what the waiting alone takes."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measure import Line, script

STEPS, WORKERS, NAP_S = 200, 8, 0.05

_NAPS = f"""
import time
from mlstack_nb import pipeline, step
from mlstack_nb.app import components, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind

workspace = Workspace.find()
components.register(workspace, Kind.ORCHESTRATOR, "crew", flavor="local", configuration={{"workers": {WORKERS}}})
stacks.register(workspace, "crew", {{Kind.ORCHESTRATOR: "crew", Kind.ARTIFACT_STORE: "default"}})
stacks.activate(workspace, "crew")

@step(enable_cache=False)
def nap(number: int) -> int:
    time.sleep({NAP_S})
    return number

@pipeline
def naps(count: int):
    for number in range(count):
        nap(number)

naps(1)
began = time.perf_counter()
naps({STEPS})
report(naps=time.perf_counter() - began)
"""


def lines() -> Iterator[Line]:
    name = f"{STEPS} steps of {NAP_S * 1000:.0f} ms, {WORKERS} at once, wall"
    ideal = STEPS * NAP_S / WORKERS
    yield Line(name, script(_NAPS)["naps"], "s", 1.25, floor=ideal, limit_is_ratio=True)
