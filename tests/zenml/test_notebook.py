"""ZenML's names in a live kernel: notes on 0.98, 1.8, with its defects (a) to (f)."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

TIMEOUT_S = 60
FIRST = (
    "import mlstack_nb.compat.zenml\nfrom zenml import step, pipeline\nfrom zenml.client import Client",
    "def helper():\n    return 1",
    "RATE = 1",
    "@step\ndef give() -> int:\n    return helper() * RATE",
    "@pipeline\ndef giving():\n    give()",
)


@dataclass
class Reply:
    """What one executed cell gave."""

    status: str = ""
    printed: str = ""
    error: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The plain text of what was shown last."""
        return str(self.shown[-1]["text/plain"])


class Kernel:
    """A real kernel in a workspace of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / ".mlstack").mkdir()
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(folder), env={**environment, "HOME": str(folder)})
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT_S)

    def run(self, code: str) -> Reply:
        found = Reply()

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                found.printed += content["text"]
            elif message["msg_type"] in ("execute_result", "display_data"):
                found.shown.append(content["data"])
            elif message["msg_type"] == "error":
                found.error = f"{content['ename']}: {content['evalue']}"

        reply = self.client.execute_interactive(code, output_hook=hear, timeout=TIMEOUT_S, store_history=True)
        found.status = reply["content"]["status"]
        return found

    def value(self, code: str) -> str:
        """What the last line of a cell shows; the cell must succeed."""
        found = self.run(code)
        assert found.status == "ok", found.error
        return found.text

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """With the cells of `FIRST` executed; each test leaves their names as they were."""
    made = Kernel(tmp_path_factory.mktemp("notebook"))
    for cell in FIRST:
        assert made.run(cell).status == "ok"
    yield made
    made.stop()


LOADED = 'giving().steps["give"].output.load()'
STATUS = 'str(giving().steps["give"].status)'


def test_steps_and_pipelines_of_cells_run_and_are_cached(kernel: Kernel) -> None:
    assert kernel.value(LOADED) == "1"
    assert kernel.value(STATUS) == "'cached'"


def test_a_step_called_in_a_cell_gives_its_value(kernel: Kernel) -> None:
    assert kernel.value("give()") == "1"


def test_a_helper_that_is_redefined_in_another_cell_is_seen(kernel: Kernel) -> None:
    assert kernel.value(LOADED) == "1"
    kernel.run("def helper():\n    return 5")
    assert kernel.value(LOADED) == "5"
    kernel.run(FIRST[1])
    assert kernel.value(f"{STATUS}, {LOADED}") == "('cached', 1)"


def test_a_global_that_is_changed_in_another_cell_is_seen(kernel: Kernel) -> None:
    assert kernel.value(LOADED) == "1"
    kernel.run("RATE = 7")
    assert kernel.value(LOADED) == "7"
    kernel.run(FIRST[2])


@pytest.mark.parametrize("magic", ["%%time", "%%capture", "%%prun -q", "%%capture\n%%time"])
def test_a_step_below_a_cell_magic_is_a_step(kernel: Kernel, magic: str) -> None:
    def status_of(cell: str) -> str:
        kernel.run(cell)
        return kernel.value("@pipeline(name='piped')\ndef piped():\n    timed()\nstr(piped().steps['timed'].status)")

    plain = f"@step\ndef timed() -> int:\n    return helper() + {zlib.crc32(magic.encode())}"
    assert status_of(f"{magic}\n{plain}") == "'completed'"
    assert kernel.value("timed()") == str(1 + zlib.crc32(magic.encode()))
    assert status_of(f"# the same step\n{plain}") == "'cached'"
    assert status_of(f"{magic}\n{plain} + 1") == "'completed'"
    assert status_of(f"{magic}\n{plain}") == "'cached'"


@pytest.mark.parametrize("value", ["3", "'text'", "None", "[1, 2]", "{'a': 1}", "2.5", "b'x'"])
def test_visualize_shows_every_value(kernel: Kernel, value: str) -> None:
    kernel.run(f"@step\ndef shown():\n    return {value}\nshown()")
    found = kernel.run('Client().get_pipeline("shown").last_run.steps["shown"].output.visualize()')
    assert (found.status, found.error) == ("ok", "")
    assert value.strip("'b") in f"{found.shown}{found.printed}"


def test_a_frame_is_visualized_as_a_table(kernel: Kernel) -> None:
    kernel.run(
        "import pandas as pd\n@step\ndef frame() -> pd.DataFrame:\n    return pd.DataFrame({'a': [41]})\nframe()"
    )
    found = kernel.run('Client().get_pipeline("frame").last_run.steps["frame"].output.visualize()')
    assert "<table" in found.shown[0]["text/html"]
    assert "41" in found.shown[0]["text/html"]


def test_steps_pipelines_and_runs_say_what_they_are_in_one_line(kernel: Kernel) -> None:
    assert kernel.value("give") == "<step give>"
    assert kernel.value("giving") == "<pipeline giving>"
    run = kernel.value("giving()")
    assert "giving" in run
    assert "completed" in run
    assert len(run) < 200


def test_an_artifact_shows_itself_in_html(kernel: Kernel) -> None:
    found = kernel.run('giving().steps["give"].output')
    assert "give" in found.shown[0]["text/html"]


def test_with_the_extension_a_run_is_a_table(kernel: Kernel) -> None:
    found = kernel.run("%load_ext mlstack_nb\ngiving()")
    assert "give" in found.shown[-1]["text/html"]
    assert "cached" in found.shown[-1]["text/html"]


def test_the_graph_and_the_states_are_shown_inline(kernel: Kernel) -> None:
    kernel.run("%load_ext mlstack_nb")
    kernel.run("%%step first -> n\nn = helper()")
    kernel.run("%%step second -> m\nm = n + 1")
    shown = kernel.run("%pipeline").shown[-1]
    assert any("first" in str(part) and "second" in str(part) for part in shown.values())
    assert "second" in kernel.run("%pipeline status").shown[-1]["text/plain"]


def test_what_a_step_raises_points_at_the_cells_line(kernel: Kernel) -> None:
    kernel.run("@step\ndef broken() -> int:\n    return 1 / (RATE - 1)")
    found = kernel.run("broken()")
    assert found.status == "error"
    assert "Step 'broken' of pipeline 'broken' failed: ZeroDivisionError: division by zero" in found.error


def test_cells_need_not_be_modules_of_their_own(kernel: Kernel) -> None:
    kernel.run("import math as m\nBASE = m.e")
    kernel.run("@step\ndef log() -> float:\n    return m.log(BASE)")
    assert kernel.value("log()") == "1.0"


def test_shell_lines_beside_a_step_are_no_hindrance(kernel: Kernel) -> None:
    kernel.run("!true\n@step\ndef beside() -> int:\n    return 4")
    assert kernel.value("beside()") == "4"
