from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.notebook.transcript import FRAME, WIDGET, Transcript, overwritten

BAR = "\r 50%|##  | {}/9"


def texts(transcript):
    display = transcript.display()
    return [(output["name"], output["text"]) for output in display.outputs] if display else []


def forms(transcript):
    return [output["data"] for output in transcript.display().outputs]


def test_text_of_one_stream_is_one_output_and_the_order_of_streams_is_kept():
    transcript = Transcript()
    for name, text in [("stdout", "a"), ("stdout", "b\n"), ("stderr", "c"), ("stdout", "d")]:
        transcript.write(name, text)
    assert texts(transcript) == [("stdout", "ab\n"), ("stderr", "c"), ("stdout", "d")]


def test_nothing_is_none():
    transcript = Transcript()
    assert transcript.display() is None
    transcript.write("stdout", "")
    transcript.show("display_data", {}, {})
    assert transcript.display() is None


def test_a_display_between_two_texts_parts_them():
    transcript = Transcript()
    transcript.write("stdout", "a")
    transcript.show("display_data", {"text/plain": "x"}, {"text/plain": {"k": 1}})
    transcript.write("stdout", "b")
    first, second, third = transcript.display().outputs
    assert (first["text"], third["text"]) == ("a", "b")
    assert second == {"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {"text/plain": {"k": 1}}}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\r 10%\r 20%\r100%\n", "100%\n"),
        ("long line\rshort", "shortline"),
        ("a\r\nb\r\r\nc", "a\nb\nc"),
        ("done\r", "done"),
        ("1/10 \b\b\b\b\b\r2/10 ", "2/10 "),
        ("\x1b[32m 9%\x1b[0m\r\x1b[2K\x1b[32m10%\x1b[0m", "\x1b[2K\x1b[32m10%\x1b[0m"),
        ("\r one\n\r two\x1b[A\r one", "\r one\n\r two\x1b[A\r one"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
    ],
)
def test_lines_written_over_are_kept_as_they_ended(written, kept):
    assert overwritten(written) == kept


@given(st.lists(st.text(alphabet="ab\r\n\b", max_size=12), max_size=8))
def test_it_does_not_matter_in_which_pieces_text_is_written(pieces):
    whole, parts = Transcript(), Transcript()
    whole.write("stdout", "".join(pieces))
    for piece in pieces:
        parts.write("stdout", piece)
        parts.display()  # settles what came so far
    assert texts(parts) == texts(whole)


def test_a_progress_bar_takes_no_room_however_long_it_runs():
    transcript = Transcript(1000)
    for k in range(100_000):
        transcript.write("stderr", BAR.format(k % 10))
    transcript.write("stderr", "\n")
    assert transcript.display().left_out == 0
    assert texts(transcript) == [("stderr", " 50%|##  | 9/9\n")]


def test_over_the_limit_the_head_is_kept_and_the_rest_counted():
    transcript = Transcript(100 + FRAME)
    for _ in range(10_000):
        transcript.write("stdout", "0123456789")
    display = transcript.display()
    assert texts(transcript) == [("stdout", "0123456789" * 10)]
    assert display.left_out == 100_000 - 100


def test_very_many_small_outputs_are_limited_too():
    transcript = Transcript(10_000)
    for _ in range(10_000):
        transcript.write("stdout", "a")
        transcript.write("stderr", "b")
    assert len(transcript.display().outputs) < 200
    assert transcript.display().left_out > 19_000


def test_of_a_display_that_is_too_large_the_smaller_forms_are_kept():
    transcript = Transcript(1000)
    transcript.show("display_data", {"text/html": "x" * 5000, "text/plain": "a plot"}, {})
    transcript.write("stdout", "after")
    assert forms_and_text(transcript) == [{"text/plain": "a plot"}, "after"]
    assert transcript.display().left_out == 5000


def forms_and_text(transcript):
    return [output.get("data") or output["text"] for output in transcript.display().outputs]


def test_of_a_widget_its_text_is_kept():
    transcript = Transcript()
    transcript.show("display_data", {WIDGET: {"model_id": "m"}, "text/plain": "IntSlider(value=0)"}, {})
    assert forms(transcript) == [{"text/plain": "IntSlider(value=0)"}]


def test_bytes_are_base64_and_values_are_as_jupyter_sends_them():
    transcript = Transcript()
    transcript.show("display_data", {"image/png": b"hello", "application/json": {"n": np.int64(3)}}, {})
    assert forms(transcript) == [{"image/png": "aGVsbG8=", "application/json": {"n": 3}}]


def test_a_form_that_json_has_no_word_for_is_not_kept():
    transcript = Transcript()
    endless = []
    endless.append(endless)
    data = {"application/json": object(), "application/other+json": endless, "text/plain": "x"}
    transcript.show("display_data", data, {})
    assert forms(transcript) == [{"text/plain": "x"}]


def test_what_is_changed_after_it_was_shown_is_kept_as_it_was():
    transcript = Transcript()
    rows = [1]
    transcript.show("display_data", {"application/json": rows}, {})
    rows.append(2)
    assert forms(transcript) == [{"application/json": [1]}]


def test_an_update_takes_the_place_of_every_display_with_its_id():
    transcript = Transcript()
    for _ in range(2):
        transcript.show("display_data", {"text/plain": "0%"}, {}, display_id="bar")
    transcript.write("stdout", "x")
    transcript.update("bar", {"text/plain": "100%"}, {})
    transcript.update("of another cell", {"text/plain": "?"}, {})
    assert forms_and_text(transcript) == [{"text/plain": "100%"}, {"text/plain": "100%"}, "x"]


def test_an_update_without_an_id_updates_nothing():
    transcript = Transcript()
    transcript.show("display_data", {"text/plain": "kept"}, {})
    transcript.update(None, {"text/plain": "?"}, {})
    assert forms(transcript) == [{"text/plain": "kept"}]


def test_updates_take_the_room_of_the_last_one_only():
    transcript = Transcript(1000)
    transcript.show("display_data", {"text/plain": "0"}, {}, display_id="d")
    for k in range(100):
        transcript.update("d", {"text/plain": str(k) * 200}, {})
    assert transcript.display().left_out == 0
    assert forms(transcript) == [{"text/plain": "99" * 200}]


def test_an_update_that_leaves_no_room_for_text_cuts_only_what_comes_later():
    transcript = Transcript(1000)
    transcript.show("display_data", {"text/plain": "0"}, {}, display_id="d")
    transcript.write("stdout", "a\n" * 300)
    transcript.display()
    transcript.update("d", {"text/plain": "x" * 250}, {})
    transcript.write("stdout", "b\n" * 300)
    _, text = transcript.display().outputs
    assert text["text"].startswith("a\n" * 300)
    assert transcript.display().left_out > 500


def test_clearing_forgets_what_was_shown_and_what_was_left_out():
    transcript = Transcript(100 + FRAME)
    transcript.write("stdout", "a" * 1000)
    transcript.clear(wait=False)
    assert transcript.display() is None
    transcript.write("stdout", "b")
    assert texts(transcript) == [("stdout", "b")]
    assert transcript.display().left_out == 0


def test_a_clearing_that_waits_happens_with_the_next_output():
    transcript = Transcript()
    transcript.write("stdout", "first")
    transcript.clear(wait=True)
    assert texts(transcript) == [("stdout", "first")]
    transcript.write("stdout", "second")
    assert texts(transcript) == [("stdout", "second")]


def test_threads_may_write_at_once():
    transcript = Transcript()
    threads = [
        threading.Thread(target=lambda: [transcript.write("stdout", "line\n") for _ in range(2000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts(transcript) == [("stdout", "line\n" * 8000)]
