"""A notebook that is run as a whole: its step cells use the cache, and are steps of that one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlstack_nb.app import runs
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request
from mlstack_nb.app.notebooks.executed import notebook_of
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.errors import NotFoundError

CELLS = (
    ("depth = 2", ["parameters"]),
    ("from pathlib import Path\nprint('ordinary')", []),
    (
        (
            "%%step load -> rows\nwith Path('log').open('a') as log:\n    log.write('load\\n')\n"
            "rows = [1, 2]\nprint('loading', len(rows))"
        ),
        [],
    ),
    ("%%step nb -> total\nprint('adding')\ntotal = sum(rows) * depth\nPath('log').open('a').write('nb\\n')", []),
    ("print('total is', total)", []),
)


def written(path: Path, *cells: tuple[str, list[str]]) -> str:
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    made.cells = [nbformat.v4.new_code_cell(text, metadata={"tags": tags} if tags else {}) for text, tags in cells]
    nbformat.write(made, path)
    return path.name


def run(target: str, **options: Any) -> dict[str, Any]:
    launch = prepare(Request(target, whole=True, **options))
    found, errors = launch.run(lambda _event: None, lambda _step, _text: None)
    shown = runs.show(Workspace.find(), found.id)
    return {**shown, "errors": errors}


def states(shown: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["state"] for step in shown["steps"]}


def outputs(workspace: Path, run_id: str, step: str) -> str:
    document = json.loads(notebook_of(Workspace(workspace), run_id, step))
    found = [output for cell in document["cells"] for output in cell.get("outputs", ())]
    return "".join("".join(output["text"]) for output in found if output["output_type"] == "stream")


SHOWN = "ordinary\nloading 2\nadding\ntotal is 6\n"


def test_its_step_cells_use_the_cache_and_show_again_what_they_showed(workspace: Path) -> None:
    name = written(workspace.parent / "nb.ipynb", *CELLS)
    first, second = run(name), run(name)
    assert states(first) == {"nb_notebook": "completed", "load": "completed", "nb": "completed"}
    assert states(second) == {"nb_notebook": "completed", "load": "cached", "nb": "cached"}
    assert (workspace.parent / "log").read_text() == "load\nnb\n"
    assert [outputs(workspace, shown["id"], "nb_notebook") for shown in (first, second)] == [SHOWN] * 2


def test_it_is_one_run_whose_steps_are_recorded_in_the_store_as_well(workspace: Path) -> None:
    name = written(workspace.parent / "nb.ipynb", *CELLS)
    shown = [run(name), run(name)]
    listed = runs.list_all(Workspace(workspace))
    assert [one["id"] for one in listed] == [one["id"] for one in reversed(shown)]
    assert listed[0]["step_counts"] == {"completed": 1, "cached": 2}
    for one in shown:
        records = {
            path.stem: json.loads(path.read_text())
            for path in (workspace / "store" / "runs" / one["id"] / "steps").glob("*.json")
        }
        assert {name: records[name]["state"] for name in ("load", "nb")} == {
            name: states(one)[name] for name in ("load", "nb")
        }


def test_steps_and_the_whole_notebook_share_the_cache(workspace: Path) -> None:
    name = written(workspace.parent / "nb.ipynb", *CELLS)
    launch = prepare(Request(name, texts={"depth": "5"}))
    launch.run(lambda _event: None, lambda _step, _text: None)
    assert states(run(name, texts={"depth": "5"})) == {"nb_notebook": "completed", "load": "cached", "nb": "cached"}
    assert states(run(name)) == {"nb_notebook": "completed", "load": "cached", "nb": "completed"}


def test_without_the_cache_its_step_cells_run_as_well(workspace: Path) -> None:
    name = written(workspace.parent / "nb.ipynb", *CELLS)
    run(name)
    assert states(run(name, use_cache=False)) == dict.fromkeys(["nb_notebook", "load", "nb"], "completed")


def test_a_step_cell_that_fails_is_a_failed_step_of_the_run_and_can_be_debugged(workspace: Path) -> None:
    name = written(workspace.parent / "bad.ipynb", *CELLS[:3], ("%%step halve -> half\nhalf = rows[0] / 0", []))
    shown = run(name)
    assert states(shown) == {"bad": "failed", "load": "completed", "halve": "failed"}
    assert "ZeroDivisionError in cell 4 of bad" in shown["errors"]["bad"].what
    assert b"half = rows[0] / 0" in notebook_of(Workspace(workspace), shown["id"], "halve")
    with pytest.raises(NotFoundError) as raised:
        notebook_of(Workspace(workspace), shown["id"], "load")
    assert raised.value.hint == f"It ran in that of step 'bad': mlstack runs notebook {shown['id']} bad"


def test_a_step_cell_whose_kernel_dies_does_not_stay_running(workspace: Path) -> None:
    name = written(workspace.parent / "dying.ipynb", ("%%step die -> x\nimport os\nos._exit(3)", []))
    assert states(run(name)) == {"dying": "failed", "die": "failed"}


def test_a_step_cell_of_a_run_that_is_stopped_does_not_stay_running(workspace: Path) -> None:
    sleeps = "%%step sleep -> x\nimport time\nprint('begun', flush=True)\ntime.sleep(60)\nx = 1"
    launch = prepare(Request(written(workspace.parent / "long.ipynb", (sleeps, [])), whole=True))
    with pytest.raises(KeyboardInterrupt):
        launch.run(lambda _event: None, lambda _step, text: launch.stop.set() if "begun" in text else None)
    found = states(runs.show(Workspace(workspace)))
    assert (found["long"], found["sleep"] in ("cancelled", "failed")) == ("cancelled", True)


def test_a_notebook_without_step_cells_comes_from_the_cache_as_a_whole(workspace: Path) -> None:
    name = written(workspace.parent / "plain.ipynb", ("print('once')", []))
    assert [states(run(name)) for _ in range(2)] == [{"plain": "completed"}, {"plain": "cached"}]


def test_plain_papermill_makes_one_run_called_like_the_notebook(workspace: Path) -> None:
    written(workspace.parent / "nb.ipynb", ("%load_ext mlstack_nb", []), *CELLS)
    command = [Path(sys.executable).with_name("papermill"), "nb.ipynb", "out.ipynb", "--engine", "mlstack"]
    for _ in range(2):
        subprocess.run([*command, "-p", "depth", "5"], check=True, capture_output=True, env={**os.environ})
    listed = runs.list_all(Workspace(workspace))
    assert [(one["pipeline"], one["step_counts"]) for one in listed] == [
        ("nb", {"cached": 2}),
        ("nb", {"completed": 2}),
    ]
    assert (workspace.parent / "log").read_text() == "load\nnb\n"
    texts = [
        output.text
        for cell in nbformat.read("out.ipynb", as_version=4).cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    ]
    assert "".join(texts) == SHOWN.replace("6", "15")
