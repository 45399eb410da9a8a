"""The panel as a widget, in JupyterLab without our extension and in Notebook 7: live, and what it leaves behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.notebook.widget.browser_part import BUILT
from mlstack_nb.notebook.widget.shown import Shown

RUN_MS = 60_000
SCREENSHOTS = os.environ.get("MLSTACK_SCREENSHOTS")  # asked for here, for no test sees it
CELLS = [
    "%load_ext mlstack_nb\n%pipeline name {name}",
    {"text": "rows = 3", "tags": ["parameters"]},
    "%pipeline panel",
    "%%step load -> numbers\nnumbers = [len('{name}'), *range(rows)]",
    "%%step total -> summary\nsummary = {'total': sum(numbers), 'of': '{name}'}",
    "%%step report\nprint(summary)",
]


@pytest.fixture(scope="module")
def plain(lab: Any) -> Any:
    """JupyterLab without our extension."""
    place = Path(lab.env["JUPYTER_CONFIG_DIR"], "labconfig", "page_config.json")
    place.parent.mkdir(parents=True, exist_ok=True)
    settings = json.loads(place.read_text()) if place.is_file() else {}
    settings.setdefault("disabledExtensions", {})["mlstack-nb"] = True
    place.write_text(json.dumps(settings))
    return lab


def write(lab: Any, name: str, cells: list[Any] = CELLS) -> str:
    """Returns the name of the file."""
    file = f"{name}.ipynb"
    lab.write(file, [cell.replace("{name}", name) if isinstance(cell, str) else cell for cell in cells])
    return file


def run_cell(tab: Any, index: int) -> None:
    tab.activate(index)
    tab.command("notebook:run-cell")


def panel_of(tab: Any, index: int = 2) -> Any:
    return tab.cell(index).locator(".mlstack-widget")


def node(panel: Any, name: str) -> Any:
    return panel.locator(f".mlstack-node[data-name={name}]")


def opened(plain: Any, tab: Any, name: str) -> Any:
    """The panel of a new notebook, live."""
    tab.open(write(plain, name))
    run_cell(tab, 0)
    run_cell(tab, 2)
    panel = panel_of(tab)
    expect(node(panel, "report")).to_be_visible()
    return panel


def shown_dark(tab: Any, shot: str) -> None:
    tab.command("apputils:change-theme", theme="JupyterLab Dark")
    expect(tab.page.locator("body[data-jp-theme-light=false]")).to_have_count(1)
    expect(tab.page.locator("#jupyterlab-splash")).to_have_count(0)
    tab.shot(shot)
    tab.command("apputils:change-theme", theme="JupyterLab Light")


def test_the_panel_shows_the_notebook_and_follows_the_cells(plain: Any, tab: Any) -> None:
    panel = opened(plain, tab, "followed")
    assert tab.page.evaluate("() => !jupyterapp.hasPlugin('mlstack-nb:panel')")
    for name in ("load", "total", "report"):
        expect(node(panel, name)).to_have_attribute("data-state", "pending")
    for index in (1, 3, 4, 5):
        run_cell(tab, index)
    for name in ("load", "total", "report"):
        expect(node(panel, name)).to_have_attribute("data-state", "completed")
    tab.activate(2)
    node(panel, "total").click()
    expect(panel.locator(".mlstack-widget-step")).to_contain_text("summary dict")
    tab.shot("widget-light")
    shown_dark(tab, "widget-dark")
    assert tab.complaints == []


def test_a_switch_elsewhere_shows_while_the_kernel_is_busy_and_one_here_waits_for_it(plain: Any, tab: Any) -> None:
    plain.mlstack("stack", "copy", "default", "team")
    file = write(
        plain, "switched", [*CELLS, "import time\nwhile not __import__('os').path.exists('go'): time.sleep(.05)"]
    )
    tab.open(file)
    for index in (0, 2):
        run_cell(tab, index)
    panel = panel_of(tab)
    picker = panel.get_by_label("Stack")
    expect(picker).to_have_value("default")
    picker.select_option("team")
    expect(panel.locator("h4")).to_have_text("Stack team")
    assert "team" in plain.mlstack("stack", "get")
    tab.activate(6)
    tab.page.evaluate("() => { void jupyterapp.commands.execute('notebook:run-cell') }")
    plain.mlstack("stack", "set", "default")
    expect(panel.locator("h4")).to_have_text("Stack default", timeout=1000)
    picker.select_option("team")
    expect(panel.locator(".mlstack-widget-waits")).to_contain_text("Still on stack default: the kernel switches")
    expect(panel.locator("h4")).to_have_text("Stack default")
    tab.shot("widget-waiting")
    (plain.root / "go").touch()
    expect(panel.locator("h4")).to_have_text("Stack team")
    expect(panel.locator(".mlstack-widget-waits")).to_be_empty()
    plain.mlstack("stack", "set", "default")
    assert tab.complaints == []


def test_a_run_is_begun_watched_and_cancelled(plain: Any, tab: Any) -> None:
    cells = [*CELLS[:5], "%%step report\nimport time\nprint(summary)\ntime.sleep(60)"]
    tab.open(write(plain, "begun", cells))
    for index in (0, 2):
        run_cell(tab, index)
    panel = panel_of(tab)
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(node(panel, "report")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    expect(node(panel, "total")).to_have_attribute("data-state", "completed")
    expect(panel.get_by_role("progressbar")).to_have_attribute("value", "2")
    tab.shot("widget-running")
    panel.get_by_role("button", name="Cancel").click()
    expect(node(panel, "report")).to_have_attribute("data-state", "cancelled", timeout=RUN_MS)
    expect(panel.get_by_role("button", name="Run", exact=True)).to_be_visible()
    assert tab.complaints == []


def test_what_is_refused_says_why(plain: Any, tab: Any) -> None:
    cells = ["import os\nos.environ['MLSTACK_STACK'] = 'default'\n%load_ext mlstack_nb", *CELLS[1:]]
    plain.mlstack("stack", "copy", "default", "other")
    tab.open(write(plain, "refused", cells))
    for index in (0, 2):
        run_cell(tab, index)
    panel = panel_of(tab)
    panel.get_by_label("Stack").select_option("other")
    expect(panel.get_by_role("alert")).to_contain_text("MLSTACK_STACK asks for default, which comes first")
    expect(panel.get_by_label("Stack")).to_have_value("default")
    tab.shot("widget-refused")
    panel.get_by_role("button", name="Dismiss").click()
    expect(panel.get_by_role("alert")).to_have_count(0)
    plain.mlstack("stack", "set", "default")


def test_a_run_that_can_not_begin_says_why(plain: Any, tab: Any) -> None:
    panel = opened(plain, tab, "broken")
    file = plain.root / "broken.ipynb"
    file.write_text(file.read_text().replace("sum(numbers)", "sum(numbers"))
    expect(panel.get_by_role("alert")).to_contain_text("total")
    expect(panel.get_by_role("button", name="Run", exact=True)).to_have_attribute("aria-disabled", "true")
    tab.shot("widget-mistake")


def test_a_saved_notebook_that_is_opened_again_without_its_kernel_shows_the_picture(plain: Any, tab: Any) -> None:
    panel = opened(plain, tab, "kept")
    for index in (1, 3, 4, 5):
        run_cell(tab, index)
    expect(node(panel, "report")).to_have_attribute("data-state", "completed")
    picture = "() => jupyterapp.shell.currentWidget.content.model.toJSON().cells[2].outputs[0].data['text/html']"
    decoded = f'{picture}.match(/base64,([^"]*)/)[1]'
    tab.page.wait_for_function(f"() => !atob(({decoded.replace('() => ', '')})).includes('not run')")
    tab.save()
    tab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    tab.open("kept.ipynb", kernel=False)
    picture = tab.cell(2).locator("img")
    expect(picture).to_be_visible()
    expect(panel_of(tab)).to_have_count(0)
    expect(tab.cell(2).locator(".jp-OutputArea-output")).not_to_contain_text("Error")
    expect(tab.cell(2).locator("table")).to_contain_text("artifact store")
    tab.shot("widget-saved")


def test_a_panel_says_when_its_kernel_is_gone(plain: Any, tab: Any) -> None:
    panel = opened(plain, tab, "restarted")
    tab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => 1)")
    expect(panel.locator(".mlstack-widget-waits")).to_contain_text("The kernel of this panel is gone")
    expect(panel.get_by_label("Stack")).to_be_disabled()
    expect(panel.get_by_role("button", name="Run", exact=True)).to_have_attribute("aria-disabled", "true")
    tab.shot("widget-gone")
    for index in (0, 2):
        run_cell(tab, index)
    expect(panel.get_by_label("Stack")).to_be_enabled()
    expect(panel).to_have_count(1)


def test_a_reload_of_the_page_brings_the_panel_back(plain: Any, tab: Any) -> None:
    opened(plain, tab, "reloaded")
    tab.save()
    tab.open("reloaded.ipynb")
    panel = panel_of(tab)
    expect(node(panel, "report")).to_be_visible()
    for index in (1, 3, 4):
        run_cell(tab, index)
    expect(node(panel, "total")).to_have_attribute("data-state", "completed")


def test_keys_typed_into_the_panel_do_nothing_to_the_notebook(plain: Any, tab: Any) -> None:
    panel = opened(plain, tab, "typed")
    field = panel.get_by_role("searchbox")
    field.click()
    tab.page.keyboard.type("ddaabx00 total")
    expect(field).to_have_value("ddaabx00 total")
    assert tab.page.evaluate("() => jupyterapp.shell.currentWidget.content.widgets.length") == len(CELLS)
    expect(tab.page.locator(".jp-Dialog")).to_have_count(0)


def test_names_of_any_kind_are_text(plain: Any, tab: Any) -> None:
    hostile = "<img src=x onerror=window.hacked=1> שלום 🚀 " + "x" * 500
    cells = [
        f"import os\nos.environ['MLSTACK_STACK'] = {hostile!r}\n%load_ext mlstack_nb",
        "import mlstack_nb\nmlstack_nb.panel()",
        f"%%step {'n' * 100} -> {'x' * 500}\n{'x' * 500} = 1",
    ]
    tab.open(write(plain, "names", cells))
    for index in (0, 1):
        run_cell(tab, index)
    panel = panel_of(tab, 1)
    expect(panel.locator(".mlstack-node")).to_have_count(1)
    expect(panel.locator("h4")).to_contain_text("<img src=x")
    expect(panel.get_by_role("alert")).to_contain_text("<img src=x")
    tab.shot("widget-names")
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert tab.page.evaluate("() => window.hacked") is None
    assert tab.complaints == []


def test_the_panel_lives_in_notebook_7(plain: Any, tab: Any) -> None:
    tab.page.goto(f"{plain.url}/notebooks/{write(plain, 'seven')}?token=tests")
    idle = tab.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    expect(idle).to_be_visible(timeout=RUN_MS)
    tab.page.get_by_role("menuitem", name="Run", exact=True).click()
    tab.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    panel = tab.page.locator(".mlstack-widget")
    expect(node(panel, "total")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    tab.shot("widget-notebook-7")


VSCODE = {
    "--vscode-editor-background": "#1f1f1f",
    "--vscode-foreground": "#cccccc",
    "--vscode-button-background": "#0078d4",
}
ELSEWHERE = """async ([code, traits, style]) => {
  for (const [name, value] of Object.entries(style)) document.documentElement.style.setProperty(name, value);
  document.body.className = style['--vscode-foreground'] ? 'vscode-dark' : '';
  document.body.style.background = style['--vscode-editor-background'] ?? '#fff';
  const { default: widget } = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  window.sent = [];
  const model = { get: name => traits[name], send: content => window.sent.push(content), on() {}, off() {} };
  window.end = [widget.initialize({ model }), widget.render({ model, el: document.body })];
}"""


def test_the_panel_needs_nothing_of_jupyterlab(browser: Any, tmp_path: Path) -> None:
    """As VS Code and Colab show it: by anywidget's interface alone, with their colours."""
    shown = Shown(Workspace(tmp_path / ".mlstack"), None).look()
    nodes = [{"name": name, "label": "", "outputs": []} for name in ("load", "train")]
    graph = {**shown["graph"], "nodes": nodes, "edges": [{"source": "load", "target": "train", "outputs": []}]}
    traits = {**shown, "graph": graph, "place": "nowhere", "health": None, "can_run": True, "problem": None}
    page = browser.new_page(viewport={"width": 900, "height": 420})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name, style in (("plain", {}), ("vscode", VSCODE)):
        page.set_content("<!doctype html><body></body>")
        page.evaluate(ELSEWHERE, [BUILT.read_text(), traits, style])
        expect(page.locator(".mlstack-node")).to_have_count(2)
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/widget-{name}.png")
        page.get_by_role("button", name="Run", exact=True).click()
        assert page.evaluate("() => window.sent") == [{"do": "run", "id": 1}]
    page.evaluate("() => window.end.forEach(end => end())")
    expect(page.locator(".mlstack-node")).to_have_count(0)
    assert complaints == []
    page.close()
