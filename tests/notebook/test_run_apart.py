"""`%pipeline run` with the options of `mlstack run`, in a real kernel: the saved notebook, or the executed cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

CELLS = (
    "SCALE = 3",
    "%%step load -> raw\nraw = [1, 2]\nprint('loading')",
    "%%step scale -> scaled\nscaled = [SCALE * one for one in raw]\nprint('scaled', scaled)",
)


def save(folder: Path, *cells: str) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbformat.write(made, folder / "scaling.ipynb")


@pytest.fixture(scope="module", autouse=True)
def executed(kernel: Any) -> None:
    kernel.run("import os\nos.environ['JPY_SESSION_NAME'] = 'scaling.ipynb'")
    save(kernel.folder, *CELLS)
    kernel.run("%load_ext mlstack_nb")
    kernel.run("%pipeline name scaling")
    for cell in CELLS:
        assert kernel.run(cell).status == "ok"


def test_other_parameters_run_apart_and_leave_the_kernel_as_it_is(kernel: Any) -> None:
    ran = kernel.run("%pipeline run -p SCALE=5")
    assert ran.status == "ok", ran.traceback
    assert "running the saved notebook scaling.ipynb" in ran.printed
    assert "scale | scaled [5, 10]" in ran.printed
    assert kernel.run("scaled, SCALE").result["text/plain"] == "([3, 6], 3)"


def test_cells_that_are_not_saved_as_they_were_executed_run_as_they_were(kernel: Any) -> None:
    save(kernel.folder, *CELLS[:2])
    ran = kernel.run("%pipeline run -p SCALE=7 --json")
    assert ran.status == "ok", ran.traceback
    assert "running the executed cells, since scaling.ipynb is not saved as they are" in ran.printed
    assert "scale | scaled [7, 14]" in ran.printed
    run = json.loads(ran.printed[ran.printed.index("{") :])
    assert {step["step"]: step["state"] for step in run["steps"]} == {"load": "cached", "scale": "completed"}
    for refused in ("--whole", "--detach -p SCALE=7"):
        assert "only a saved notebook runs" in kernel.run(f"%pipeline run {refused}").error["evalue"]
    save(kernel.folder, *CELLS)


def test_a_dry_run_says_what_would_run(kernel: Any) -> None:
    shown = kernel.run("%pipeline run --dry-run").result["text/plain"]
    assert shown.count("comes from the cache") == 2
    shown = kernel.run("%pipeline run --dry-run -p SCALE=9").result["text/plain"]
    assert (shown.count("comes from the cache"), "runs" in shown) == (1, True)


def test_a_run_is_left_to_a_process_of_its_own(kernel: Any) -> None:
    said = kernel.run("%pipeline run --detach -p SCALE=11").result["text/plain"]
    run_id = said.split()[1].rstrip(":")
    logs = f"import sys\n!{{sys.executable}} -m mlstack_nb.cli runs logs {run_id} scale -f"
    printed = ""
    for _ in range(50):  # each starts a process, which takes a while
        if "scaled [11, 22]" in (printed := kernel.run(logs).printed):
            break
    assert "scaled [11, 22]" in printed


def test_the_whole_notebook_and_another_stack_run_from_a_cell(kernel: Any) -> None:
    kernel.run("%stack register second --orchestrator default --artifact-store default")
    ran = kernel.run("%pipeline run --stack second")
    assert ran.status == "ok", ran.traceback
    whole = kernel.run("%pipeline run --whole --no-cache")
    assert whole.status == "ok", whole.traceback
    assert "second" in kernel.run("%pipeline history").result["text/plain"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-p SCALE", "has no value"),
        ("-p SCLAE=1", "Did you mean 'SCALE'?"),
        ("-p SCALE=[1", "SCALE"),
        ("-f nowhere.yaml", "can not be read"),
        ("--timeout soon", "is no number of seconds"),
        ("--stack nowhere", "No stack is called 'nowhere'"),
        ("--wohle", "Did you mean --whole?"),
        ("--isolation thread", "can not be isolated by 'thread'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_runs(kernel: Any, line: str, told: str) -> None:
    assert told in kernel.run(f"%pipeline run {line}").error["evalue"]
