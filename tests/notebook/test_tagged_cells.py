"""Cells that are steps by their tags, in a real kernel, with the requests that JupyterLab's extension sends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.notebook.badge import MIME

Cells = Sequence[tuple[str, str]]  # tags, separated by spaces; text

PIPELINE: Cells = (
    ("imports", "import math"),
    ("", "def twice(value):\n    return value * 2"),
    ("parameters", "base = 3"),
    ("step:load", "numbers = [base, math.ceil(4.2)]\nunused = 'not read below'\nprint('loading')"),
    (
        "step:train prev:load",
        "def scaled(n):\n    return n * 10\n\nmodel = [twice(one) for one in numbers]\nmodel",
    ),
    ("", "model.append(scaled(1))\nmodel"),
    ("step:check prev:train", "print('sum', sum(model), scaled(2))"),
    ("skip", "not_there = numbers"),
)


def sent(cells: Cells) -> dict[str, Any]:
    listed = [
        {"id": f"cell-{index}", "index": index, "source": text, "tags": tags.split()}
        for index, (tags, text) in enumerate(cells)
    ]
    return {"cells": listed, "metadata": {}}


def execute(kernel: Any, cells: Cells, index: int, *, with_cells: bool = True) -> Any:
    tags, text = cells[index]
    metadata = {"cellId": f"cell-{index}", "tags": tags.split(), **({"mlstack": sent(cells)} if with_cells else {})}
    content = {
        "code": text,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    message = kernel.client.session.msg("execute_request", content, metadata=metadata)
    kernel.client.shell_channel.send(message)
    return kernel.finish(message["header"]["msg_id"])


def run_all(kernel: Any, cells: Cells) -> list[Any]:
    return [execute(kernel, cells, index) for index in range(len(cells))]


def run_file(kernel: Any, cells: Cells, name: str) -> dict[str, Any]:
    """`mlstack run` of the same cells; the step runs by name."""
    content = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{index}",
                "metadata": {"tags": tags.split()},
                "source": text,
                "outputs": [],
                "execution_count": None,
            }
            for index, (tags, text) in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    Path(kernel.folder, name).write_text(json.dumps(content))
    command = [sys.executable, "-m", "mlstack_nb.cli", "run", name, "--json"]
    env = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ} | {
        "HOME": str(kernel.folder)
    }
    done = subprocess.run(command, check=False, cwd=kernel.folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {step["step"]: step for step in json.loads(done.stdout)["steps"]}


@pytest.fixture
def fresh(kernel: Any) -> Any:
    """A kernel of its own, so that the steps of other tests are not there."""
    running = kernel.another()
    assert running.run("%load_ext mlstack_nb").status == "ok"
    yield running
    running.close()


def test_tagged_cells_run_as_steps_with_the_keys_of_mlstack_run(fresh: Any) -> None:
    replies = run_all(fresh, PIPELINE)
    assert [reply.status for reply in replies] == ["ok"] * len(PIPELINE), [reply.error for reply in replies]
    badges = {reply.badge[MIME]["step"]: reply.badge[MIME] for index, reply in enumerate(replies) if index in (3, 4, 6)}
    assert [badge["state"] for badge in badges.values()] == ["completed"] * 3
    by_run = run_file(fresh, PIPELINE, "tagged.ipynb")
    assert {name: step["key"] for name, step in by_run.items()} == {name: one["key"] for name, one in badges.items()}
    assert {step["state"] for step in by_run.values()} == {"cached"}


def test_a_tagged_step_gives_what_the_cells_below_it_read(fresh: Any) -> None:
    replies = run_all(fresh, PIPELINE)
    assert [one["name"] for one in replies[3].badge[MIME]["outputs"]] == ["numbers"]
    assert fresh.run("print(numbers, 'unused' in globals())").printed == "[3, 5] False\n"


def test_every_cell_of_a_step_runs_the_whole_step_and_only_the_first_shows_its_output_again(fresh: Any) -> None:
    cells = (("step:several", "print('first')\npart = 1\npart"), ("", "whole = part + 1\nwhole"))
    first = execute(fresh, cells, 0)
    assert (first.badge[MIME]["state"], first.shown[0]) == ("completed", ("stdout", "first\n"))
    assert [text for kind, text in first.shown if kind == "display"] == ["1", "2"]
    second = execute(fresh, cells, 1)
    assert (second.badge[MIME]["state"], second.shown) == ("cached", [])
    assert execute(fresh, cells, 0).shown == first.shown


def test_a_tagged_cell_runs_as_an_ordinary_one_when_no_cells_are_sent(fresh: Any) -> None:
    cells = (("step:alone", "lonely = 1\nother = 2"),)
    reply = execute(fresh, cells, 0, with_cells=False)
    assert not any(MIME in message.get("data", {}) for message in reply.messages)
    assert fresh.run("print(lonely + other)").printed == "3\n"


def test_a_step_whose_maker_does_not_give_the_name_yet_says_which_cell_to_run(fresh: Any) -> None:
    before = (("step:make", "wanted = 1\nlater = 2"), ("step:use prev:make", "print(wanted)"))
    assert execute(fresh, before, 0).status == "ok"
    after = (before[0], ("step:use prev:make", "print(wanted, later)"))
    reply = execute(fresh, after, 1)
    assert "Step 'use' reads 'later' of step 'make', which did not give it when it ran." in reply.traceback
    assert "Run the cell of step 'make', then this one." in reply.traceback
    assert execute(fresh, after, 0).status == "ok"
    assert execute(fresh, after, 1).printed == "1 2\n"


def test_branches_do_not_see_each_others_versions_of_a_name(fresh: Any) -> None:
    cells = (
        ("step:base", "rows = [1]"),
        ("step:one prev:base", "rows = rows + ['one']\nleft = len(rows)"),
        ("step:two prev:base", "right = rows + ['two']"),
        ("step:both prev:one prev:two", "print(left, right)"),
    )
    replies = run_all(fresh, cells)
    assert [reply.status for reply in replies] == ["ok"] * 4, replies
    assert replies[3].printed == "2 [1, 'two']\n"


def test_a_cell_below_that_can_not_be_read_does_not_hold_up_a_step(fresh: Any) -> None:
    cells = (("step:good", "kept = 1"), ("step:unfinished prev:good", "for x in"))
    reply = execute(fresh, cells, 0)
    assert [one["name"] for one in reply.badge[MIME]["outputs"]] == ["kept"]
    assert "StepSyntaxError" in execute(fresh, cells, 1).traceback


def test_wrong_tags_are_told_where_the_cell_stands(fresh: Any) -> None:
    reply = execute(fresh, (("step:Bad-Name", "x = 1"),), 0)
    assert "The tag 'step:Bad-Name' of cell 1 is no name of a step." in reply.traceback
    assert "Write it as step:bad_name." in reply.traceback


def test_the_extension_loaded_silently_knows_the_cells_before(kernel: Any) -> None:
    running = kernel.another()
    cells = (("", "early = 3"), ("step:reads", "print(early)"))
    try:
        assert execute(running, cells, 0).status == "ok"
        running.client.execute('get_ipython().extension_manager.load_extension("mlstack_nb")', silent=True, reply=True)
        assert execute(running, cells, 1).printed == "3\n"
    finally:
        running.close()


def test_a_tagged_step_may_await(fresh: Any) -> None:
    cells = (("step:waits", "import asyncio\nawait asyncio.sleep(0.01)\nwaited = 5"), ("step:reads", "print(waited)"))
    assert execute(fresh, cells, 0).state == "completed"
    assert execute(fresh, cells, 1).printed == "5\n"


def test_what_a_skipped_cell_defines_is_not_known_to_steps(fresh: Any) -> None:
    cells = (("skip", "sketch = 1"), ("step:reads", "print(sketch)"))
    assert execute(fresh, cells, 0).status == "ok"
    assert "reads 'sketch'" in execute(fresh, cells, 1).traceback


def test_the_traceback_of_a_tagged_step_points_at_the_cells_own_line(fresh: Any) -> None:
    reply = execute(fresh, (("step:breaks", "x = 1\n\nraise ValueError('here')"),), 0)
    assert reply.badge[MIME]["state"] == "failed"
    assert "----> 3 raise ValueError('here')" in reply.traceback
