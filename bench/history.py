"""Asking a workspace with a long history: 10,000 recorded runs of 5 steps, half of them cached ones."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Line, environment, script

RUNS = 10_000
STEPS = ("load", "clean", "split", "train", "judge")
_BATCH = 1_000

_ASKED = """
from mlstack_nb import Client

def wall(code, times=50):
    found = []
    for _ in range(times):
        began = time.perf_counter(); code(); found.append(time.perf_counter() - began)
    return sorted(found)[len(found) // 2]

Client().get_pipeline("nightly").last_run
report(last_run=wall(lambda: Client().get_pipeline("nightly").last_run))
report(last_good=wall(lambda: Client().get_pipeline("nightly").last_successful_run))
report(output=wall(lambda: Client().get_pipeline("nightly").last_run.steps["train"].outputs["y"].load()))
report(listing=wall(lambda: Client().list_pipeline_runs(pipeline="nightly", status="failed"), 10))
"""


def fill(folder: Path, runs: int = RUNS) -> None:
    """Make the workspace of `folder` one in which two pipelines have run so often, as the recorder would have."""
    from mlstack_nb.catalog import tables
    from mlstack_nb.catalog.database import Catalog

    (folder / ".mlstack").mkdir(exist_ok=True)
    catalog = Catalog.open(folder / ".mlstack" / "catalog.db")
    for first in range(0, runs, _BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {
            tables.runs: [],
            tables.step_runs: [],
            tables.step_inputs: [],
            tables.artifacts: [],
        }
        for number in range(first, min(first + _BATCH, runs)):
            _add_run(rows, number, begun=1_700_000_000.0 + 3600 * number)
        with catalog.write() as connection:
            for table, values in rows.items():
                if values:
                    connection.execute(table.insert(), values)
    catalog.close()


def _add_run(rows: dict[Any, list[dict[str, Any]]], number: int, *, begun: float) -> None:
    from mlstack_nb.catalog import tables

    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(begun))
    run_id = f"{stamp}-{number:06x}"
    pipeline = "nightly" if number % 2 else "hourly"
    state = "failed" if number % 50 == 7 else "cached" if number % 4 > 1 else "completed"
    origin = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(begun - 7200))}-{number - 2:06x}"
    rows[tables.runs].append(
        {
            "id": run_id,
            "pipeline": pipeline,
            "stack": "default",
            "state": state,
            "mode": "pipeline",
            "started_at": begun,
            "ended_at": begun + 90,
            "parameters": '{"depth": 3}',
            "owner_host": "elsewhere",
            "owner_pid": 1,
            "owner_ticks": 1,
        }
    )
    for position, step in enumerate(STEPS):
        repeats = f"{origin}.{position}" if state == "cached" else None
        own = {"run_id": run_id, "number": number, "position": position, "step": step, "at": begun + position}
        _add_step(rows, own, state=state, repeats=repeats)


def _add_step(rows: dict[Any, list[dict[str, Any]]], own: dict[str, Any], *, state: str, repeats: str | None) -> None:
    from mlstack_nb.catalog import tables

    step, position = own["step"], own["position"]
    step_run_id = f"{own['run_id']}.{position}"
    key = f"{own['number'] - 2 if repeats else own['number']:032x}{position:032x}"
    rows[tables.step_runs].append(
        {
            "id": step_run_id,
            "run_id": own["run_id"],
            "position": position,
            "step": step,
            "state": state,
            "key": key,
            "origin": repeats,
            "started_at": own["at"],
            "ended_at": own["at"] + 1,
            "attempt": 1,
            "saved_s": 1.0 if repeats else 0.0,
            "fingerprint": "{}" if repeats else f'{{"body": "{"b" * 64}", "function {step}": "{"f" * 64}"}}',
            "parameters": "{}" if repeats else '{"depth": 3}',
        }
    )
    if not repeats:
        _add_artifacts(rows, own, step_run_id)


def _add_artifacts(rows: dict[Any, list[dict[str, Any]]], own: dict[str, Any], step_run_id: str) -> None:
    """What a step run read, of the step before it, and what it made."""
    from mlstack_nb.catalog import tables

    step, position = own["step"], own["position"]
    digest = f"{own['number']:062x}{position:02x}"
    if position:
        before = {
            "from_step": STEPS[position - 1],
            "from_output": "y",
            "digest": f"{own['number']:062x}{position - 1:02x}",
        }
        rows[tables.step_inputs].append({"step_run_id": step_run_id, "name": "x", **before})
    rows[tables.artifacts].append(
        {
            "name": f"{'nightly' if own['number'] % 2 else 'hourly'}::{step}::y",
            "version": own["number"] + 1,
            "step_run_id": step_run_id,
            "output": "y",
            "created_at": own["at"] + 1,
            "type": "builtins.int",
            "materializer": "mlstack_nb.materializers.builtin_values:BuiltinMaterializer",
            "digest": digest,
            "inline": str(own["number"]),
            "size_bytes": 1,
            "kind": "DataArtifact",
            "metadata": "{}",
            "origin": "step",
        }
    )


def lines() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fill(folder)
        asked = script(_ASKED, folder=folder, runs=1)
        walls = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "mlstack_nb.cli", "runs", "list"],
                cwd=folder,
                env=environment(),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            walls.append(time.perf_counter() - began)
    yield Line("10,000 runs: get_pipeline(p).last_run", asked["last_run"] * 1e3, "ms", 5)
    yield Line("10,000 runs: last_successful_run", asked["last_good"] * 1e3, "ms", 5)
    yield Line("10,000 runs: an output of the last run", asked["output"] * 1e3, "ms", 20)
    yield Line("10,000 runs: list_pipeline_runs, failed ones", asked["listing"] * 1e3, "ms", 60)
    yield Line("10,000 runs: mlstack runs list, wall", min(walls) * 1e3, "ms", 250)
