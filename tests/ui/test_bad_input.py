"""What JupyterLab's users do to a pipeline and its notebook in the middle of it, and what they call things."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

RUN_MS = 60_000
SLOW = [
    "%load_ext mlstack_nb\n%pipeline name {name}",
    "%%step load -> numbers\nnumbers = [1, 2, len('{name}')]",
    "%%step wait -> total\nimport time\ntime.sleep({seconds})\ntotal = sum(numbers), '{name}'",
]
MANY = """%%step many -> frame
import pandas as pd
print('0123456789' * 1_000_000)
frame = pd.DataFrame({label: range(100_000), 'b' * 500: 1.5})"""
LONG = "n" * 500
HOSTILE = "<img src=x onerror='window.broken=1'>\u202e🦊"


def slow(name: str, *, seconds: int) -> list[str]:
    return [cell.replace("{name}", name).replace("{seconds}", str(seconds)) for cell in SLOW]


def panel_of(tab: Any) -> Any:
    panel = tab.page.locator("#mlstack-panel")
    if not panel.is_visible():
        tab.command("mlstack:show-panel")
    expect(panel).to_be_visible()
    return panel


def node(panel: Any, name: str) -> Any:
    return panel.locator(f".mlstack-node[data-name={name}]")


def begin(tab: Any, panel: Any) -> None:
    panel.get_by_role("button", name="Run…").click()
    tab.page.get_by_role("button", name="Run", exact=True).click()
    expect(tab.page.locator(".mlstack-dialog")).to_have_count(0)


def test_two_notebooks_run_at_once_and_a_kernel_is_restarted_and_a_file_renamed_in_mid_run(lab: Any, tab: Any) -> None:
    lab.write("one.ipynb", slow("one", seconds=8))
    lab.write("two.ipynb", slow("two", seconds=8))
    tab.open("one.ipynb")
    panel = panel_of(tab)
    begin(tab, panel)
    expect(node(panel, "wait")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    tab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => 1)")
    tab.command("docmanager:open", path="two.ipynb")
    expect(node(panel, "wait")).to_have_attribute("data-state", "pending")
    begin(tab, panel)
    expect(node(panel, "wait")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    expect(tab.page.get_by_role("img", name=re.compile("runs? going on"))).to_be_visible()
    tab.shot("two-runs")
    tab.page.evaluate("() => jupyterapp.serviceManager.contents.rename('two.ipynb', 'renamed.ipynb').then(() => 1)")
    expect(tab.page.get_by_role("tab", name="renamed.ipynb")).to_be_visible()
    expect(node(panel, "wait")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    tab.command("docmanager:open", path="one.ipynb")
    expect(node(panel, "wait")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    expect(tab.page.locator(".jp-mlstack-Status-dot[data-going]")).to_have_count(0)
    assert tab.complaints == []


def test_cells_that_ran_are_not_running_after_their_kernel_was_restarted(lab: Any, tab: Any) -> None:
    lab.write("restart.ipynb", slow("restart", seconds=600))
    tab.open("restart.ipynb")
    tab.page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(tab.cell(2)).to_have_attribute("data-mlstack-state", "running", timeout=RUN_MS)
    tab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => 1)")
    expect(tab.cell(2)).not_to_have_attribute("data-mlstack-state", "running")


def test_a_read_only_notebook_is_shown_and_run_and_refuses_other_roles(lab: Any, tab: Any) -> None:
    lab.write("fixed.ipynb", slow("fixed", seconds=0))
    (lab.root / "fixed.ipynb").chmod(0o444)
    tab.open("fixed.ipynb", kernel=False)
    panel = panel_of(tab)
    expect(node(panel, "load")).to_be_visible()
    tab.cell(1).locator(".jp-mlstack-Chip").click()
    expect(tab.page.get_by_text("it is read-only")).to_be_visible()
    tab.cell(1).locator(".jp-InputPrompt").click()
    expect(tab.cell(1).get_by_label("Role of this cell in the pipeline")).to_be_disabled()
    tab.shot("read-only")
    begin(tab, panel)
    expect(node(panel, "wait")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    assert tab.complaints == []


def test_huge_outputs_and_hostile_names_are_shown_in_part_and_as_text(lab: Any, tab: Any) -> None:
    lab.write(
        "huge.ipynb",
        [
            "%load_ext mlstack_nb\n%pipeline name huge",
            {"text": f"label = {HOSTILE!r}", "tags": ["parameters"]},
            MANY,
            f"%%step {LONG} -> made\nmade = {{label: len(frame), 'x' * 500: label}}",
        ],
    )
    tab.open("huge.ipynb", kernel=False)
    panel = panel_of(tab)
    begin(tab, panel)
    expect(node(panel, "many")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    expect(node(panel, LONG)).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    node(panel, "many").locator("[data-output=frame]").click()
    expect(panel.get_by_role("columnheader").nth(1)).to_contain_text("<img src=x")
    tab.shot("hostile-frame")
    panel.get_by_role("button", name="Back").click()
    panel.locator(".mlstack-below").get_by_role("button", name="Log").click()
    expect(panel.get_by_role("log")).to_contain_text("0123456789")
    expect(panel.get_by_text("are not shown")).to_be_visible()
    node(panel, LONG).click()
    tab.shot("hostile-step")
    panel.get_by_role("tab", name="Runs").click()
    panel.locator(".mlstack-row-main").click()
    panel.get_by_text("Parameters").click()
    expect(panel.locator(".mlstack-more dd")).to_contain_text("<img src=x")
    tab.shot("hostile-run")
    assert tab.page.evaluate("() => window.broken") is None
    assert tab.page.locator("#mlstack-panel img").count() == 0
    assert tab.page.evaluate("() => document.querySelector('#mlstack-panel').scrollWidth") <= 400
    assert tab.complaints == []


def test_a_server_that_is_gone_is_told_and_forgotten_when_it_is_back(lab: Any, tab: Any) -> None:
    for name in ("gone", "other"):
        lab.write(f"{name}.ipynb", slow(name, seconds=0))
    tab.open("gone.ipynb", kernel=False)
    panel = panel_of(tab)
    expect(node(panel, "load")).to_be_visible()
    status = tab.page.locator(".jp-mlstack-Status-button")
    expect(status).to_contain_text("default")
    tab.page.route("**/mlstack-nb/**", lambda route: route.abort())
    tab.command("docmanager:open", path="other.ipynb")
    expect(status).to_contain_text("no connection")
    expect(panel.get_by_text("No connection to the Jupyter server.")).to_be_visible()
    tab.shot("no-connection")
    tab.page.unroute("**/mlstack-nb/**")
    expect(status).to_contain_text("default")
    expect(panel.get_by_text("No connection to the Jupyter server.")).to_have_count(0)
