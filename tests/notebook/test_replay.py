"""A step from the cache shows again what it showed when it was executed, in the same kernel and in another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.notebook.badge import MIME
from mlstack_nb.notebook.transcript import LONGEST

START = """
import asyncio, logging, os, subprocess, sys, threading
import ipywidgets, pandas as pd
import matplotlib.pyplot as plt
from IPython.display import HTML, Image, clear_output
"""

# What a cell shows on a replay: the text of a stream, or the plain text of a display.
CELLS = {
    "prints": ("print('one')\nprint('two')", [("stdout", "one\ntwo\n")]),
    "interleaves": (
        "print('a')\nprint('b', file=sys.stderr)\ndisplay('c')\nprint('d')",
        [("stdout", "a\n"), ("stderr", "b\n"), ("display", "'c'"), ("stdout", "d\n")],
    ),
    "alternates": (
        "print('a', file=sys.stderr)\nprint('b')\nprint('c', file=sys.stderr)",
        [("stderr", "a\n"), ("stdout", "b\n"), ("stderr", "c\n")],
    ),
    "has_a_result": ("word = 'r'\nword * 3", [("display", "'rrr'")]),
    "is_silenced": ("print('x')\n3;", [("stdout", "x\n")]),
    "shows_a_frame": ("pd.DataFrame({'a': [1]})", [("display", "   a\n0  1")]),
    "plots": (
        "plt.plot([1, 2])\nprint('plotted')",
        [("stdout", "plotted\n"), ("display", "<Figure size 640x480 with 1 Axes>")],
    ),
    "runs_a_command": ("!echo from the shell", [("stdout", "from the shell\n")]),
    "runs_a_process": ("done = subprocess.run(['echo', 'child'])\ndel done", [("stdout", "child\n")]),
    "logs": ("logging.getLogger('x').error('logged')", [("stderr", "logged\n")]),
    "has_a_bar": (
        "for k in range(3): print(f'\\r{k}/2', end='', file=sys.stderr)\nprint(file=sys.stderr)",
        [("stderr", "2/2\n")],
    ),
    "clears": ("print('gone')\nclear_output()\nprint('kept')", [("stdout", "kept\n")]),
    "updates": ("shown = display('0%', display_id=True)\nshown.update('100%')", [("display", "'100%'")]),
    "awaits": ("await asyncio.sleep(0)\nprint('awaited')\n5", [("stdout", "awaited\n"), ("display", "5")]),
    "has_a_thread": (
        "thread = threading.Thread(target=print, args=['in a thread'])\nthread.start()\nthread.join()\ndel thread",
        [("stdout", "in a thread\n")],
    ),
    "has_colours": ("print('\\x1b[31mred\\x1b[0m')", [("stdout", "\x1b[31mred\x1b[0m\n")]),
    "has_an_inner_magic": ("%time total = sum(range(3))\nprint(total)", None),
}


@pytest.fixture(scope="module", autouse=True)
def started(kernel: Any, second: Any) -> None:
    assert kernel.run(START).status == "ok"
    assert second.run(START).status == "ok"


def records(kernel: Any) -> set[Path]:
    return set((kernel.folder / ".mlstack" / "store" / "displays").rglob("*.json"))


@pytest.mark.parametrize("name", CELLS)
def test_a_hit_shows_what_the_step_showed(kernel: Any, second: Any, name: str) -> None:
    text, shown = CELLS[name]
    cell = f"%%step {name} -> out_{name}\nout_{name} = 1\n{text}"
    made, again, elsewhere = kernel.run(cell), kernel.run(cell), second.run(cell)
    assert [reply.state for reply in (made, again, elsewhere)] == ["completed", "cached", "cached"]
    assert again.shown == elsewhere.shown
    assert again.shown == shown or (shown is None and sorted(again.shown) == sorted(made.shown))
    assert "output replayed" in elsewhere.badge["text/plain"]
    assert elsewhere.badge[MIME]["replayed"]
    assert elsewhere.messages[-1]["data"] == elsewhere.badge


@pytest.mark.parametrize("name", ["has_a_result", "shows_a_frame", "plots"])
def test_every_form_of_a_display_is_replayed_and_marked(kernel: Any, second: Any, name: str) -> None:
    cell = f"%%step {name} -> out_{name}\nout_{name} = 1\n{CELLS[name][0]}"
    kernel.run(cell.replace("= 1", "= 1 + 1"))
    reply, made = second.run(cell.replace("= 1", "= 1 + 1")), kernel.run(cell.replace("= 1", "= 1 + 2"))
    (replayed,) = [m for m in reply.messages if m["kind"] == "display_data" and MIME not in m["data"]]
    (shown,) = [m for m in made.messages if "data" in m and MIME not in m["data"]]
    assert replayed["data"] == shown["data"]
    assert replayed["metadata"] == {**shown["metadata"], "mlstack": {"replayed": True}}


def test_bytes_are_replayed_as_a_notebook_has_them(kernel: Any, second: Any) -> None:
    cell = "%%step pixels -> pixel\npixel = 1\ndisplay({'image/png': b'png', 'text/plain': 'image'}, raw=True)"
    shown = [reply.messages[0]["data"] for reply in (kernel.run(cell), second.run(cell))]
    assert shown == [{"image/png": "cG5n", "text/plain": "image"}] * 2


def test_of_a_widget_its_text_is_replayed(kernel: Any, second: Any) -> None:
    cell = "%%step slides -> slid\nslid = 1\nipywidgets.IntSlider(value=3)"
    assert "application/vnd.jupyter.widget-view+json" in kernel.run(cell).result
    replayed = second.run(cell).messages[0]
    assert replayed["data"] == {"text/plain": "IntSlider(value=3)"}


def test_a_long_text_is_replayed_as_far_as_it_is_kept_and_the_rest_is_told(kernel: Any, second: Any) -> None:
    cell = "%%step talks -> talked\ntalked = 1\nfor k in range(300_000): print('0123456789')"
    assert len(kernel.run(cell).printed) == 3_300_000
    reply = second.run(cell)
    assert LONGEST * 0.99 < len(reply.printed) <= LONGEST
    assert reply.shown[-1] == ("display", "... 2.3 MB of this step's output were not kept")


def test_a_step_that_shows_nothing_replays_nothing_and_keeps_no_record(kernel: Any, second: Any) -> None:
    before = records(kernel)
    cell = "%%step quiet -> silence\nsilence = 1"
    kernel.run(cell)
    reply = second.run(cell)
    assert (reply.shown, reply.badge[MIME]["replayed"]) == ([], False)
    assert "replayed" not in reply.badge["text/plain"]
    assert records(kernel) == before


@pytest.mark.parametrize(
    ("word", "damage"), [("gone", Path.unlink), ("torn", lambda record: record.write_text('{"version"'))]
)
def test_without_its_record_a_hit_stays_a_hit(kernel: Any, second: Any, word: str, damage: Any) -> None:
    before = records(kernel)
    cell = f"%%step loses -> lost\nlost = 1\nprint('{word}')"
    kernel.run(cell)
    (record,) = records(kernel) - before
    damage(record)
    reply = second.run(cell)
    assert (reply.state, reply.shown, reply.badge[MIME]["replayed"]) == ("cached", [], False)


def test_a_step_that_failed_replays_only_the_run_that_went_well(kernel: Any, second: Any) -> None:
    before = records(kernel)
    cell = "%%step fails -> failed\nprint('exists:', os.path.exists('there'))\nfailed = open('there').read()"
    assert kernel.run(cell).status == "error"
    assert records(kernel) == before
    (kernel.folder / "there").write_text("x")
    kernel.run(cell)
    assert second.run(cell).shown == [("stdout", "exists: True\n")]


def test_of_a_step_that_was_tried_again_the_last_attempt_is_replayed(kernel: Any, second: Any) -> None:
    cell = (
        "%%step tries -> tried --retries 1\nwith open('tries', 'a+') as file:\n    file.write('x')\n    file.seek(0)\n"
        "    tried = len(file.read())\nprint('attempt', tried)\n1 / (tried - 1)\ntried"
    )
    assert kernel.run(cell).printed == "attempt 1\nattempt 2\n"
    assert second.run(cell).shown == [("stdout", "attempt 2\n"), ("display", "2")]


def test_what_other_cells_print_is_not_noted(kernel: Any, second: Any) -> None:
    kernel.run(
        "async def ticks():\n    while True:\n        print('tick', flush=True)\n        await asyncio.sleep(0.01)\n"
        "ticking = asyncio.ensure_future(ticks())"
    )
    cell = "%%step naps -> napped\nawait asyncio.sleep(0.1)\nprint('awake')\nnapped = 1"
    kernel.run(cell)
    kernel.run("ticking.cancel()")
    assert second.run(cell).shown == [("stdout", "awake\n")]


def test_a_captured_step_is_recorded_whole_and_its_replay_is_captured(kernel: Any, second: Any) -> None:
    cell = "%%step captured -> caught\nprint('text')\ncaught = 1\ncaught + 1"
    assert kernel.run(f"%%capture seen\n{cell}").shown == []
    assert second.run(f"%%capture seen\n{cell}").shown == []
    assert second.run("seen.show()").shown[:2] == [("stdout", "text\n"), ("display", "2")]
    assert kernel.run(cell).shown == [("stdout", "text\n"), ("display", "2")]


def test_a_whole_run_shows_what_its_cached_steps_showed(tmp_path: Path, kernel: Any) -> None:
    other = type(kernel)(tmp_path, tmp_path)
    try:
        other.run("%load_ext mlstack_nb")
        other.run("%%step first -> one\nprint('first')\none = 1\none + 1")
        other.run("%%step later -> two\nprint('later')\ntwo = one + 1")
        shown = [message for message in other.run("%pipeline run").messages if message["kind"] != "update_display_data"]
        table, first, result, later = shown
        assert "pipeline" in table["data"]["text/plain"]
        assert (first["text"], later["text"]) == ("first\n", "later\n")
        assert (result["data"], result["metadata"]) == ({"text/plain": "2"}, {"mlstack": {"replayed": True}})
    finally:
        other.close()


def test_in_a_terminal_the_text_is_printed_again(shell: Any, capsys: Any) -> None:
    shell.run_line_magic("load_ext", "mlstack_nb")
    for _ in range(2):
        capsys.readouterr()
        shell.run_cell("%%step plain -> n\nprint('hello')\ndisplay('shown')\nn = 1\nn + 1")
    assert capsys.readouterr().out.startswith("hello\n'shown'\n2\nstep plain · cached")
    shell.run_line_magic("unload_ext", "mlstack_nb")


def test_a_record_is_plain_json(kernel: Any) -> None:
    kernel.run("%%step plainly -> plainly_out\nplainly_out = 1\nprint('plainly')")
    found = [json.loads(record.read_text()) for record in records(kernel) if "plainly" in record.read_text()]
    text = {"output_type": "stream", "name": "stdout", "text": "plainly\n"}
    assert found == [{"version": 1, "outputs": [text], "left_out": 0}]
