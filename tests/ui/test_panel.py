"""The side panel in JupyterLab: the pipeline can be seen, run, looked into and scheduled."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from playwright.sync_api import expect

RUN_MS = 60_000
TOKEN = "tests"
NOTEBOOKS_OWN = ("schema", "filebrowser:open-path")  # what its console says without this extension, too
GOOD = [
    "%load_ext mlstack_nb\n%pipeline name {name}",
    {"text": "rows = 3", "tags": ["parameters"]},
    "%%step load -> numbers\nprint('loading')\nnumbers = list(range(rows))",
    "%%step total -> summary\nsummary = {'total': sum(numbers), 'rows': rows}",
    "%%step report\nprint(summary)",
]


def good(name: str) -> list[Any]:
    return [cell.replace("{name}", name) if isinstance(cell, str) else cell for cell in GOOD]


def opened(tab: Any, notebook: str) -> Any:
    """The panel beside the notebook."""
    tab.open(notebook, kernel=False)
    tab.command("mlstack:show-panel")
    panel = tab.page.locator("#mlstack-panel")
    expect(panel).to_be_visible()
    return panel


def node(panel: Any, name: str) -> Any:
    return panel.locator(f".mlstack-node[data-name={name}]")


def run(tab: Any, panel: Any, **parameters: str) -> None:
    panel.get_by_role("button", name="Run…").click()
    form = tab.page.locator(".mlstack-dialog")
    for name, text in parameters.items():
        form.get_by_label(name).fill(text)
    tab.page.get_by_role("button", name="Run", exact=True).click()
    expect(form).to_have_count(0)


def test_a_run_is_watched_until_it_is_completed_and_its_results_are_seen(lab: Any, tab: Any) -> None:
    lab.write("watched.ipynb", good("watched"))
    panel = opened(tab, "watched.ipynb")
    for name in ("load", "total", "report"):
        expect(node(panel, name)).to_have_attribute("data-state", "pending")
    run(tab, panel, rows="5")
    expect(panel.get_by_role("button", name="Cancel")).to_be_visible()
    for name in ("load", "total", "report"):
        expect(node(panel, name)).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    expect(panel.get_by_role("button", name="Run…")).to_be_visible()
    node(panel, "total").locator("[data-output=summary]").click()
    expect(panel.locator(".mlstack-preview")).to_contain_text('"total": 10')
    tab.shot("panel-artifact")
    panel.get_by_role("tab", name="Runs").click()
    expect(panel.locator(".mlstack-row-main")).to_contain_text("3 completed")
    tab.command("apputils:change-theme", theme="JupyterLab Dark")
    panel.get_by_role("tab", name="Pipeline").click()
    expect(tab.page.locator("body[data-jp-theme-light=false]")).to_have_count(1)
    expect(node(panel, "load")).to_be_visible()
    tab.shot("panel-dark")
    tab.command("apputils:change-theme", theme="JupyterLab Light")
    assert tab.complaints == []


def test_a_failure_is_shown_and_the_run_is_resumed(lab: Any, tab: Any) -> None:
    cells = good("failing")
    cells[3] = "%%step total -> summary\nprint('adding')\nsummary = numbers[10]"
    lab.write("failing.ipynb", cells)
    panel = opened(tab, "failing.ipynb")
    resume = panel.get_by_role("button", name="Resume")
    expect(resume).to_have_attribute("aria-disabled", "true")
    run(tab, panel)
    expect(node(panel, "total")).to_have_attribute("data-state", "failed", timeout=RUN_MS)
    expect(node(panel, "report")).to_have_attribute("data-state", "skipped")
    node(panel, "total").click()
    expect(panel.locator(".mlstack-problem")).to_contain_text("IndexError")
    tab.shot("panel-failure")
    panel.locator(".mlstack-below").get_by_role("button", name="Log").click()
    expect(panel.get_by_role("log")).to_contain_text("adding")
    expect(resume).not_to_have_attribute("aria-disabled", "true")
    resume.click()
    panel.get_by_role("tab", name="Runs").click()
    expect(panel.locator(".mlstack-row-main")).to_have_count(2, timeout=RUN_MS)
    expect(panel.locator(".mlstack-row-main").first).to_contain_text("1 cached, 1 failed", timeout=RUN_MS)
    for mark in panel.get_by_role("checkbox").all():
        mark.check()
    panel.get_by_role("button", name="Compare").click()
    expect(panel.locator(".mlstack-differences")).to_be_visible()
    panel.get_by_role("button", name="Debug").click()
    expect(tab.page.get_by_role("tab", name=re.compile("debug-total"))).to_be_visible()


def test_a_mistake_in_a_parameter_keeps_the_form_and_what_was_typed(lab: Any, tab: Any) -> None:
    lab.write("typed.ipynb", good("typed"))
    panel = opened(tab, "typed.ipynb")
    expect(node(panel, "load")).to_be_visible()
    panel.get_by_role("button", name="Run…").click()
    form = tab.page.locator(".mlstack-dialog")
    form.get_by_label("rows").fill("many")
    tab.page.get_by_role("button", name="Run", exact=True).click()
    expect(form.get_by_role("alert").first).to_contain_text("whole number")
    expect(form.get_by_label("rows")).to_have_value("many")
    tab.shot("panel-run-form")
    tab.page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_the_graph_is_walked_through_by_keys_and_leads_to_cells(lab: Any, tab: Any) -> None:
    lab.write("walked.ipynb", good("walked"))
    panel = opened(tab, "walked.ipynb")
    expect(node(panel, "load")).to_be_visible()
    panel.locator(".mlstack-graph-canvas").focus()
    for key in ("Enter", "ArrowDown", "Enter"):
        tab.page.keyboard.press(key)
    expect(node(panel, "total")).to_be_focused()
    expect(panel.get_by_role("heading", name="total")).to_be_visible()
    assert tab.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex") == 3
    from_here = panel.get_by_role("button", name="From here")
    from_here.click()
    expect(tab.page.locator(".mlstack-dialog").get_by_label("Step", exact=True)).to_have_value("total")
    tab.page.keyboard.press("Escape")


def test_a_notebook_that_is_no_pipeline_says_why(lab: Any, tab: Any) -> None:
    lab.write("twice.ipynb", ["%load_ext mlstack_nb", "%%step a -> x\nx = 1", "%%step b -> y\ny = x +"])
    panel = opened(tab, "twice.ipynb")
    expect(panel.get_by_role("alert")).not_to_be_empty()
    expect(panel.locator(".mlstack-node")).to_have_count(0)
    expect(panel.get_by_role("button", name="Run…")).to_have_attribute("aria-disabled", "true")


def test_a_schedule_tells_its_next_times_and_is_added_paused_and_removed(lab: Any, tab: Any) -> None:
    lab.write("nightly.ipynb", good("nightly"))
    panel = opened(tab, "nightly.ipynb")
    expect(node(panel, "load")).to_be_visible()
    panel.get_by_role("tab", name="Schedules").click()
    panel.get_by_role("button", name="New schedule…").click()
    form = tab.page.locator(".mlstack-dialog")
    form.get_by_label("Cron (required)").fill("61 * * * *")
    expect(form.locator("output .mlstack-mistake")).not_to_be_empty()
    form.get_by_label("Cron (required)").fill("30 6 * * 1-5")
    expect(form.locator("output li")).to_have_count(5)
    expect(form.locator("output li").first).to_contain_text("06:30")
    tab.shot("panel-schedule-form")
    tab.page.get_by_role("button", name="Schedule", exact=True).click()
    row = panel.locator(".mlstack-row", has_text="nightly")
    expect(row).to_contain_text("next")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Remove").click()
    tab.page.locator(".jp-Dialog").get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_a_component_is_made_with_its_secrets_masked(lab: Any, tab: Any) -> None:
    lab.write("component.ipynb", good("component"))
    panel = opened(tab, "component.ipynb")
    panel.get_by_role("tab", name="Stack", exact=True).click()
    expect(panel.locator(".mlstack-components tr", has_text="artifact store")).to_contain_text("works")
    panel.get_by_role("button", name="New component…").click()
    form = tab.page.locator(".mlstack-dialog")
    form.get_by_label("Kind").select_option("experiment_tracker")
    form.get_by_label("Name (required)").fill("tracker_of_tests")
    expect(form.get_by_label("Tracking password")).to_have_attribute("type", "password")
    tab.page.get_by_role("button", name="Make", exact=True).click()
    expect(form).to_have_count(0)
    assert "tracker_of_tests" in lab.mlstack("component", "list")


def test_a_notebook_is_run_and_exported_from_the_file_browser(lab: Any, tab: Any) -> None:
    cells = good("browsed")
    cells[4] = (
        "%%step draw -> figure\nfrom matplotlib.figure import Figure\nfigure = Figure()\nfigure.gca().plot(numbers)"
    )
    lab.write("browsed.ipynb", cells)
    tab.open("browsed.ipynb", kernel=False)
    item = tab.page.locator(".jp-DirListing-item", has_text="browsed.ipynb")
    item.click(button="right")
    tab.shot("file-menu")
    tab.page.get_by_role("menuitem", name="Export Pipeline as Python Module").click()
    expect(tab.page.get_by_text("Written: browsed_pipeline.py")).to_be_visible()
    assert "def draw" in (lab.root / "browsed_pipeline.py").read_text()
    item.click(button="right")
    tab.page.get_by_role("menuitem", name="Run on Stack…").click()
    tab.page.get_by_role("button", name="Run", exact=True).click()
    tab.command("mlstack:show-panel")
    panel = tab.page.locator("#mlstack-panel")
    expect(node(panel, "draw")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    node(panel, "draw").locator("[data-output=figure]").click()
    expect(panel.get_by_role("img", name="Figure with 1 axes")).to_be_visible()
    tab.shot("panel-figure")
    assert tab.complaints == []


def test_a_pipeline_begins_in_the_launcher(lab: Any, tab: Any) -> None:
    lab.write("any.ipynb", ["1"])
    tab.open("any.ipynb", kernel=False)
    tab.command("launcher:create")
    tab.page.locator(".jp-LauncherCard", has_text="Pipeline Notebook").click()
    tab.page.wait_for_function("() => /^Untitled.*ipynb$/.test(jupyterapp.shell.currentWidget?.title.label ?? '')")
    tab.command("mlstack:show-panel")
    expect(node(tab.page.locator("#mlstack-panel"), "summarize")).to_be_visible()


def test_notebook_7_marks_cells_and_has_the_panel_at_hand(lab: Any, tab: Any) -> None:
    lab.write("seven.ipynb", good("seven"))
    tab.page.goto(f"{lab.url}/notebooks/seven.ipynb?token={TOKEN}")
    expect(tab.page.locator(".jp-mlstack-Chip", has_text="load")).to_be_visible(timeout=RUN_MS)
    tab.page.locator("[data-jp-item-name=mlstack-panel]").click()
    panel = tab.page.locator("#mlstack-panel")
    expect(node(panel, "report")).to_be_visible()
    expect(panel.get_by_role("combobox", name="Stack")).to_have_value("default")
    run(tab, panel, rows="4")
    expect(node(panel, "report")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    tab.shot("notebook-7")
    assert [said for said in tab.complaints if not any(own in said for own in NOTEBOOKS_OWN)] == []


def test_a_run_is_cancelled(lab: Any, tab: Any) -> None:
    cells = good("stopped")
    cells[3] = "%%step total -> summary\nimport time\ntime.sleep(600)\nsummary = len(numbers)"
    lab.write("stopped.ipynb", cells)
    panel = opened(tab, "stopped.ipynb")
    run(tab, panel)
    expect(node(panel, "total")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.get_by_role("button", name="Run…")).to_be_visible(timeout=RUN_MS)
    expect(node(panel, "total")).to_have_attribute("data-state", "cancelled")


def test_a_hostile_name_is_shown_as_text(lab: Any, tab: Any) -> None:
    name = "<img src=x onerror='window.broken=1'>\u202e🦊.ipynb"
    lab.write(name, ["%load_ext mlstack_nb", "%%step load -> numbers\nnumbers = [1]", "%%step report\nprint(numbers)"])
    panel = opened(tab, quote(name))
    expect(node(panel, "load")).to_be_visible()
    node(panel, "load").click()
    panel.get_by_role("button", name="Run…").click()
    expect(tab.page.locator(".mlstack-dialog")).to_be_visible()
    assert tab.page.evaluate("() => window.broken") is None
    assert tab.page.locator("#mlstack-panel img, .jp-Dialog img").count() == 0
    tab.page.keyboard.press("Escape")
