from __future__ import annotations

import json

import pytest

from mlstack_nb.core.display import Display

TEXT = {"output_type": "stream", "name": "stdout", "text": "hello\n"}
PLOT = {"output_type": "display_data", "data": {"image/png": "aGVsbG8="}, "metadata": {"image/png": {"width": 4}}}
RESULT = {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": None}


def test_a_display_is_read_as_it_was_written():
    display = Display((TEXT, PLOT, RESULT), left_out=7)
    assert Display.from_json(display.to_json()) == display


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"outputs": 3},
        {"outputs": ["hello"]},
        {"outputs": [{**TEXT, "name": "stdin"}]},
        {"outputs": [{**TEXT, "text": ["hello"]}]},
        {"outputs": [{**PLOT, "data": "png"}]},
        {"outputs": [{**PLOT, "output_type": "error"}]},
        {"left_out": "much"},
    ],
)
def test_what_is_no_display_is_none(change):
    assert Display.from_json(json.dumps({**json.loads(Display((TEXT,)).to_json()), **change}).encode()) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff"])
def test_what_is_no_record_is_none(content):
    assert Display.from_json(content) is None
