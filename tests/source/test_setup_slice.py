"""Which lines of ordinary cells give the values that a step reads."""

from __future__ import annotations

import pytest

from mlstack_nb.source.cell import parse
from mlstack_nb.source.ordinary import lines_of
from mlstack_nb.source.scope import NotebookScope
from mlstack_nb.source.setup_slice import Timeline, setup_slice


def sliced(*cells, wanted="x", traces=True):
    """The lines that give `wanted`; a cell `step NAME: a b` is a step that gives a and b."""
    scope, timeline = NotebookScope(), Timeline()
    for number, text in enumerate(cells):
        if text.startswith("step "):
            name, _, given = text.removeprefix("step ").partition(": ")
            timeline.give(name, given.split())
            continue
        cell = parse(text, label=f"cell {number + 1}")
        scope.add(cell)
        timeline.add(lines_of(cell, number))
    return setup_slice(wanted.split(), timeline, scope, traces=traces)


def texts(*cells, **more):
    return [line.text for line in sliced(*cells, **more).lines]


def test_only_what_leads_to_the_value_is_taken():
    assert texts("import a\nimport b", "n = b.n\nm = 1", "print(n)", "x = a.f(n)", "y = x") == [
        "import a",
        "import b",
        "n = b.n",
        "x = a.f(n)",
    ]


def test_a_name_counts_as_it_was_where_it_was_read():
    assert texts("n = 1", "x = f(n)", "n = 2", "def f(a): return a") == ["n = 1", "x = f(n)", "def f(a): return a"]


def test_what_changes_the_value_in_place_is_taken():
    assert texts("x = load()", "x['a'] = 1", "x.head()", "x.info()", "x.describe()") == ["x = load()", "x['a'] = 1"]


def test_a_call_for_its_effect_on_the_value_is_taken():
    assert texts("x = connect()", "x.declare('a')", "print(x)") == ["x = connect()", "x.declare('a')"]


def test_a_change_under_another_name_is_taken():
    cells = ["x = load()", "same = x", "same.append(1)"]
    assert texts(*cells, "other = 1") == cells


def test_functions_bring_what_they_read():
    assert texts("RATE = 2", "def g(a): return a * RATE", "def f(a): return g(a)", "unused = 1", "x = f(1)") == [
        "RATE = 2",
        "def g(a): return a * RATE",
        "def f(a): return g(a)",
        "x = f(1)",
    ]


def test_registered_functions_are_taken():
    cells = ["TABLE = {}", "def put(f):\n    TABLE[f.__name__] = f", "@put\ndef one(): ...", "x = list(TABLE)"]
    assert texts(*cells) == cells


def test_random_numbers_are_drawn_in_their_order():
    cells = [
        "import numpy as np",
        "np.random.seed(0)",
        "a = np.random.rand(2)",
        "b = np.zeros(2)",
        "x = np.random.rand()",
    ]
    assert texts(*cells) == [cells[0], cells[1], cells[2], cells[4]]


def test_files_and_settings_above_are_left_behind_too():
    cells = [
        "!mkdir data",
        "%cd data",
        "!pip install pandas",
        "save.to_csv('a.csv')",
        "x = read('a.csv')",
        "!rm -r data",
    ]
    assert texts("save = f()", *cells) == ["save = f()", cells[0], cells[1], cells[3], cells[4]]
    assert texts("save = f()", *cells, traces=False) == [cells[4]]


def test_outputs_of_steps_above_are_inputs():
    found = sliced("step a: rows", "n = 1", "step b: rows", "x = n + len(rows)")
    assert ([line.text for line in found.lines], found.inputs) == (["n = 1", "x = n + len(rows)"], {"rows": "b"})


def test_outputs_of_one_name_and_two_steps_are_told():
    found = sliced("step a: rows", "n = len(rows)", "step b: rows", "x = n + len(rows)")
    assert found.torn == {"rows": ("a", "b")}


def test_a_cell_magic_is_taken_whole():
    found = sliced("%%capture x\nprint(1)\ny = 2")
    assert [(line.text, line.is_alone) for line in found.lines] == [("%%capture x\nprint(1)\ny = 2", True)]
    assert texts("%%time\nx = f()") == ["x = f()"]


def test_statements_on_one_line_stay_together():
    assert texts("a = 1; x = f(a); b = 2\nc = 3") == ["a = 1; x = f(a); b = 2"]


@pytest.mark.parametrize("text", ["try:\n    import a\nexcept ImportError:\n    x = None", "if a:\n    x = f()"])
def test_a_compound_statement_is_taken_whole(text):
    assert texts("x = 1", "a = 2", text)[-1] == text


def test_what_may_stay_is_taken_too():
    assert texts("x = 1", "a = 2", "if a:\n    x = f()") == ["x = 1", "a = 2", "if a:\n    x = f()"]


def test_names_of_star_imports_bring_the_import():
    assert texts("from os import *", "x = getcwd()") == ["from os import *", "x = getcwd()"]


def test_a_value_takes_its_place_where_it_is_bound():
    assert sliced("x = f()", "x.append(1)").place("x") == (0, 0)
