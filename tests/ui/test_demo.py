"""The demo notebook in JupyterLab, from its first run to what it has made, on two stacks."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

RUN_MS = 180_000
STEPS = ("load", "features", "train", "evaluate", "deploy")


def node(panel: Any, name: str) -> Any:
    return panel.locator(f".mlstack-node[data-name={name}]")


def begin(tab: Any, panel: Any) -> None:
    panel.get_by_role("button", name="Run…").click()
    tab.page.get_by_role("button", name="Run", exact=True).click()
    expect(tab.page.locator(".mlstack-dialog")).to_have_count(0)


def test_the_demo_is_run_from_the_panel_and_what_it_made_is_seen(lab: Any, tab: Any) -> None:
    lab.mlstack("demo", ".", "--no-run")
    tab.open("fraud_detection.ipynb", kernel=False)
    tab.command("mlstack:show-panel")
    panel = tab.page.locator("#mlstack-panel")
    dot = tab.page.locator(".jp-mlstack-Status-dot")
    for step in STEPS:
        expect(node(panel, step)).to_have_attribute("data-state", "pending")
    tab.shot("demo-before")
    begin(tab, panel)
    expect(dot).to_have_attribute("data-going", "true", timeout=RUN_MS)
    expect(node(panel, "load")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    tab.shot("demo-running")
    tab.page.reload()  # the dot knows of a run that no event was heard of
    expect(dot).to_have_attribute("data-going", "true", timeout=RUN_MS)
    expect(panel.get_by_role("button", name="Cancel")).to_be_visible()
    for step in STEPS:
        expect(node(panel, step)).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    expect(dot).not_to_have_attribute("data-going", "true")
    tab.shot("demo-after")
    tables_and_json_are_previewed(tab, panel)
    hover_marks_edges(tab, panel)
    assert tab.complaints == []


def tables_and_json_are_previewed(tab: Any, panel: Any) -> None:
    preview(panel, "load", "table")
    expect(panel.get_by_role("region").get_by_role("columnheader", name="user_id")).to_be_visible()
    tab.shot("demo-table")
    panel.get_by_role("button", name="Back").click()
    preview(panel, "evaluate", "metrics")
    expect(panel.locator(".mlstack-preview")).to_contain_text('"roc_auc"')
    expect(panel.locator(".mlstack-readers")).to_contain_text("deploy")
    tab.shot("demo-json")


def preview(panel: Any, step: str, output: str) -> None:
    """The graph may just be fitted to another height, so that the pointer comes down beside what it was aimed at."""
    heading = panel.get_by_role("heading", name=output)
    for _ in range(5):
        node(panel, step).locator(f"[data-output={output}]").click()
        try:
            expect(heading).to_be_visible(timeout=4_000)
        except AssertionError:
            continue
        return
    expect(heading).to_be_visible()


def hover_marks_edges(tab: Any, panel: Any) -> None:
    node(panel, "train").hover()
    expect(panel.locator(".mlstack-edge.mlstack-mod-near").first).to_be_visible()
    tab.shot("demo-hover")
