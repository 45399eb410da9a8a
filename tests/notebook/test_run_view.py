"""Runs as values of cells, and a whole run while it goes on, in a real kernel."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mlstack_nb.notebook.badge import MIME

PIPELINE = """
from mlstack_nb import pipeline, step

@step
def load() -> int:
    return 1

@step
def double(n: int) -> int:
    return n * FACTOR

@pipeline
def flow():
    double(load())
"""
FAILING = """
from mlstack_nb import pipeline, step

@step
def broken() -> int:
    return 1 // ZERO

@pipeline
def fails():
    broken()
"""


@pytest.fixture(scope="module", autouse=True)
def flow(kernel: Any) -> None:
    kernel.run("FACTOR = 2\nZERO = 0")
    assert kernel.run(PIPELINE).status == "ok"
    assert kernel.run(FAILING).status == "ok"


def tables(reply: Any) -> list[str]:
    return [m["data"]["text/plain"] for m in reply.messages if m["kind"] in ("display_data", "update_display_data")]


def test_a_run_as_the_value_of_a_cell_is_a_table_of_its_steps(kernel: Any) -> None:
    shown = kernel.run("flow()").result
    lines = shown["text/plain"].splitlines()
    assert lines[0].startswith("pipeline flow, run ")
    assert [line.split()[:2] for line in lines[2:]] == [["load", "✓"], ["double", "✓"]]
    assert shown["text/html"].startswith("<table")


def test_a_step_run_as_the_value_of_a_cell_is_a_badge(kernel: Any) -> None:
    assert kernel.run("flow().steps[0]").result[MIME]["step"] == "load"


def test_runs_in_a_list_are_short(kernel: Any) -> None:
    assert kernel.run("[flow().steps[0]]").result["text/plain"] == "[<step run load: cached>]"
    assert kernel.run("print(repr(flow()))").printed.endswith(" of pipeline flow on stack default: cached, 2 steps>\n")


def test_a_constant_changed_in_another_cell_reruns_only_the_step_that_reads_it(kernel: Any) -> None:
    kernel.run("flow()")
    kernel.run("FACTOR = 3")
    lines = kernel.run("flow()").result["text/plain"].splitlines()
    assert [line.split()[1] for line in lines[2:]] == ["↺", "✓"]


def test_a_failed_pipeline_shows_the_steps_own_lines_and_none_of_ours(kernel: Any) -> None:
    reply = kernel.run("fails()")
    assert reply.error["ename"] == "StepError"
    assert "return 1 // ZERO" in reply.traceback
    assert "mlstack runs show" in reply.traceback
    assert "mlstack_nb" not in reply.traceback


def test_the_table_of_a_whole_run_stands_first_and_tells_which_step_is_at_work(kernel: Any) -> None:
    kernel.run("WORD = 'a'")
    kernel.run("%%step works -> worked\nprint(WORD)\nworked = WORD")
    kernel.run("WORD = 'b'")
    reply = kernel.run("%pipeline run")
    first, *updates = tables(reply)
    assert reply.messages[0]["data"]["text/plain"] == first
    assert "○ pending" in first
    assert "▶ running" in updates[0]
    assert "✓ completed" in updates[-1]


def test_the_table_of_a_whole_run_keeps_the_time_while_a_step_works(kernel: Any) -> None:
    kernel.run("import pathlib, time\nWAIT = 1.3")
    kernel.run(
        "%%step slow -> slept\ntime.sleep(WAIT)\nwhile pathlib.Path('hold').exists():\n    time.sleep(0.02)\nslept = 1"
    )
    kernel.run("WAIT = 1.2\npathlib.Path('hold').touch()")
    seen = ""
    request = kernel.start("%pipeline run")
    for message in kernel.messages(request):
        seen = message.get("data", {}).get("text/plain", "")
        if "usually 1 s" in seen:
            break
    (kernel.folder / "hold").unlink()
    assert kernel.finish(request).status == "ok"
    first, *rows = seen.splitlines()
    assert re.search(r": running, \d/\d steps$", first)
    assert re.search(r"^slow +▶ running +\d s, usually 1 s", "\n".join(rows), re.MULTILINE)
    kernel.run("%pipeline forget slow")


def test_a_whole_run_that_is_interrupted_does_not_stay_running(kernel: Any) -> None:
    kernel.run("NAP = 0.0")
    kernel.run("%%step naps -> napped\nimport time\nprint('nap')\ntime.sleep(NAP)\nnapped = 1")
    kernel.run("NAP = 60")
    request = kernel.start("%pipeline run")
    seen = []
    for message in kernel.messages(request):
        seen.append(message)
        if message["kind"] == "stream" and "nap" in message["text"]:
            break
    kernel.interrupt()
    last = tables(kernel.finish(request))[-1]
    assert ": cancelled" in last
    assert "⊘ cancelled" in last
    kernel.run("NAP = 0.01")


def test_a_deleted_step_that_another_needs_is_named_without_a_dump(kernel: Any) -> None:
    kernel.run("%%step above -> upper\nupper = 1")
    kernel.run("%%step below -> lower\nlower = upper")
    kernel.run("%pipeline forget above")
    reply = kernel.run("%pipeline")
    assert reply.result is None
    assert "'below'" in reply.error["evalue"]
    again = kernel.run("%%step below -> lower\nlower = upper + 1")
    assert "no executed cell of this notebook defines" in again.error["evalue"]
    assert "Did you mean 'upper'" not in again.error["evalue"]
    kernel.run("%pipeline forget below")
