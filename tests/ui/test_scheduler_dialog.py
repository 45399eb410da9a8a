"""jupyter-scheduler's own dialog in JupyterLab: it offers our stacks, and a job that is made there runs on one."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

JOB_S = 60
CELLS = [
    {"text": "rows = 3", "tags": ["parameters"]},
    "%%step load -> numbers\nnumbers = list(range(rows))",
    "%%step total -> summary\nsummary = {'total': sum(numbers)}\nprint(summary)",
]


@pytest.fixture(scope="module")
def lab(scheduling_lab: Any) -> Any:
    scheduling_lab.mlstack("stack", "copy", "default", "second")
    return scheduling_lab


def ended(tab: Any, job: str, state: str) -> Any:
    """The row of the job in the list, which shows what is new when it is asked to."""
    jobs = tab.page.locator(".jp-notebook-jobs-panel")
    row = jobs.get_by_role("row").filter(has_text=job)
    expect(row).to_be_visible()
    until = time.monotonic() + JOB_S
    while row.filter(has_text=state).count() == 0:
        assert time.monotonic() < until, row.inner_text()
        jobs.get_by_role("button", name="Reload").click()
        tab.page.wait_for_timeout(200)
    return row


def test_a_job_made_in_the_dialog_runs_on_the_chosen_stack(lab: Any, tab: Any) -> None:
    lab.write("report.ipynb", CELLS)
    tab.open("report.ipynb", kernel=False)
    tab.page.get_by_title("Create a job").first.click()
    form = tab.page.locator(".jp-create-job-form")
    form.locator("#jp-create-job-environment").click()
    offered = tab.page.get_by_role("option")
    expect(offered.filter(has_text="stack: ")).to_have_text(["stack: default", "stack: second"])
    tab.shot("scheduler-environments")
    offered.filter(has_text="stack: second").click()
    form.get_by_role("button", name="Add new parameter").click()
    for field, text in (("name", "rows"), ("value", "5")):
        form.locator(f"[name='parameter-0-{field}']").press_sequentially(text)
        tab.page.keyboard.press("Tab")
    tab.shot("scheduler-dialog")
    tab.page.get_by_role("button", name="Create", exact=True).click()
    row = ended(tab, "report", "Completed")
    expect(row.get_by_role("button", name="download")).to_be_visible()
    tab.shot("scheduler-jobs")
    (run,) = json.loads(lab.mlstack("runs", "list", "--json"))
    assert (run["pipeline"], run["stack"], run["state"]) == ("report", "second", "completed")
    assert json.loads(lab.mlstack("runs", "show", run["id"], "--json"))["parameters"] == {"rows": 5}
    assert tab.complaints == []


def test_a_job_that_failed_tells_what_and_what_to_do(lab: Any, tab: Any) -> None:
    lab.write("failing.ipynb", [*CELLS[:2], "%%step total\nprint(numbers[10])"])
    wanted = {"name": "broken", "input_uri": "failing.ipynb", "runtime_environment_name": "stack: default"}
    asked = urllib.request.Request(f"{lab.url}/scheduler/jobs?token=tests", json.dumps(wanted).encode())
    urllib.request.urlopen(asked, timeout=30).close()
    tab.open("failing.ipynb", kernel=False)
    tab.command("scheduling:list-jobs-from-launcher")
    ended(tab, "broken", "Failed").get_by_text("broken").click()
    message = tab.page.get_by_role("alert").filter(has_text="IndexError")
    expect(message).to_contain_text("Step 'total' failed: IndexError in cell 3 of failing: list index out of range.")
    expect(message).to_contain_text("When it is mended, go on with: mlstack resume ")
    tab.shot("scheduler-failed")
    assert tab.complaints == []
