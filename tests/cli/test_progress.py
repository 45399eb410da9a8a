"""`mlstack run` as it looks in a terminal, and where there is none."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

FLOW = """
import time
from pathlib import Path
from mlstack_nb import pipeline, step

@step(enable_cache=False)
def load() -> int:
    print("loaded")
    return 1

@step(enable_cache=False)
def fit(n: int) -> int:
    time.sleep(1.2)
    while Path("hold").exists():
        time.sleep(0.02)
    return n

@step(enable_cache=False)
def tell(n: int) -> None:
    time.sleep(1.2)

@pipeline
def flow() -> None:
    tell(fit(load()))
"""
RUN = [sys.executable, "-m", "mlstack_nb.cli", "run", "flow.py:flow"]


@pytest.fixture
def flow(workspace: Path) -> Path:
    (workspace.parent / "flow.py").write_text(FLOW)
    return workspace.parent


class Terminal:
    """What a command writes to a terminal, as it comes."""

    def __init__(self, folder: Path, **env: str) -> None:
        ours, theirs = pty.openpty()
        self.text = ""
        self._news = threading.Condition()
        self._ours = ours
        wide = {"COLUMNS": "120", "TERM": "xterm", **env}
        self.process = subprocess.Popen(
            RUN, cwd=folder, env={**os.environ, **wide}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        with self._news:
            assert self._news.wait_for(lambda: re.search(pattern, self.text), timeout=60), self.text
        found = re.search(pattern, self.text)
        assert found
        return found

    def end(self) -> str:
        assert self.process.wait(60) == 0
        self._reader.join()
        os.close(self._ours)
        return self.text

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 4096)
            except OSError:  # Linux says so where others say nothing more comes
                return
            if not data:
                return
            with self._news:
                self.text += data.decode()
                self._news.notify_all()


def screen(text: str) -> list[str]:
    """The lines that stay."""
    lines = [line.rpartition("\r\x1b[K")[2] for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in lines if line]


def test_a_terminal_has_a_line_with_rate_and_time_left_until_the_run_ends(flow: Path) -> None:
    subprocess.run(RUN, cwd=flow, check=True, capture_output=True)
    (flow / "hold").touch()
    terminal = Terminal(flow, NO_COLOR="1")
    terminal.wait_for(r"\r\x1b\[K  1/3 steps, [\d.]+ steps/(s|min), about \d s left  fit \d+ s, usually 1 s")
    (flow / "hold").unlink()
    lines = screen(terminal.end())
    assert [line.split()[:2] for line in lines[1:]] == [
        ["load", "|"],
        ["load", "completed"],
        ["fit", "completed"],
        ["tell", "completed"],
    ]
    assert "\x1b[3" not in terminal.text  # no colour, since nobody wants one


def test_states_have_colours_where_they_are_wanted(flow: Path) -> None:
    assert "\x1b[32mcompleted" in Terminal(flow).end()


def test_without_a_terminal_there_are_lines_and_nothing_else(flow: Path) -> None:
    done = subprocess.run(RUN, cwd=flow, check=True, capture_output=True, text=True)
    assert ("\r" in done.stderr, "\x1b" in done.stderr, done.stdout) == (False, False, "")
    assert [line.split()[:2] for line in done.stderr.splitlines()[1:]] == [
        ["load", "|"],
        ["load", "completed"],
        ["fit", "completed"],
        ["tell", "completed"],
    ]
