"""`panel()` in real kernels: what it shows, what it asks of nobody, and what it leaves in notebooks."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
PATIENCE_S = 30
STEPS = ["rows = 3", "%%step load -> numbers\nnumbers = list(range(rows))", "%%step total\nprint(sum(numbers))"]


def mlstack(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "mlstack_nb.cli", *words], cwd=folder, check=True, capture_output=True)


def notebook(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


def drawing(html: str) -> str:
    """The SVG in a picture."""
    (found,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    return base64.b64decode(found).decode()


class Browser:
    """The other side of a live panel: its state as the messages tell it, and what it asks."""

    def __init__(self, kernel: Any, reply: Any) -> None:
        self._client = kernel.client
        (opened,) = [m for m in reply.messages if m["kind"] == "comm_open" and "place" in m["data"]["state"]]
        self.state, self.answers = dict(opened["data"]["state"]), []
        self.comm = opened["comm_id"]

    def ask(self, **content: Any) -> None:
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self._client.shell_channel.send(message)

    def until(self, is_so: Callable[[], Any]) -> None:
        """Read what the kernel tells until that holds."""
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < end, (
                self.answers,
                {key: self.state[key] for key in ("run", "states", "problem", "graph")},
            )
            try:
                message = self._client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == self.comm:
                if content["data"]["method"] == "update":
                    self.state.update(content["data"]["state"])
                else:
                    self.answers.append(content["data"]["content"])


@pytest.fixture
def live(kernel: Any) -> Iterator[Browser]:
    """A panel as JupyterLab shows it: it names the cell with the request."""
    kernel.run("import os; os.environ.pop('JPY_SESSION_NAME', None); os.environ.pop('MLSTACK_STACK', None)")
    reply = kernel.run("import mlstack_nb; panel = mlstack_nb.panel(); panel", cell_id="panel")
    assert reply.error == {}
    yield Browser(kernel, reply)
    assert kernel.run("panel.close()").error == {}
    mlstack(kernel.folder, "stack", "set", "default")


def test_who_only_executes_a_notebook_gets_a_picture_and_no_widget(kernel: Any) -> None:
    for cell in STEPS:
        kernel.run(cell)
    reply = kernel.run("%pipeline panel")
    assert set(reply.result or {}) == {"text/html", "text/plain"}
    assert [m for m in reply.messages if m["kind"] == "comm_open"] == []
    html = (reply.result or {})["text/html"]
    assert "load" in drawing(html) and "total" in drawing(html) and "ran in" in drawing(html)
    assert "artifact store" in html
    assert "✓ load  (ran in" in (reply.result or {})["text/plain"]


def test_the_live_panel_leaves_a_picture_that_bears_its_place(kernel: Any, live: Browser) -> None:
    shown = [m for m in kernel.run("panel", cell_id="again").messages if m["kind"] == "display_data"]
    assert [VIEW in m["data"] for m in shown] == [False]
    assert f'class="{live.state["place"]}"' in shown[0]["data"]["text/html"]
    assert "load" in drawing(shown[0]["data"]["text/html"])


def test_front_ends_that_show_widgets_elsewhere_get_the_widget_and_the_picture(kernel: Any) -> None:
    kernel.run("__vsc_ipynb_file__ = '/nowhere/a.ipynb'")
    reply = kernel.run("import mlstack_nb; mlstack_nb.panel()")
    kernel.run("del __vsc_ipynb_file__")
    (shown,) = [m for m in reply.messages if m["kind"] == "display_data"]
    assert set(shown["data"]) == {VIEW, "text/html", "text/plain"}


def test_a_switch_elsewhere_is_told_while_a_cell_runs(kernel: Any, live: Browser) -> None:
    mlstack(kernel.folder, "stack", "copy", "default", "far")
    request = kernel.start("import time, pathlib\nwhile not pathlib.Path('done').exists(): time.sleep(.05)")
    mlstack(kernel.folder, "stack", "set", "far")
    live.until(lambda: live.state["stacks"]["active"] == "far")
    live.until(lambda: (live.state["health"] or {}).get("stack") == "far" and live.state["health"]["components"])
    (kernel.folder / "done").touch()
    kernel.finish(request)


def test_a_switch_in_the_panel_is_that_of_the_workspace(kernel: Any, live: Browser) -> None:
    mlstack(kernel.folder, "stack", "copy", "default", "near")
    live.ask(id=1, do="activate", name="near")
    live.until(lambda: live.answers)
    assert live.answers == [{"id": 1}]
    assert (kernel.folder / ".mlstack" / "active_stack").read_text().strip() == "near"


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ({"do": "activate", "name": "gone"}, "No stack is called 'gone'."),
        ({"do": "activate", "name": ["x"]}, "No stack is called"),
        ({"do": "run"}, "The file of this notebook is not known here."),
        ({"do": "cancel", "run": "none"}, "No run has an id that begins with 'none'."),
        ({"do": "format"}, "The panel does not know 'format'."),
    ],
)
def test_what_can_not_be_done_is_answered_with_what_and_hint(live: Browser, request_: Any, what: str) -> None:
    live.ask(id=7, **request_)
    live.until(lambda: live.answers)
    assert live.answers[0]["problem"]["what"].startswith(what)
    assert live.answers[0]["problem"]["hint"]


def test_steps_run_in_the_kernel_are_told_and_the_picture_follows(kernel: Any, live: Browser) -> None:
    kernel.run("%%step later -> word\nword = 'x'")
    live.until(lambda: live.state["states"].get("later", {}).get("state") == "completed")
    assert {"name": "later", "label": live.state["graph"]["nodes"][-1]["label"], "outputs": [{"name": "word"}]} in (
        live.state["graph"]["nodes"]
    )


def test_a_run_goes_on_apart_from_the_kernel_and_is_followed(kernel: Any) -> None:
    notebook(kernel.folder / "apart.ipynb", "%load_ext mlstack_nb", *STEPS)
    kernel.run("import mlstack_nb, os; os.environ['JPY_SESSION_NAME'] = 'apart.ipynb'")
    live = Browser(kernel, kernel.run("panel = mlstack_nb.panel(); panel", cell_id="panel"))
    assert live.state["can_run"]
    assert live.state["graph"]["pipeline"] == "apart"
    live.ask(id=1, do="run")
    live.until(lambda: live.state["run"] and live.state["run"]["state"] in ("completed", "cached"))
    live.until(lambda: {state["state"] for state in live.state["states"].values()} <= {"completed", "cached"})
    assert live.state["run"]["ended"] == live.state["run"]["total"]
    kernel.run("panel.close(); del os.environ['JPY_SESSION_NAME']")


def test_another_run_of_the_cell_closes_the_panel_and_ends_its_thread(kernel: Any, live: Browser) -> None:
    count = "import threading; print(sum(t.name == 'mlstack panel' for t in threading.enumerate()))"
    before = int(kernel.run(count).printed)
    closed = kernel.run("panel = mlstack_nb.panel(); panel", cell_id="panel").messages
    assert [m["comm_id"] for m in closed if m["kind"] == "comm_close"] == [live.comm]
    end = time.monotonic() + PATIENCE_S
    while int(kernel.run(count).printed) != before:
        assert time.monotonic() < end


def test_without_anywidget_there_is_a_picture_and_the_line_to_type(second: Any) -> None:
    second.run("import sys; sys.modules['anywidget'] = None")
    result = second.run("import mlstack_nb; mlstack_nb.panel()", cell_id="c").result or {}
    second.run("del sys.modules['anywidget']")
    assert "pip install" in result["text/plain"] and "mlstack-nb[widget]" in result["text/plain"]
    assert "stack <b>" in result["text/html"]


def test_without_the_built_part_there_is_a_picture_that_says_so(second: Any) -> None:
    second.run("from mlstack_nb.notebook.widget import browser_part; kept = browser_part.BUILT")
    second.run("import pathlib; browser_part.BUILT = pathlib.Path('nowhere.js')")
    result = second.run("import mlstack_nb; mlstack_nb.panel()", cell_id="c").result or {}
    second.run("browser_part.BUILT = kept")
    assert "Node.js" in result["text/plain"]


def test_words_after_it_are_refused(kernel: Any) -> None:
    for line in ("%stack panel now", "%pipeline panel now"):
        assert "can not do anything with 'now'" in kernel.run(line).traceback


def test_it_is_completed_and_in_the_help(kernel: Any) -> None:
    assert "panel" in kernel.complete("%stack pa")
    assert "panel" in kernel.complete("%pipeline pa")
    assert "live panel" in kernel.inspect("%stack")


@pytest.mark.parametrize("keeps_state", [True, False])
def test_an_executed_and_converted_notebook_shows_the_picture(tmp_path: Path, keeps_state: bool) -> None:
    (tmp_path / ".mlstack").mkdir()
    path = notebook(tmp_path / "n.ipynb", "%load_ext mlstack_nb", *STEPS, "import mlstack_nb\nmlstack_nb.panel()")
    made = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(made, resources=resources, store_widget_state=keeps_state, timeout=PATIENCE_S).execute()
    (output,) = made.cells[-1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "widgets" not in made.metadata
    page, _ = HTMLExporter().from_notebook_node(made)
    assert "load" in drawing(page)
    assert "application/vnd.jupyter.widget" not in page.partition("<body")[2]


def test_a_saved_live_panel_is_converted_to_the_picture_with_the_states_of_widgets_and_without(
    live: Browser, kernel: Any
) -> None:
    (shown,) = [m for m in kernel.run("panel", cell_id="again").messages if m["kind"] == "display_data"]
    output = nbformat.v4.new_output("display_data", data=shown["data"])
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("panel", outputs=[output])])
    state = {"model_name": "AnyModel", "model_module": "anywidget", "model_module_version": "~0.11", "state": {}}
    for widgets in ({}, {"widgets": {STATE: {"version_major": 2, "version_minor": 0, "state": {live.comm: state}}}}):
        made.metadata = nbformat.from_dict(widgets)
        page, _ = HTMLExporter().from_notebook_node(made)
        assert "load" in drawing(page)


def test_mlstack_run_leaves_the_picture_in_the_executed_notebook(tmp_path: Path) -> None:
    (tmp_path / ".mlstack").mkdir()
    notebook(tmp_path / "n.ipynb", "%load_ext mlstack_nb", *STEPS, "%pipeline panel")
    mlstack(tmp_path, "run", "--whole", "n.ipynb")
    (found,) = (tmp_path / ".mlstack").rglob("steps/*.ipynb")
    executed = json.loads(found.read_text())
    kinds = [
        set(output["data"]) for cell in executed["cells"] for output in cell.get("outputs", ()) if "data" in output
    ]
    assert {"text/html", "text/plain"} in kinds
    assert not any(VIEW in kind for kind in kinds)


def test_secrets_are_masked_and_names_of_any_kind_are_text(second: Any) -> None:
    odd = "<script>alert(1)</script> שלום 🚀 " + "x" * 500
    mlstack(
        second.folder, "component", "register", "experiment_tracker", "odd", "-F", "mlflow", f"experiment_name={odd}"
    )
    mlstack(second.folder, "stack", "register", "odd", "--orchestrator", "default", "--artifact-store", "default",
            "--experiment-tracker", "odd")  # fmt: skip
    second.run("%stack set odd")
    html = (second.run("%stack panel").result or {})["text/html"]
    second.run("%stack set default")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
