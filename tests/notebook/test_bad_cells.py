"""Cells that are wrong: one clear error that names the step, and the next right cell just works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.conftest import Kernel


def told(reply: Any) -> str:
    """The only thing a person sees: two fields, no traceback."""
    assert reply.status == "error"
    text = f"{reply.error['ename']}: {reply.error['evalue']}"
    assert reply.error["traceback"] == [text]
    assert text.count("\n  -> ") == 1
    return text


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%step bad --no-cach -> x\nx = 1", "'--no-cach' is no option of %%step.\n  -> Did you mean '--no-cache'?"),
        ("%%step bad -> x\ny = 1", "MissingOutputError: Step 'bad' ended without assigning its output 'x'"),
        ("%%step bad -> x\nx = nobody_defines_this", "reads 'nobody_defines_this', which no step gives"),
        (
            "%%step bad -> x\nx: int = 'a'",
            "TypeMismatchError: Output 'x' of step 'bad' is declared int, but it is a str",
        ),
        (
            "%%step bad -> x\nx = (n for n in 'ab')",
            "Output 'x' of step 'bad' can not be stored: A value of type generator",
        ),
        (
            "%%step bad -> x\nimport threading\nx = {'a': [threading.Lock()]}",
            "A value of type _thread.lock at ['a'][0]",
        ),
        ("%%step bad -> x\nx = open('/dev/null')", "return the Path"),
        (
            "%%step bad -> x --tracker\nx = 1",
            "Step 'bad' asks for an experiment tracker, but the active stack has none",
        ),
        ("%%step bad -> x --after nowhere\nx = 1", "Step 'bad' is to run after 'nowhere', which is no step here"),
        (
            "%%step bad -> x --timeout 0.1\nimport time\ntime.sleep(9)\nx = 1",
            "Step 'bad' ran longer than its timeout of 0.1",
        ),
        ("%stack set defalt", "No stack is called 'defalt'.\n  -> Did you mean 'default'?"),
    ],
)
def test_a_wrong_cell_is_told_in_two_fields_and_corrected_it_runs(kernel: Any, cell: str, said: str) -> None:
    assert said.lower() in told(kernel.run(cell)).lower()
    assert kernel.run("%%step bad -> x\nx = 1").status == "ok"
    kernel.run("%pipeline forget bad")


def test_two_cells_of_one_name_are_told_apart_by_their_cells(kernel: Any) -> None:
    kernel.run("%%step twin -> one\none = 1", cell_id="first")
    assert "Two cells of this notebook are the step 'twin'" in told(
        kernel.run("%%step twin -> two\ntwo = 2", cell_id="b")
    )
    assert kernel.run("%%step twin -> one\none = 3", cell_id="first").status == "ok"


def test_steps_that_wait_for_each_other_are_named(kernel: Any) -> None:
    kernel.run("%%step hen -> egg\negg = 1", cell_id="hen")
    kernel.run("%%step chick -> grown\ngrown = egg", cell_id="chick")
    text = told(kernel.run("%%step hen -> egg\negg = grown", cell_id="hen"))
    assert text.startswith("CycleError: Step 'hen'")
    assert "reads 'grown', an output of step 'chick', which waits for 'hen'" in text
    kernel.run("%%step own -> mine\nmine = 1", cell_id="own")
    text = told(kernel.run("%%step own -> other\nother = mine", cell_id="own"))
    assert "reads 'mine', which only it gave itself, before it was changed" in text


def test_an_exception_that_can_not_say_what_it_is_still_fails_the_step(kernel: Any) -> None:
    body = "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute()"
    assert kernel.run(f"%%step mute -> x\n{body}").state == "failed"
    assert kernel.run("%%step mute -> loud\nloud = 1").state == "completed"


def test_a_timeout_that_the_cell_swallows_fails_the_step(kernel: Any) -> None:
    body = "import time\ntry:\n    time.sleep(9)\nexcept Exception:\n    pass\nx = 1"
    assert "ran longer than its timeout" in told(kernel.run(f"%%step deaf --timeout 0.1 -> x\n{body}"))


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """A kernel that a test may break."""
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    running = Kernel(folder, home)
    running.run("%load_ext mlstack_nb")
    running.workspace = folder / ".mlstack"  # type: ignore[attr-defined]
    yield running
    running.close()


def test_a_damaged_object_names_the_step_that_makes_it_anew(own: Any) -> None:
    make = "%%step make -> frame\nimport pandas as pd\nframe = pd.DataFrame({'a': range(50_000)})"
    own.run(make)
    (data,) = (path for path in own.workspace.glob("store/objects/*/*/*") if path.stat().st_size > 100_000)
    data.chmod(0o644)
    data.write_bytes(os.urandom(1000))
    assert own.run(make).state == "cached"
    text = told(own.run("%%step use -> count\ncount = int(frame.a.sum())"))
    assert "DamagedObjectError: Input 'frame' of step 'use'" in text
    assert "Run step 'make' again" in text
    assert own.run(make).state == "completed"
    assert own.run("%%step use -> count\ncount = int(frame.a.sum())").state == "completed"


def test_a_catalog_that_is_deleted_or_replaced_under_a_kernel_loses_no_work(own: Any) -> None:
    cell = "%%step one -> x\nx = 1"
    own.run(cell)
    for path in own.workspace.glob("catalog.db*"):
        path.unlink()
    assert own.run(cell).state == "cached"
    assert "cached" in own.run("%pipeline history").result["text/plain"]
    for path in own.workspace.glob("catalog.db*"):
        path.unlink()
    (own.workspace / "catalog.db").write_bytes(b"garbage" * 1000)
    assert "catalog.db is not a database" in told(own.run(cell))
    (own.workspace / "catalog.db").unlink()
    assert own.run(cell).state == "cached"


def test_a_name_of_a_stack_that_is_not_there_is_told_with_who_gives_it(own: Any) -> None:
    cell = "%%step one -> x\nx = 1"
    (own.workspace / "active_stack").write_text("defalt")
    assert f"No stack is called 'defalt', which the workspace {own.workspace} names" in told(own.run(cell))
    own.run("import os; os.environ['MLSTACK_STACK'] = 'defoult'")
    assert "No stack is called 'defoult', which MLSTACK_STACK names" in told(own.run(cell))
    own.run("del os.environ['MLSTACK_STACK']")
    own.run("%stack set default")
    assert own.run(cell).state == "completed"


def test_two_kernels_on_one_workspace_go_on_with_the_same_values(own: Any, tmp_path: Path) -> None:
    other = Kernel(tmp_path / "project", tmp_path / "home")
    try:
        other.run("%load_ext mlstack_nb")
        cells = [
            "%%step draw -> drawn\nimport time, random\ntime.sleep(0.3)\ndrawn = [random.random() for _ in range(999)]",
            "%%step total -> sum_\nsum_ = sum(drawn)",
            "print(sum_)",
        ]
        for cell in cells:
            requests = [(kernel, kernel.start(cell)) for kernel in (own, other)]
            replies = [kernel.finish(request) for kernel, request in requests]
            assert [reply.status for reply in replies] == ["ok", "ok"]
        assert replies[0].printed == replies[1].printed != ""
    finally:
        other.close()
