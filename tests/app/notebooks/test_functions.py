"""Compiling notebooks of `@step` and `@pipeline` functions."""

from __future__ import annotations

import linecache

import pytest

from mlstack_nb.app.notebooks.compile import compile_cells
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Captured, FromStep, Literal
from mlstack_nb.core.types import is_data_file
from mlstack_nb.errors import GraphError, UsageError
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

STEPS = """from typing import Annotated
import pandas as pd
from mlstack_nb import DataFile, pipeline, step, CachePolicy
DEPTH = 4
def scaled(x): return x * DEPTH
@step
def load(rows: int = 3, source: Annotated[str, DataFile()] = "a") -> tuple[Annotated[pd.DataFrame, "table"], "dict"]:
    return pd.DataFrame({"a": range(rows)}), {}
@step(retries=2, enable_cache=False, cache_policy=CachePolicy(salt="x"), name="sum_up")
def total(table, profile=None, *, scale: float = 1.0) -> float:
    return scaled(sum(table["a"])) * scale
"""
PIPELINE = """@pipeline(name="training")
def train(rows: int = 3, scale: float = 1.0):
    table, profile = load(rows)
    total(table, profile, scale=scale)
"""


def compiled(*texts, given=None):
    cells = tuple(NotebookCell(at, text) for at, text in enumerate(texts))
    return compile_cells(Notebook("nb", cells), given)


def test_the_pipeline_is_wired_without_running_anything():
    found = compiled(STEPS, PIPELINE)
    assert (found.name, [one.name for one in found.steps]) == ("training", ["load", "sum_up"])
    assert found.step("load").step.inputs == {"rows": Literal(3), "source": Literal("a")}
    assert found.step("sum_up").step.inputs == {
        "table": FromStep("load", "table"),
        "profile": FromStep("load", "output_1"),
        "scale": Literal(1.0),
    }
    assert is_data_file(found.step("load").step.input_types["source"])


def test_outputs_and_settings_are_those_that_are_written():
    load, total = compiled(STEPS, PIPELINE).steps
    assert [(one.name, one.artifact) for one in load.step.outputs] == [("table", "table"), ("output_1", "")]
    assert [one.name for one in total.step.outputs] == ["output"]
    assert (total.step.settings.retries, total.step.settings.cache) == (2, False)
    assert total.step.settings.policy == CachePolicy(salt="x")


def test_the_body_is_the_call_of_the_function_which_the_prelude_defines():
    total = compiled(STEPS, PIPELINE).step("sum_up")
    assert (total.call.function, total.call.arguments, total.call.is_several) == (
        "total",
        ("table", "profile", "scale"),
        False,
    )
    texts = [piece.text for piece in total.prelude]
    assert texts[:3] == [STEPS.splitlines()[2], "DEPTH = 4", "def scaled(x): return x * DEPTH"]
    assert texts[3].startswith("@step(retries=2")


def test_the_call_in_the_notebook_gives_the_arguments_and_given_parameters_win():
    found = compiled(STEPS, PIPELINE, "ROWS = 5\ntrain(ROWS, scale=2.0)")
    assert found.step("load").step.inputs["rows"] == Literal(5)
    assert {name: one.value for name, one in found.parameters.items()} == {"rows": 5, "scale": 2.0}
    assert compiled(STEPS, PIPELINE, "train(5)", given={"rows": 7}).step("load").step.inputs["rows"] == Literal(7)
    with pytest.raises(UsageError, match="no parameter 'row'"):
        compiled(STEPS, PIPELINE, given={"row": 7})


def test_wiring_may_loop_and_call_helpers():
    found = compiled(
        STEPS,
        "import itertools\ndef pairs(n): return list(itertools.combinations(range(n), 2))",
        "@pipeline\ndef many(n: int = 3):\n    for a, b in pairs(n):\n        t, _ = load(a + b)\n        total(t)",
    )
    assert [one.name for one in found.steps] == ["load", "sum_up", "load_2", "sum_up_2", "load_3", "sum_up_3"]
    assert found.step("sum_up_3").step.inputs["table"] == FromStep("load_3", "table")


def test_pipelines_run_one_after_the_other_under_names_of_their_own():
    found = compiled(STEPS, PIPELINE, "@pipeline\ndef again():\n    load(1)", "train()\nagain()")
    assert [one.name for one in found.steps] == ["load", "sum_up", "load_2"]
    assert found.step("load_2").step.after == ("sum_up",)


def test_pipelines_in_pipelines_are_one():
    found = compiled(STEPS, PIPELINE, "@pipeline\ndef outer():\n    train(2)\n    load(9)")
    assert [one.name for one in found.steps] == ["load", "sum_up", "load_2"]


def test_a_pipeline_takes_outputs_of_step_cells():
    found = compiled(
        STEPS,
        "offset = make()",
        "%%step count -> n\nn = 3",
        "@step\ndef more(x): return x + n + offset\n@pipeline\ndef widen(x):\n    more(x)",
        "widen(n)",
    )
    more = found.step("more")
    assert more.step.inputs == {"x": FromStep("count", "n"), "n": FromStep("count", "n"), "offset": Captured("cell 2")}
    assert (more.call.arguments, [piece.text for piece in more.setup.pieces]) == (("x",), ["offset = make()"])
    assert [one.name for one in found.steps] == ["count", "more"]


def test_a_change_of_what_a_function_reaches_changes_its_fingerprint():
    def fingerprint(text):
        return compiled(text, PIPELINE).step("sum_up").step.fingerprint

    assert fingerprint(STEPS) == fingerprint(STEPS.replace("DEPTH = 4", "# how deep\nDEPTH = 4"))
    assert fingerprint(STEPS) == fingerprint(STEPS.replace("retries=2", "retries=3"))
    assert fingerprint(STEPS) != fingerprint(STEPS.replace("DEPTH = 4", "DEPTH = 5"))
    assert fingerprint(STEPS) != fingerprint(STEPS.replace("x * DEPTH", "x + DEPTH"))


@pytest.mark.usefixtures("workspace")
def test_a_function_counts_as_it_does_when_it_is_live():
    text = f"{STEPS}\n{PIPELINE}"
    linecache.cache["<cell>"] = (len(text), None, text.splitlines(keepends=True), "<cell>")
    namespace = {"__name__": "__main__"}
    exec(compile(text, "<cell>", "exec"), namespace)
    live, _ = namespace["train"].build()
    file = compiled(text)
    assert [one.step.fingerprint for one in file.steps] == [one.fingerprint for one in live.steps]
    assert [one.step.inputs for one in file.steps] == [one.inputs for one in live.steps]
    assert [one.step.settings for one in file.steps] == [one.settings for one in live.steps]


def test_functions_that_no_pipeline_calls_leave_the_notebook_whole():
    assert compiled(STEPS, "table, profile = load()").is_whole


@pytest.mark.parametrize(
    ("texts", "error", "told"),
    [
        ([STEPS, "@pipeline\ndef a(): load()\n@pipeline\ndef b(): load()"], UsageError, "'a' and 'b'"),
        ([STEPS, "n = make()\n@pipeline\ndef a(): load(n)"], GraphError, "reads 'n' of cell 2"),
        ([STEPS, PIPELINE, "train(make())"], GraphError, "Argument 'rows' of 'train' in cell 3"),
        ([STEPS, "@pipeline\ndef a():\n    table, _ = load()\n    total(table['a'])"], GraphError, "is indexed while"),
        ([STEPS, "@pipeline\ndef a():\n    1 / 0"], GraphError, "ZeroDivisionError"),
        ([STEPS, "@pipeline\ndef a():\n    load(row=1)"], UsageError, "Did you mean 'rows'?"),
        ([STEPS, "@pipeline\ndef a(n): load(n)"], UsageError, "needs the argument 'n'"),
        ([STEPS, "@pipeline\ndef a(): pass"], UsageError, "calls no step"),
        ([STEPS, "@step(retrie=1)\ndef s(): ...", PIPELINE], UsageError, "Did you mean 'retries'?"),
        ([STEPS, "@step(retries=make())\ndef s(): ...", PIPELINE], GraphError, "Option retries of @step 's'"),
        ([STEPS, "@step\ndef s(*a): ...", PIPELINE], UsageError, "takes *a"),
    ],
)
def test_mistakes_are_told(texts, error, told):
    with pytest.raises(error) as caught:
        compiled(*texts)
    assert told in str(caught.value) and caught.value.hint
