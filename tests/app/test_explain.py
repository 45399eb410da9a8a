from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.explain import Explanation, why, why_live
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import State
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step
from mlstack_nb.errors import NotFoundError


@pytest.fixture
def explain(workspace: Path) -> Any:
    def last(step: str, reference: str = "last") -> Explanation:
        return why(Workspace(workspace), step, reference)

    return last


def texts(found: Explanation) -> list[str]:
    return [reason.text for reason in found.reasons]


def kinds(found: Explanation) -> list[str]:
    return [reason.kind for reason in found.reasons]


def test_the_first_run_of_a_step_had_none_before(notebook: Any, explain: Any) -> None:
    notebook.step("load -> n", "n = 1")
    assert texts(explain("load")) == ["never run before"]
    assert explain("load").compared_with == ""


def test_every_change_is_told_with_the_diff_of_its_source(notebook: Any, explain: Any) -> None:
    notebook.cell("depth = 5\ndef clean(x):\n    return x + 1")
    first = notebook.step("work -> y", "y = clean(depth)")
    notebook.cell("depth = 6\ndef clean(x):\n    return x + 2")
    notebook.step("work -> y", "y = clean(depth) + 0")
    found = explain("work")
    assert texts(found) == ["the body changed", "function `clean` changed", "parameter depth 5 -> 6"]
    assert found.compared_with == first.run_id
    assert found.reasons[0].diff.splitlines()[-2:] == ["-y = clean(depth)", "+y = clean(depth) + 0"]
    assert found.reasons[1].diff.splitlines()[-3:] == [" def clean(x):", "-    return x + 1", "+    return x + 2"]


def test_a_function_of_a_project_module_is_told_with_its_diff(
    notebook: Any, explain: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(workspace.parent)
    module = workspace.parent / "cleaning_of_explain.py"
    module.write_text("LIMIT = 3\ndef clean(x):\n    return min(x, LIMIT)\n")
    notebook.cell("from cleaning_of_explain import clean")
    notebook.step("work -> y", "y = clean(5)")
    module.write_text("LIMIT = 40\ndef clean(x):\n    return min(x, LIMIT)  # capped\n")
    notebook.cell("import importlib, cleaning_of_explain\nimportlib.reload(cleaning_of_explain)")
    notebook.cell("from cleaning_of_explain import clean")
    notebook.step("work -> y", "y = clean(5)")
    assert texts(explain("work")) == ["constant `LIMIT` of module cleaning_of_explain changed"]
    assert explain("work").reasons[0].diff.splitlines()[-2:] == ["-LIMIT = 3", "+LIMIT = 40"]


def test_a_step_from_the_cache_names_the_run_that_made_it(notebook: Any, explain: Any) -> None:
    made = notebook.step("load -> n", "n = 1")
    notebook.step("load -> n", "n = 1")
    notebook.step("load -> n", "n = 1")
    assert texts(explain("load")) == [f"from the cache: nothing changed since run {made.run_id}"]
    assert explain("load").state is State.CACHED


def test_an_edit_taken_back_comes_from_the_cache_and_tells_what_changed(notebook: Any, explain: Any) -> None:
    made = notebook.step("load -> n", "n = 1")
    notebook.step("load -> n", "n = 2")
    notebook.step("load -> n", "n = 1")
    assert texts(explain("load")) == [
        f"from the cache: nothing changed since run {made.run_id}",
        "the body changed",
    ]


def test_an_input_names_the_step_that_gave_it(notebook: Any, explain: Any) -> None:
    notebook.step("load -> df", "df = [1]")
    notebook.step("train -> model", "model = len(df)")
    notebook.step("load -> df", "df = [1, 2]")
    notebook.step("train -> model", "model = len(df)")
    assert texts(explain("train")) == ["input `df` changed content, from step `load`, which ran again"]


def test_the_content_of_a_path_is_told(notebook: Any, explain: Any, workspace: Path) -> None:
    file = workspace.parent / "data.txt"
    file.write_text("one")
    notebook.cell("from pathlib import Path\nsource = Path('data.txt')")
    notebook.step("load -> text", "text = source.read_text()")
    file.write_text("three")
    notebook.step("load -> text", "text = source.read_text()")
    assert texts(explain("load")) == ["the content of `source` changed"]


def test_a_switched_off_cache_is_told(notebook: Any, explain: Any) -> None:
    notebook.step("load -> n", "n = 1")
    notebook.step("load -> n --no-cache", "n = 1")
    assert kinds(explain("load")) == ["cache-off"]
    assert "--no-cache" in texts(explain("load"))[0]


def test_missing_objects_are_told_and_noticed(
    notebook: Any, explain: Any, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "import numpy as np\ntable = np.zeros(100_000)"
    notebook.step("load -> table", body)
    (objects,) = workspace.rglob("objects")
    shutil.rmtree(objects)
    assert notebook.step("load -> table", body).state is State.COMPLETED
    assert capsys.readouterr().err == "step load: its objects are gone from the store; running it again\n"
    assert kinds(explain("load")) == ["objects-missing"]


def test_a_damaged_object_is_told(notebook: Any, explain: Any, workspace: Path) -> None:
    body = "import numpy as np\ntable = np.zeros(100_000)"
    notebook.step("load -> table", body)
    for file in (path for path in workspace.rglob("objects/**/*") if path.is_file()):
        file.chmod(0o644)
        file.write_bytes(b"\1" + file.read_bytes()[1:])
    notebook.step("load -> table", body)  # a hit; the damage shows when it is read
    with pytest.raises(Exception, match="changed or damaged"):
        notebook.cell("table.sum()")
    assert notebook.step("load -> table", body).state is State.COMPLETED
    assert kinds(explain("load")) == ["damaged"]


def test_a_lost_cache_entry_is_told(notebook: Any, explain: Any, workspace: Path) -> None:
    notebook.step("load -> n", "n = 1")
    (cache,) = workspace.rglob("cache")
    shutil.rmtree(cache)
    notebook.step("load -> n", "n = 1")
    assert texts(explain("load")) == ["nothing changed, but its entry is gone from the cache"]


def test_a_step_that_failed_before_runs_again_and_its_code_is_compared(notebook: Any, explain: Any) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            notebook.step("load -> n", "n = 1 / 0")
    assert texts(explain("load")) == ["nothing changed, but its run before failed (ZeroDivisionError)"]
    notebook.step("load -> n", "n = 1 / 1")
    assert explain("load").reasons[0].diff.splitlines()[-2:] == ["-n = 1 / 0", "+n = 1 / 1"]


def test_a_skipped_step_names_what_failed(explain: Any, workspace: Path) -> None:
    steps = (
        Step("load", {}, (Output("n"),), Fingerprint("a" * 64)),
        Step("train", {"n": FromStep("load", "n")}, (Output("model"),), Fingerprint("b" * 64)),
    )
    bodies = {"load": lambda _inputs: {"n": 1 // 0}, "train": lambda inputs: {"model": inputs["n"]}}
    Runtime.current(workspace=Workspace(workspace)).execute(Pipeline("p", steps), bodies)
    found = explain("train")
    assert (found.state, texts(found)) == (State.SKIPPED, ["a step that it needs did not end well: `load`"])
    assert found.headline.startswith("step train did not run in run ")


def test_an_earlier_run_is_explained_by_its_own_past(notebook: Any, explain: Any) -> None:
    notebook.step("load -> n", "n = 1")
    second = notebook.step("load -> n", "n = 2")
    notebook.step("load -> n", "n = 3")
    found = explain("load", second.run_id)
    assert found.reasons[0].diff.splitlines()[-2:] == ["-n = 1", "+n = 2"]


def test_an_unknown_step_offers_the_nearest(notebook: Any, explain: Any) -> None:
    notebook.step("load -> n", "n = 1")
    with pytest.raises(NotFoundError, match="No step is called 'laod'") as caught:
        explain("laod")
    assert caught.value.hint == "Did you mean 'load'?"
    with pytest.raises(NotFoundError) as live:
        why_live(notebook.session, "laod")
    assert live.value.hint == "Did you mean 'load'?"


def test_a_removed_stack_leaves_the_reasons_without_diffs(notebook: Any, explain: Any, workspace: Path) -> None:
    from mlstack_nb.app import stacks

    stacks.register(Workspace(workspace), "second", {"orchestrator": "default", "artifact_store": "default"})
    Workspace(workspace).set_active_stack("second")
    notebook.step("load -> n", "n = 1")
    notebook.step("load -> n", "n = 2")
    assert explain("load").reasons[0].diff
    Workspace(workspace).set_active_stack("default")
    stacks.delete(Workspace(workspace), "second")
    assert (texts(explain("load")), explain("load").reasons[0].diff) == (["the body changed"], "")


def test_a_stale_step_tells_why_it_would_run_now(notebook: Any) -> None:
    notebook.cell("def clean(x):\n    return x + 1")
    notebook.step("work -> y", "y = clean(1)")
    assert len(why_live(notebook.session, "work")) == 1
    notebook.cell("def clean(x):\n    return x + 2")
    would, did = why_live(notebook.session, "work")
    assert (would.state, texts(would), texts(did)) == (
        State.PENDING,
        ["function `clean` changed"],
        ["never run before"],
    )
    assert would.reasons[0].diff.splitlines()[1] == "+++ function clean (now)"


def test_a_step_below_a_stale_one_and_one_in_trouble_tell_so(notebook: Any) -> None:
    notebook.cell("size = 2")
    notebook.step("load -> df", "df = [1] * size")
    notebook.step("train -> model", "model = len(df)")
    notebook.cell("size = 3")
    assert texts(why_live(notebook.session, "train")[0]) == ["step `load`, which it reads, is not fresh"]
    notebook.cell("del size")
    assert texts(why_live(notebook.session, "load")[0])[0].startswith("it can not run now: ")


def test_a_long_source_is_cut(notebook: Any, explain: Any) -> None:
    notebook.step("load -> n", "n = 1\n" + "n += 1\n" * 5000)
    notebook.step("load -> n", "n = 2\n" + "n += 1\n" * 5000)
    assert explain("load").reasons[0].diff.splitlines()[3:5] == ["-n = 1", "+n = 2"]
    assert len(explain("load").reasons[0].diff) < 1000
