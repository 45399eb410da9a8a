"""`%pipeline status` and `%pipeline why` in a real kernel, while definitions change."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack_nb.notebook.graph_view import MIME


@pytest.fixture(scope="module", autouse=True)
def steps(kernel: Any) -> None:
    kernel.run("DEPTH = 5\ndef clean(x):\n    return x + 1")
    kernel.run("%%step load -> raw\nprint('loading')\nraw = [1, 2]")
    kernel.run("%%step train -> model\nmodel = [clean(x) * DEPTH for x in raw]")


def text(reply: Any) -> str:
    assert reply.status == "ok", reply
    return str(reply.result["text/plain"])


def marks(kernel: Any) -> dict[str, str]:
    reply = kernel.run("%pipeline status")
    _, header, *rows = text(reply).splitlines()
    at = header.index("now")
    assert reply.printed == ""
    return {row.split()[0]: row[at:].split("  ")[0] for row in rows}


def test_a_step_is_fresh_until_what_it_reaches_changes(kernel: Any) -> None:
    assert marks(kernel) == {"load": "fresh", "train": "fresh"}
    assert "never run before" in text(kernel.run("%pipeline why train"))
    kernel.run("def clean(x):\n    return x + 2")
    assert marks(kernel) == {"load": "fresh", "train": "stale"}


def test_the_graph_marks_a_stale_step_in_words_too(kernel: Any) -> None:
    shown = kernel.run("%pipeline").result
    assert [(node["name"], node["stale"]) for node in shown[MIME]["nodes"]] == [("load", False), ("train", True)]
    assert ", stale)" in shown["text/plain"]


def test_why_tells_what_would_make_a_stale_step_run(kernel: Any) -> None:
    shown = text(kernel.run("%pipeline why train")).splitlines()
    assert shown[0].startswith("step train would run now, compared with run ")
    assert shown[1] == "  - function `clean` changed"
    assert shown[-4:-2] == ["      -    return x + 1", "      +    return x + 2"]


def test_why_tells_what_made_a_step_run_and_then_that_nothing_did(kernel: Any) -> None:
    kernel.run("DEPTH = 6")
    assert kernel.run("%pipeline run").status == "ok"
    shown = text(kernel.run("%pipeline why train")).splitlines()
    assert shown[0].startswith("step train ran in run ")
    assert shown[-1] == "  - parameter DEPTH 5 -> 6"
    assert marks(kernel) == {"load": "fresh", "train": "fresh"}
    assert kernel.run("%pipeline run").status == "ok"
    assert "from the cache: nothing changed since run" in text(kernel.run("%pipeline why train"))


def test_lost_objects_are_noticed_and_made_again(kernel: Any) -> None:
    cell = "%%step grid -> table\nimport numpy as np\ntable = np.zeros(100_000)"
    kernel.run(cell)
    kernel.run("import shutil, pathlib\nfor found in pathlib.Path('.mlstack').rglob('objects'): shutil.rmtree(found)")
    assert marks(kernel)["grid"] == "stale"
    assert "object missing" in text(kernel.run("%pipeline why grid"))
    reply = kernel.run(cell)
    assert reply.complained == "step grid: its objects are gone from the store; running it again\n"
    assert marks(kernel)["grid"] == "fresh"


def test_why_needs_a_step_and_offers_the_nearest(kernel: Any) -> None:
    assert "Steps so far: load, train" in kernel.run("%pipeline why").error["evalue"]
    assert "Did you mean 'train'?" in kernel.run("%pipeline why trian").error["evalue"]
    assert kernel.complete("%pipeline why tr") == ["train"]
