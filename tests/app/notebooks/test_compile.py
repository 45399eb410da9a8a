"""Compiling notebooks of `%%step` cells: what each step needs, what must run before, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mlstack_nb.app.notebooks.compile import compile_cells, compile_notebook
from mlstack_nb.core.step import Captured, FromParameter, FromStep, Literal
from mlstack_nb.core.types import is_data_file
from mlstack_nb.errors import (
    ConflictError,
    GraphError,
    NotFoundError,
    StepSyntaxError,
    UndefinedNameError,
    UsageError,
)
from mlstack_nb.source.notebook_file import Notebook, NotebookCell


def notebook(*cells, folder=None, **metadata):
    """Code cells; a pair is text and tags."""
    pairs = [(one, "") if isinstance(one, str) else one for one in cells]
    made = (NotebookCell(at, text, tags=tuple(tags.split())) for at, (text, tags) in enumerate(pairs))
    return Notebook("nb", tuple(made), folder, metadata=metadata)


def compiled(*cells, given=None, **more):
    return compile_cells(notebook(*cells, **more), given)


def step(*cells, name="s", **more):
    return compiled(*cells, **more).step(name)


def prelude(found):
    return [piece.text for piece in found.prelude]


def setup(found):
    return [piece.text for piece in found.setup.pieces]


# What travels with a step


def test_a_step_takes_only_the_definitions_it_needs_in_their_order():
    found = step(
        "import json, os\nimport math",
        "def area(r): return math.pi * r",
        "def unused(): ...",
        "class Shape:\n    def size(self): return area(1)",
        "print('hello')\nprint(unused())",
        "%%step s\nresult = Shape().size()",
    )
    assert prelude(found) == [
        "import math",
        "def area(r): return math.pi * r",
        "class Shape:\n    def size(self): return area(1)",
    ]
    assert not found.setup


@pytest.mark.parametrize(
    ("cell", "body", "expected"),
    [
        ("try:\n    import fast as json\nexcept ImportError:\n    import json", "json.dumps(1)", 1),
        ("from json import *", "dumps(1)", 1),
        ("@functools.cache\ndef f(): ...", "f()", 2),
        ("def outer():\n    def inner(): return math.pi\n    return inner", "outer()", 2),
        ("async def f(): return math.pi", "await f()", 2),
        ("f = lambda x: math.pi", "f(1)", 2),
        ("if True:\n    def f(): ...\nelse:\n    def f(): ...", "f()", 1),
        ("def f(x):\n    match x:\n        case {'a': math.pi}: return 1", "f(1)", 2),
        ("def f(): return [y for x in (1,) if (y := math.pi)]", "f()", 2),
        ("class A(abc.ABC): ...", "A()", 2),
        ("%matplotlib inline\nimport math as m", "m.pi", 2),
        ("!pip install pandas\nimport math as m", "m.pi", 1),
        ("%%time\ndef f(): return math.pi", "f()", 2),
        ("import warnings\nwarnings.filterwarnings('ignore')", "warnings.warn('x')", 2),
        ("from __future__ import annotations", "1", 1),
        ("%load_ext mlstack_nb\n%pipeline name x", "1", 0),
    ],
)
def test_what_real_notebooks_hold_travels(cell, body, expected):
    found = step("import functools\nimport math\nimport abc", cell, f"%%step s -> r\nr = {body}")
    assert len(prelude(found)) == expected
    assert not found.values


def test_cells_that_are_no_python_do_no_harm():
    cells = [NotebookCell(0, "# Title", "markdown"), NotebookCell(1, "raw", "raw")]
    texts = ["%%bash\necho $HOME", "%%html\n<b>", "", "# only a comment", "%%step s -> x\n%%time\nx = 1\n!echo {x}"]
    cells += [NotebookCell(at + 2, text) for at, text in enumerate(texts)]
    found = compile_cells(Notebook("nb", tuple(cells))).step("s")
    assert (found.label, [one.name for one in found.step.outputs]) == ("cell 7", ["x"])


def test_the_body_is_the_cell_as_it_is_written_and_knows_its_place():
    found = step("\n%%step s -> x --retries 2\n\n%time x = 1  # why\n!ls")
    (body,) = found.body
    assert (body.text, body.first_line, body.cell.index) == ("\n%time x = 1  # why\n!ls\n", 3, 0)
    assert (found.line, found.step.settings.retries) == ("s -> x --retries 2", 2)


def test_a_name_bound_in_one_branch_only_is_an_output_all_the_same():
    found = step("%%step s -> x\nif 1 > 2:\n    x = 1")
    assert [output.name for output in found.step.outputs] == ["x"]


# Edges


def test_a_name_comes_from_the_last_step_above():
    found = compiled("%%step a -> x\nx = 1", "%%step b -> x\nx = x + 1", "%%step c -> y\ny = x", "%%step d -> x\nx = 0")
    assert found.step("b").step.inputs == {"x": FromStep("a", "x")}
    assert found.step("c").step.inputs == {"x": FromStep("b", "x")}
    assert [one.name for one in found.pipeline.ordered()] == ["a", "b", "c", "d"]


def test_a_function_reads_outputs_of_steps():
    found = compiled("%%step a -> rows\nrows = []", "def size(): return len(rows)", "%%step s -> n\nn = size()")
    assert found.step("s").step.inputs == {"rows": FromStep("a", "rows")}


# Parameters


def test_constants_are_parameters_with_their_annotation_comment_and_place():
    found = compiled(
        ("rate: float = -0.1  # how fast\nnames = ['a', None]\nlimit = rate * 2\nspare = 1", "parameters"),
        "depth = 3",
        "%%step s\nuse = (rate, depth, limit)",
    )
    assert found.pipeline.parameters == {"rate": -0.1, "names": ["a", None], "spare": 1, "depth": 3}
    rate, depth, limit = (found.parameters[name] for name in ("rate", "depth", "limit"))
    assert (rate.annotation, rate.comment, rate.is_declared, rate.label) == ("float", "how fast", True, "cell 1")
    assert (depth.is_declared, limit.is_declared, limit.is_constant) == (False, True, False)
    assert found.step("s").step.inputs["rate"] == FromParameter("rate")


def test_a_given_parameter_reaches_what_is_computed_from_it():
    cells = [("a = 1\nb = a * 2", "parameters"), "c = [a, b]", "%%step s\nuse = (a, b, c)"]
    assert step(*cells, given={"a": 10}).parameters == {"a": 10, "b": 20, "c": [10, 20]}
    assert step(*cells, given={"b": 5}).parameters == {"a": 1, "b": 5, "c": [1, 5]}


def test_a_given_parameter_is_set_in_the_setup_where_the_notebook_sets_it():
    found = step(("a = 1", "parameters"), "x = make(a)", "%%step s\nuse = x", given={"a": "it's"})
    assert setup(found) == ['a = 1\na = "it\'s"', "x = make(a)"]


def test_a_constant_that_is_bound_anew_is_no_parameter_there():
    found = compiled("n = 1", "%%step a\nuse = n", "n = 2", "%%step b\nuse = n", given={"n": 7})
    assert [found.step(name).step.inputs["n"] for name in "ab"] == [FromParameter("n"), Literal(2)]
    assert [dict(found.step(name).parameters) for name in "ab"] == [{"n": 7}, {"n": 2}]


def test_the_last_cell_tagged_parameters_wins():
    found = compiled(("n = 1", "parameters"), ("n = 5", "injected-parameters"), "%%step s\nuse = n")
    assert found.pipeline.parameters == {"n": 5}


def test_a_declared_data_file_is_one():
    found = step(
        "from typing import Annotated\nfrom mlstack_nb import DataFile\nsource: Annotated[str, DataFile()] = 'a.csv'",
        "%%step s\nuse = open(source)",
    )
    assert is_data_file(found.step.input_types["source"])


@pytest.mark.parametrize(("given", "told"), [({"rats": 1}, "'rate'"), ({"rate": object()}, "Give a number")])
def test_what_can_not_be_given_is_told(given, told):
    with pytest.raises(UsageError) as caught:
        compiled("rate = 1", "%%step s\nuse = rate", given=given)
    assert told in caught.value.hint


# Values


def test_a_computed_value_is_captured_and_comes_with_its_setup():
    found = step(
        "import pandas as pd\nimport seaborn as sns",
        "FACTOR = 2",
        "frame = pd.DataFrame({'a': [FACTOR]})\nframe.head()",
        "sns.pairplot(frame)",
        "frame['b'] = 1",
        "%%step s -> n\nn = frame['b'].sum()",
    )
    assert found.step.inputs == {"frame": Captured("cell 5")}
    assert setup(found) == [
        "import pandas as pd",
        "FACTOR = 2",
        "frame = pd.DataFrame({'a': [FACTOR]})",
        "frame['b'] = 1",
    ]
    assert prelude(found) == []


def test_arithmetic_on_literals_needs_no_kernel():
    found = step("import os\nfrom pathlib import Path", "folder = Path('data') / 'raw'", "%%step s\nuse = folder")
    assert (found.step.inputs, bool(found.setup)) == ({"folder": Literal(Path("data/raw"))}, False)
    assert found.parameters == {"folder": Path("data/raw")}


def test_a_value_computed_from_a_step_waits_for_it():
    found = step("%%step load -> rows\nrows = []", "n = sum(rows)\nprint(n)", "%%step s\nuse = n")
    assert (setup(found), found.setup.inputs) == (["n = sum(rows)"], {"rows": FromStep("load", "rows")})
    assert found.step.needs == ("load",)


def test_values_stand_where_the_definitions_around_them_can_use_them():
    found = step(
        "class Box:\n    ...",
        "box = Box()",
        "def f(x=box): return x",
        "%%step s\nuse = f(), Box",
    )
    assert [piece.order < found.values["box"] for piece in found.prelude] == [True, False]


def test_steps_share_a_setup_unless_it_changes_their_values():
    found = compiled(
        "x = f()",
        "%%step a\nuse = x",
        "y = g(x)",
        "%%step b\nuse = y",
        "x = h(x)",
        "%%step c\nuse = x",
        "%%step d\nn = 1",
    )
    assert [[one.name for one in found.sharing(name)] for name in "abcd"] == [["a", "b"], ["a", "b"], ["c"], ["d"]]
    assert [piece.text for piece in found.setup(["a", "b"]).pieces] == ["x = f()", "y = g(x)"]


def test_a_cell_that_two_steps_share_is_executed_once_as_one_cell():
    found = compiled("x = f(); y = g()\nz = h()", "%%step a\nuse = x", "%%step b\nuse = z")
    assert [piece.text for piece in found.setup(["a", "b"]).pieces] == ["x = f(); y = g()\nz = h()"]


def test_values_of_two_steps_of_one_name_are_an_error():
    cells = ["%%step a -> r\nr = 1", "n = f(r)", "%%step b -> r\nr = 2", "m = f(r)", "%%step s\nuse = (n, m)"]
    with pytest.raises(GraphError, match=r"'s' \(cell 5\).*step 'a'.*step 'b'"):
        compiled(*cells)


# Mistakes


@pytest.mark.parametrize(
    ("cells", "error", "told"),
    [
        (["%%step s\nuse = tabel", "table = 1"], UndefinedNameError, "no step above gives"),
        (["table = 1", "%%step s\nuse = tabel"], UndefinedNameError, "Did you mean 'table'?"),
        (["%%step s\nuse = n", "n = 1"], UndefinedNameError, "in cell 2, below: move that above cell 1"),
        (["%%step s\nuse = n", "%%step t -> n\nn = 1"], UndefinedNameError, "in cell 2, below"),
        ([("n = 1", "skip"), "%%step s\nuse = n"], UndefinedNameError, "cell 1, which is tagged skip"),
        (["%%step s --after load\nn = 1", "%%step load\nm = 1"], UndefinedNameError, "stands below it (cell 2)"),
        (["%%step load\nm = 1", "%%step s --after lod\nn = 1"], UndefinedNameError, "Did you mean 'load'?"),
        (["%%step s\nn = 1", "%%step s\nm = 1"], ConflictError, "cell 1 and cell 2"),
        ([("%%step s\nn = 1", "step:t")], ConflictError, "its tag says 't'"),
        (["%%step s -> \nn = 1"], UsageError, "line of cell 1"),
        (["# load\n%%step s\nn = 1"], UsageError, "Move the comment"),
        (["%%step s\nn = (1"], StepSyntaxError, "Cell 1, line 2"),
        (["%%step a -> n\nn = []", "n.append(1)", "%%step s\nuse = n"], GraphError, "which cell 2 changes"),
        (["%%step a -> n\nn = []", "n = 1", "%%step s\nuse = n"], GraphError, "which cell 2 changes"),
        ([("n = (", "parameters"), "%%step s\nm = 1"], StepSyntaxError, "Cell 1, line 1"),
        ([("%%step s\nn = 1", "limit:memory")], UsageError, "limit:RESOURCE:AMOUNT"),
        (["df = read(\n", "%%step s\nuse = df"], StepSyntaxError, "Correct it, or tag the cell skip"),
    ],
)
def test_mistakes_name_the_cell_and_the_way_out(cells, error, told):
    with pytest.raises(error) as caught:
        compiled(*cells)
    assert told in str(caught.value) and caught.value.hint


def test_a_broken_cell_that_no_step_needs_is_left_out_with_a_notice():
    found = compiled("scratch = (", "n = 1", "%%step s\nuse = n", "and so on")
    assert [line.partition(":")[0] for line in found.notices] == ["cell 1 is left out", "cell 4 is left out"]


def test_a_broken_cell_that_is_skipped_says_nothing():
    assert compiled(("n = (", "skip"), "%%step s\nm = 1").notices == ()


def test_an_unknown_step_is_told_with_the_nearest():
    with pytest.raises(NotFoundError, match="train"):
        compiled("%%step train\nn = 1").step("trian")


# Names, files, whole notebooks


def test_a_pipeline_is_called_as_the_notebook_says():
    cells = ["%pipeline name first", "%%step s\nn = 1", "%pipeline name second"]
    assert compiled(*cells, kubeflow_notebook={"pipeline_name": "of-kale"}).name == "second"
    assert compiled("%%step s\nn = 1", kubeflow_notebook={"pipeline_name": "of-kale"}).name == "of-kale"
    assert compiled("%%step s\nn = 1", kubeflow_notebook={"pipeline_name": "-"}).name == "nb"


def test_modules_are_looked_for_from_the_notebooks_folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "areas.py").write_text("def area(r): return 3 * r\n")
    path = tmp_path / "notebooks" / "nb.ipynb"
    path.parent.mkdir()
    texts = ["import sys\nsys.path.append('../src')", "import areas", "%%step s -> a\na = areas.area(2)"]
    cells = [{"cell_type": "code", "metadata": {}, "source": text} for text in texts]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    before = list(sys.path)
    found = compile_notebook(path).step("s")
    assert "module areas: function area" in found.step.fingerprint.parts
    assert prelude(found) == ["import sys", "sys.path.append('../src')", "import areas"]
    assert sys.path == before


def test_a_notebook_without_steps_is_one_step():
    found = compiled(("n = 1\nm = n * 2", "parameters"), "print(n)", ("broken (", "skip"), "!ls\n%time x = n")
    assert (found.is_whole, [one.name for one in found.steps]) == (True, ["nb"])
    whole = found.step("nb")
    assert whole.step.inputs == {"n": FromParameter("n")}
    assert [body.cell.label for body in whole.body] == ["cell 1", "cell 2", "cell 4"]


def test_the_value_of_a_parameter_is_no_part_of_a_whole_notebooks_code():
    one, two, other = (
        compiled((f"n = {n}", "parameters"), f"print(n{more})").step("nb").step.fingerprint
        for n, more in ((1, ""), (2, ""), (1, " + 1"))
    )
    assert one == two != other


def test_a_notebook_with_steps_may_be_one_step():
    found = compile_cells(notebook("n = 1", "%%step s -> m\nm = n"), whole=True)
    assert (found.is_whole, len(found.steps), found.step("nb").step.outputs) == (True, 1, ())


def test_a_whole_notebook_with_a_broken_cell_is_an_error():
    with pytest.raises(StepSyntaxError, match="Cell 2"):
        compiled("n = 1", "m = (")


def test_a_notebook_without_code_is_an_error():
    with pytest.raises(UsageError, match="has no code"):
        compiled("", ("x", "skip"))


@pytest.mark.parametrize(
    ("reads", "hint"),
    [
        ("math.pi", "Step 'a' (cell 1) keeps it to itself: move its import or definition to a cell above."),
        ("half", "Step 'a' (cell 1) assigns it: write it among the outputs there, after the arrow."),
    ],
)
def test_what_a_step_cell_above_keeps_to_itself_is_told(reads, hint):
    with pytest.raises(UndefinedNameError) as caught:
        compiled("%%step a -> x\nimport math\nhalf = 0.5\nx = 1", f"%%step b -> y\ny = {reads}")
    assert caught.value.hint == hint
