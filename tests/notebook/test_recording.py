"""What is noted while a cell of a plain IPython shell runs, where displays are text on the same streams."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlstack_nb.notebook.recording import Recording

START = """
import contextlib, io, sys
from IPython.display import clear_output, display, update_display
"""


@pytest.fixture
def noted(shell: InteractiveShell) -> Callable[[str], list[str]]:
    """What is noted while code runs: text, and the plain text of displays."""
    shell.ex(START)

    def noted(code: str) -> list[str]:
        recording = Recording(shell)
        recording.begin()
        try:
            shell.ex(code)
        finally:
            recording.end()
        found = recording.display()
        return [] if found is None else [o["text"] if "text" in o else o["data"]["text/plain"] for o in found.outputs]

    return noted


def test_text_still_goes_where_it_went(noted: Any, capsys: Any) -> None:
    assert noted("print('hello')") == ["hello\n"]
    assert capsys.readouterr().out == "hello\n"


def test_a_display_is_noted_as_such_and_not_as_the_text_it_is_in_a_terminal(noted: Any, capsys: Any) -> None:
    assert noted("display({'text/plain': 'a plot'}, raw=True)") == ["a plot"]
    assert capsys.readouterr().out == "a plot\n"


def test_a_result_is_noted_without_its_prompt(noted: Any, shell: InteractiveShell, capsys: Any) -> None:
    assert noted("get_ipython().displayhook([1, 2])") == ["[1, 2]"]
    assert "Out[" in capsys.readouterr().out


def test_what_clears_a_terminal_is_not_noted(noted: Any) -> None:
    assert noted("print('first'); clear_output(); print('second')") == ["second\n"]


def test_an_update_is_noted_in_the_place_of_what_it_updates(noted: Any) -> None:
    shown = "display({'text/plain': '0%'}, raw=True, display_id='bar')"
    assert noted(f"{shown}; update_display({{'text/plain': '100%'}}, raw=True, display_id='bar')") == ["100%"]


def test_what_the_code_catches_itself_is_not_noted(noted: Any) -> None:
    caught = "with contextlib.redirect_stdout(io.StringIO()):\n    print('caught')\n"
    assert noted(f"{caught}print('shown')") == ["shown\n"]


def test_a_stream_that_is_exchanged_meanwhile_is_left_alone(noted: Any, monkeypatch: Any) -> None:
    before, attributes = sys.stdout, dict(vars(sys.stdout))
    monkeypatch.setattr(sys, "stdout", before)  # puts it back afterwards
    noted("sys.stdout = mine = io.StringIO()")
    assert vars(before) == attributes
    assert vars(sys.stdout) == {}


def test_streams_and_hooks_are_afterwards_what_they_were(noted: Any, shell: InteractiveShell) -> None:
    followed = (sys.stdout, sys.stderr, shell.display_pub, shell.displayhook)
    before = [dict(vars(one)) for one in followed]
    assert noted("print('hello')") == ["hello\n"]
    assert [dict(vars(one)) for one in followed] == before


@pytest.mark.parametrize("stream", [None, object()])
def test_a_process_without_streams_can_be_recorded(noted: Any, monkeypatch: Any, stream: object) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert noted("print('oops', file=sys.stderr)") == ["oops\n"]


def test_text_is_noted_once_where_both_streams_are_one(noted: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    assert noted("print('hello')") == ["hello\n"]


def test_an_ended_recording_can_be_ended_again(shell: InteractiveShell) -> None:
    recording = Recording(shell)
    recording.begin()
    recording.end()
    recording.end()
    sys.stdout.write("not noted")
    assert recording.display() is None


def test_the_inner_of_two_recordings_leaves_the_outer_one_at_work(shell: InteractiveShell) -> None:
    outer, inner = Recording(shell), Recording(shell)
    outer.begin()
    inner.begin()
    sys.stdout.write("both ")
    inner.end()
    sys.stdout.write("outer")
    outer.end()
    assert [one["text"] for one in outer.display().outputs] == ["both outer"]
    assert [one["text"] for one in inner.display().outputs] == ["both "]
