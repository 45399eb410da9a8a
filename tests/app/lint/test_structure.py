"""MLS4: cells that can not be read or do not fit together, types, outputs; and comments that switch rules off."""

from __future__ import annotations

import pytest
from linted import found, in_module, in_step, notebook, rules

from mlstack_nb.app.lint.notebooks import lint_cells


def only(*cells: object) -> list[str]:
    return rules(*cells, without="")


# What can not be compiled


def test_syntax_errors_are_findings_with_their_line() -> None:
    one = found("%%step s -> a\nb = 1\na = = 2")[0]
    assert (one.rule, one.where) == ("MLS401", "cell 1, line 3")
    assert one.message == "Invalid syntax: `a = = 2`"


def test_every_cell_that_is_no_python_is_told_and_the_others_are_read() -> None:
    cells = ("import numpy as np", "some prose here", "%%step s -> a\na = np.random.rand()", "print 'x'")
    assert rules(*cells) == ["2:1 MLS401", "3:2 MLS201", "4:1 MLS401"]


def test_skipped_cells_and_other_languages_are_not_read() -> None:
    assert (
        rules(("some prose here", "skip"), "%%bash\nls -l | wc", "%%html\n<p>", "%%step s -> a\na = 1", "!ls\n%pwd")
        == []
    )


def test_a_syntax_error_does_not_hide_what_step_cells_hold() -> None:
    cells = ("import boto3", "%%step s -> a\na = boto3.client('s3')", "%%step t -> b\nb = (")
    assert rules(*cells) == ["2:2 MLS101", "3:2 MLS401"]


def test_a_cycle_is_a_finding() -> None:
    functions = "from mlstack_nb import pipeline, step\n@step\ndef f(x: int = 1) -> int:\n    return x"
    cells = (("a = 1", "step:one prev:two"), ("b = 1", "step:two prev:one"))
    assert [one.rule for one in found(functions, *cells)] in (["MLS402"], ["MLS403"])


@pytest.mark.parametrize(
    "cells",
    [
        ("%%step s -> a\na = 1", "%%step s -> b\nb = 1"),
        ("%%step s -> a --retry 2\na = 1",),
        (("a = 1", "step:One Two"),),
        ("%%step\na = 1",),
    ],
)
def test_steps_that_do_not_compile_are_a_finding(cells: tuple[str, ...]) -> None:
    told = found(*cells)
    assert [one.rule for one in told] == ["MLS402"]
    assert told[0].place.cell.startswith("cell ")
    assert told[0].hint


def test_an_empty_notebook_has_nothing_wrong() -> None:
    assert found() == []
    assert found("", "  \n") == []


def test_a_file_that_is_no_python_is_a_finding() -> None:
    assert in_module("def f(:\n    pass\n") == ["1 MLS401"]
    assert in_module("") == []


# Hidden state


def test_a_name_that_nothing_above_gives_is_found_where_it_is_read() -> None:
    cells = ("%%step s -> a\nb = 1\na = later", "later = 1")
    one = found(*cells)[0]
    assert (one.rule, one.where) == ("MLS403", "cell 1, line 3")
    assert one.hint == "It is defined in cell 2, below: move that above cell 1."


def test_an_ordinary_cell_that_changes_what_a_step_gave_is_found_there() -> None:
    cells = ("%%step s -> a\na = [1]", "# more\na.append(2)", "%%step t -> b\nb = a")
    assert [(one.rule, one.where) for one in found(*cells)] == [("MLS403", "cell 2, line 2")]


def test_that_counts_also_where_no_step_reads_it_again() -> None:
    cells = ("%%step s -> a\na = {}", "a['x'] = 1", "print(a)")
    assert rules(*cells) == ["2:1 MLS403"]
    assert "step 's' (cell 1)" in found(*cells)[0].message


@pytest.mark.parametrize("cell", ["b = a", "print(a)", "a", "a = [2]", "for a in [1]: print(a)", "a.describe()"])
def test_reading_and_binding_anew_at_the_end_is_fine(cell: str) -> None:
    assert rules("%%step s -> a\na = [1]", cell) == []


def test_a_notebook_without_steps_is_read_from_the_top() -> None:
    cells = (
        "import math",
        "def area(r):\n    return math.pi * r * factor",
        "print(size)",
        "size = 1\nfactor = 2\narea(1)",
    )
    assert [(one.rule, one.where, one.hint) for one in found(*cells)] == [
        ("MLS403", "cell 3, line 1", "Move cell 4 above cell 3.")
    ]
    assert rules("%pylab inline\nplot(zeros(3))") == []
    assert rules("from numpy import *\nzeros(3)") == []
    assert rules("try:\n    x\nexcept NameError:\n    x = 1") == []


# Types


def test_outputs_without_a_type_are_told_once_for_a_step() -> None:
    one = lint_cells(notebook("%%step s -> a, b, c\n\na = 1\nb: int = 2\nc, d = 1, 2"))
    assert [(x.rule, x.line, x.message) for x in one] == [("MLS404", 3, "Outputs a, c of step 's' have no type.")]


@pytest.mark.parametrize(
    "cell",
    [
        "%%step s -> a\na: int = 1",
        "%%step s -> a\na: int\na, b = 1, 2",
        "%%step s\na = 1",
        "%%step s -> f\ndef f(): return 1",
        "%%step s -> math\nimport math",
    ],
)
def test_typed_outputs_code_and_those_that_nobody_asked_for_are_fine(cell: str) -> None:
    assert only(cell) == []


def test_outputs_that_were_not_declared_count_when_they_are_read() -> None:
    assert only("%%step s\na = 1\nb = 2", "%%step t -> c\nc: int = a") == ["1:2 MLS404"]


def test_step_functions_need_a_return_type_when_they_return_something() -> None:
    text = "from mlstack_nb import step\n@step\ndef f(x):\n    {}\n"
    assert in_module(text.format("return x"), without="") == ["3 MLS404"]
    assert in_module(text.format("print(x)"), without="") == []
    assert in_module(text.format("return"), without="") == []
    assert in_module(text.replace("(x):", "(x) -> int:").format("return x"), without="") == []
    inner = "def g():\n        return 1\n    g()"
    assert in_module(text.format(inner), without="") == []


def test_step_functions_in_cells_do_so_too() -> None:
    cells = (
        "from mlstack_nb import pipeline, step",
        "@step\ndef load():\n    return 1",
        "@pipeline\ndef p():\n    load()\np()",
    )
    assert only(*cells) == ["2:2 MLS404"]


# Unused outputs


def test_an_output_that_nothing_reads_is_found_where_it_is_assigned() -> None:
    cells = ("%%step s -> a, b\na = 1\nb = 2", "%%step t -> c\nc = a")
    one = found(*cells)[0]
    assert (one.rule, one.where) == ("MLS405", "cell 1, line 3")


@pytest.mark.parametrize(
    "cells",
    [
        ("%%step s -> a, b\na = 1\nb = 2",),  # results of the pipeline
        ("%%step s -> a, b\na = 1\nb = 2", "%%step t -> c\nc = a", "print(b)"),
        ("%%step s -> a, b\na = 1\nb = 2\nb", "%%step t -> c\nc = a"),
        ("%%step s -> a, b\na = 1\nb = 2\nif a:\n    print(f'{b:.2f}')\nd = 1", "%%step t -> c\nc = a"),
        ("%%step s -> a, b\na = 1\nb: Annotated[int, 'size'] = 2", "%%step t -> c\nc = a"),
        ("%%step s\na = 1\nb = 2", "%%step t -> c\nc = a"),
        ("%%step s -> a, b\na = 1\nb = 2", "def f():\n    return b", "%%step t -> c\nc = a + f()"),
        ("%%step s -> a, b\na = 1\nb = 2", "total = b * len('x')", "%%step t -> c\nc = a + total"),
        ("%%step s -> a, b\na = 1\nb = 2", "%%step t -> c\nc = a", ("print(b)", "pipeline-metrics")),
        ("%%step s -> a, b\na = 1\nb = 2", "%%step t -> c\nc = a", "!echo {b}"),
        ("%%step s -> a, b\na = 1\nb = 2", "%%step t -> c\nc = a", "eval('b')"),
    ],
)
def test_results_and_what_anybody_reads_are_fine(cells: tuple[str, ...]) -> None:
    imports = "from typing import Annotated"
    assert rules(imports, *cells) == []


# Comments


@pytest.mark.parametrize(
    "comment", ["# noqa", "# noqa: MLS201", "# NOQA:MLS2", "#noqa: E501, MLS201", "# why  # noqa: MLS201"]
)
def test_a_comment_switches_a_rule_off_for_its_line(comment: str) -> None:
    assert in_step(f"x = np.random.rand()  {comment}", imports="import numpy as np") == []


@pytest.mark.parametrize("comment", ["# noqa: MLS202", "# noqa: E501", "# MLS201", "# noqa: MLS1"])
def test_another_comment_does_not(comment: str) -> None:
    assert in_step(f"x = np.random.rand()  {comment}", imports="import numpy as np") == ["1 MLS201"]


def test_a_comment_on_any_line_of_a_call_counts_and_one_beside_it_does_not() -> None:
    imports = "from sklearn.model_selection import train_test_split"
    call = ("x = train_test_split(", "    [1, 2],", "    test_size=1,{}", ")")
    assert in_step(*[line.format("  # noqa: MLS201") for line in call], imports=imports) == []
    assert in_step("pass  # noqa", *[line.format("") for line in call], "pass  # noqa", imports=imports) == ["2 MLS201"]


def test_comments_count_for_types_outputs_and_errors_too() -> None:
    assert only("%%step s -> a\na = 1  # noqa: MLS404") == []
    assert only("%%step s -> a, b\na: int = 1\nb: int = 2  # noqa: MLS405", "%%step t -> c\nc: int = a") == []
    assert only("%%step s -> a\na: int = nothing  # noqa: MLS403") == []
    assert in_module("import boto3\nx = boto3.client('s3')  # noqa: MLS101\n") == []
