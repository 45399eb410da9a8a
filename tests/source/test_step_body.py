"""A step cell and the function made of it are the same code; what differs in meaning differs in digest."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.step_body import body_of_cell, body_of_function, returned


def cell(text: str) -> dict[str, str]:
    return body_of_cell(parse(text, label="cell 1").code)


def function(text: str) -> dict[str, str]:
    node: Any = ast.parse(text).body[0]
    return dict(body_of_function(node).parts)


@pytest.mark.parametrize(
    ("as_cell", "as_function", "returns"),
    [
        ("y = x + 1", "def f(x):\n    y = x + 1\n    return y", "y"),
        (
            "y = x\nz = y",
            "def f(x: int = 3) -> tuple[int, int]:\n    '''Doc.'''\n    y = x\n    z = y\n    return y, z",
            "y, z",
        ),
        ("print(x)", "def f(x) -> None:\n    print(x)", ""),
        ("y = x\ny", "def f(x):\n    y = x\n    display(y)\n    return y", "y"),
        ("y = x\ny.head()", "def f(x):\n    y = x\n    display(y.head())\n    return y", "y"),
        ("display(x)", "def f(x):\n    display(x)", ""),
        ("'text'", "def f():\n    display('text')", ""),
        ("y = await x", "async def f(x):\n    y = await x\n    return y", "y"),
        ("def g(): return 1\ny = g()", "def f():\n    def g():\n        return 1\n    y = g()\n    return y", "y"),
    ],
)
def test_a_cell_and_its_function_have_the_same_parts(as_cell: str, as_function: str, returns: str) -> None:
    assert function(as_function) == {**cell(as_cell), "returns": returns}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x):\n    return x, y", "def f(x):\n    return y, x"),
        ("def f(x):\n    return x", "def f(x):\n    return x + 1"),
        ("def f(x):\n    y = x\n    return y", "def f(x):\n    y = x"),
        ("def f(x):\n    return [x]", "def f(x):\n    return x"),
        ("def f(x):\n    return (x,)", "def f(x):\n    return x"),
        ("def f(x):\n    yield x", "def f(x):\n    x"),
        ("def f(x):\n    g(x)", "def f(x):\n    display(g(x))"),
        ("def f(x):\n    if x:\n        return 1", "def f(x):\n    if x:\n        return None"),
        ("def f(x):\n    def g(): return 1\n    return g", "def f(x):\n    def g(): return 2\n    return g"),
        ("def f(x):\n    def g(): pass\n    def g(): return 1\n    g()", "def f(x):\n    def g(): return 1\n    g()"),
    ],
)
def test_what_means_something_else_is_something_else(one: str, other: str) -> None:
    assert function(one) != function(other)


def test_what_a_cell_shows_last_counts_and_a_call_that_shows_nothing_does_not() -> None:
    assert cell("x = 1\nx") != cell("x = 1")
    assert cell("f(x)\n1") != cell("f(x)")
    assert cell("df.head()") == cell("display(df.head())")
    assert cell("print(1)") != cell("display(print(1))")


def test_names_that_are_returned_stand_for_outputs_only_where_there_are_as_many() -> None:
    assert returned({"returns": "a, b"}, 2) == ("a", "b")
    assert returned({"returns": "a, b"}, 1) is None
    assert returned({"returns": ""}, 1) == ()
    assert returned({"returns": ""}, 2) is None
    assert returned({"body": "x"}, 1) is None


def test_the_annotations_of_variables_are_read_as_a_cell_reads_them() -> None:
    node: Any = ast.parse("def f(x: Hidden):\n    y: Model = x\n    return y").body[0]
    assert {"Model"} <= set(body_of_function(node).code.names.reads)
    assert "Hidden" not in body_of_function(node).code.names.reads
