"""`%pipeline debug`: the notebook of a step that ran in a live kernel, executed elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

BODY = "mlstack-body"


@pytest.fixture(scope="module", autouse=True)
def steps(kernel: Any) -> None:
    for cell in (
        "import math\nfrom pathlib import Path",
        "import numpy as np",
        "FACTOR = 3\nwhere = Path('data') / 'x'",
        "rows = np.arange(4)",
        "def scaled(x):\n    return math.floor(x * FACTOR)",
        "%%step load -> raw, kind\nraw, kind = {'n': 5}, frozenset('ab')",
        "print('exploring')\nunused = object()",
    ):
        assert kernel.run(cell).status == "ok"


FAILING = (
    "%%step fit -> model --env MODE=fast\n"
    "import os\n"
    "seen = scaled(raw['n']), sorted(kind), int(rows.sum()), str(where), os.environ['MODE']\n"
    "raise ValueError(f'can not fit {seen}')\n"
    "model = 1"
)
SAID = "can not fit (15, ['a', 'b'], 6, 'data/x', 'fast')"


def debugged(kernel: Any, step: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    reply = kernel.run(f"%pipeline debug {step}")
    assert reply.status == "ok", reply
    monkeypatch.chdir(kernel.folder)
    return nbformat.read(kernel.folder / f"debug-{step}.ipynb", as_version=4)


def executed(notebook: Any) -> NotebookClient:
    nbformat.validate(notebook)
    client = NotebookClient(notebook, timeout=60)
    client.execute()
    return client


def text_of(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def test_a_failed_step_fails_in_the_same_way_with_the_same_inputs(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SAID in kernel.run(FAILING).error["evalue"]
    notebook = debugged(kernel, "fit", monkeypatch)
    assert "exploring" not in text_of(notebook)
    assert notebook.cells[-1].metadata.tags == [BODY]
    assert SAID in notebook.cells[-2].source
    assert "Not as it was" not in text_of(notebook)
    with pytest.raises(CellExecutionError, match="ValueError") as raised:
        executed(notebook)
    assert raised.value.evalue == SAID
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"][-1] is not None


def test_what_the_step_was_given_is_kept_though_the_kernel_has_moved_on(
    kernel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SAID in kernel.run(FAILING).error["evalue"]
    for cell in ("rows = np.zeros(2)", "FACTOR = 100", "%%step load -> raw, kind\nraw, kind = {'n': 6}, frozenset()"):
        assert kernel.run(cell).status == "ok"
    with pytest.raises(CellExecutionError) as raised:
        executed(debugged(kernel, "fit", monkeypatch))
    assert raised.value.evalue == SAID
    for cell in (
        "rows = np.arange(4)",
        "FACTOR = 3",
        "%%step load -> raw, kind\nraw, kind = {'n': 5}, frozenset('ab')",
    ):
        assert kernel.run(cell).status == "ok"


def test_the_command_line_writes_the_same_notebook(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SAID in kernel.run(FAILING).error["evalue"]
    notebook = debugged(kernel, "fit", monkeypatch)
    words = [sys.executable, "-m", "mlstack_nb.cli", "debug", "last", "fit", "-o", "by-command.ipynb"]
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "HOME": str(kernel.folder)})
    assert nbformat.read("by-command.ipynb", as_version=4) == notebook


def test_a_step_that_failed_in_a_whole_run_is_debugged(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.run("LIMIT = 0")
    assert kernel.run("%%step check -> checked\nchecked = raw['n']\nif LIMIT: raise KeyError(checked)").status == "ok"
    kernel.run("LIMIT = 1")
    assert kernel.run("%pipeline run --only check").error["ename"] == "KeyError"
    with pytest.raises(CellExecutionError) as raised:
        executed(debugged(kernel, "check", monkeypatch))
    assert (raised.value.ename, raised.value.evalue) == ("KeyError", "5")
    kernel.run("%pipeline forget check")


def test_a_step_that_ended_well_is_debugged_with_what_it_showed(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel.run("%%step total -> sum\nsum = raw['n'] + 1\nprint('sum is', sum)").status == "ok"
    notebook = debugged(kernel, "total", monkeypatch)
    client = executed(notebook)
    assert [output.text for output in client.nb.cells[-1].outputs] == ["sum is 6\n"]


def test_the_command_line_tells_who_can_debug_a_step_that_ended_well(kernel: Any) -> None:
    assert kernel.run("%%step easy -> done\ndone = True").status == "ok"
    words = [sys.executable, "-m", "mlstack_nb.cli", "debug", "last", "easy"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=kernel.folder)
    assert "%pipeline debug easy" in done.stderr


def test_what_has_changed_since_a_step_ended_well_is_said(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel.run("levels = np.ones(3)").status == "ok"
    assert kernel.run("%%step level -> top\ntop = scaled(levels.max())").status == "ok"
    kernel.run("def scaled(x):\n    return x * FACTOR")
    assert kernel.run("%%step level -> top --no-cache\ntop = scaled(levels.max())").status == "ok"
    kernel.run("def scaled(x):\n    return math.floor(x * FACTOR)")
    notebook = debugged(kernel, "level", monkeypatch)
    assert "the code: edited since the step ran (function scaled" in text_of(notebook)


def test_a_step_that_has_not_run_is_said(kernel: Any) -> None:
    error = kernel.run("%pipeline debug nothing").error
    assert error["ename"] == "NotFoundError"
    assert "has not run" in error["evalue"]


def test_the_notebook_of_a_failed_step_holds_its_error(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SAID in kernel.run(FAILING).error["evalue"]
    monkeypatch.chdir(kernel.folder)
    words = [sys.executable, "-m", "mlstack_nb.cli", "runs", "notebook", "last", "fit", "-o", "-"]
    done = subprocess.run(words, check=True, capture_output=True, env={**os.environ, "HOME": str(kernel.folder)})
    body = next(cell for cell in json.loads(done.stdout)["cells"] if BODY in cell["metadata"].get("tags", ()))
    assert [(output["output_type"], output["evalue"]) for output in body["outputs"]] == [("error", SAID)]
    assert Path("debug-fit.ipynb").exists()
