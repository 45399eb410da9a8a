"""`%pipeline run` in a real kernel, on a stack whose engine is outside: real Dask workers."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module", autouse=True)
def remote(kernel: Any, dask_engine: str) -> None:
    (kernel.folder / "lib.py").write_text("def doubled(number):\n    return 2 * number\n")
    kernel.run(
        "import subprocess, sys\n"
        "def mlstack(*words):\n"
        "    subprocess.run([sys.executable, '-m', 'mlstack_nb.cli', *words], check=True, capture_output=True)\n"
        "kind = ('component', 'register', 'orchestrator', 'cluster', '--flavor', 'dask')\n"
        f"mlstack(*kind, '--address', '{dask_engine}')\n"
        "mlstack('stack', 'register', 'remote', '--orchestrator', 'cluster', '--artifact-store', 'default')"
    )
    kernel.run("from lib import doubled\nSCALE = 3")
    kernel.run("%pipeline name scaling")
    kernel.run("%%step load -> raw\nimport os\nraw = [1, 2]\nplace = os.getcwd()\nprint('in', os.getpid())")
    kernel.run("%%step scale -> scaled\nscaled = [doubled(SCALE * x) for x in raw]")


def test_the_cells_that_were_executed_travel_and_their_results_are_bound_here(kernel: Any) -> None:
    kernel.run("%stack set remote")
    before = kernel.run("import os\nos.getpid()").result["text/plain"]
    ran = kernel.run("%pipeline run --no-cache")
    assert ran.status == "ok", ran.traceback
    assert "load | in " in ran.printed
    assert f"in {before}" not in ran.printed
    assert kernel.run("scaled").result["text/plain"] == "[6, 12]"
    assert "remote" in kernel.run("%pipeline history").result["text/plain"]
    again = kernel.run("%%step scale -> scaled\nscaled = [doubled(SCALE * x) for x in raw]")
    assert again.state == "cached"


def test_what_fails_there_is_told_here(kernel: Any) -> None:
    kernel.run("%stack set remote")
    kernel.run("%%step breaks -> nothing\nnothing = raw[0] / (SCALE - 3)")
    failed = kernel.run("%pipeline run")
    assert failed.status == "error"
    assert "ZeroDivisionError" in failed.error["evalue"]
    assert "mlstack runs logs" in failed.error["evalue"]
    kernel.run("%pipeline forget breaks")


def test_a_pipeline_function_that_no_other_process_can_find_is_refused_with_the_way_out(kernel: Any) -> None:
    kernel.run("%stack set remote")
    kernel.run("from mlstack_nb import pipeline, step\n@step\ndef one() -> int:\n    return 1")
    kernel.run("@pipeline\ndef ones():\n    one()")
    refused = kernel.run("ones()")
    assert "can not be found by another process" in refused.error["evalue"]
    assert "%pipeline run" in refused.error["evalue"]
