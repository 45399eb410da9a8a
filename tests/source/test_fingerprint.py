"""What makes a step's fingerprint change, and what does not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.core.step import Fingerprint
from mlstack_nb.source.cell import parse
from mlstack_nb.source.fingerprint import PYTHON, of_cell
from mlstack_nb.source.reach import reach
from mlstack_nb.source.scope import NotebookScope

ORDINARY = """\
import math
import numpy as np
from sklearn.linear_model import LogisticRegression
from functools import lru_cache

DEPTH = 3

class Base:
    '''A base.'''
    rate = 0.5

class Model(Base):
    def fit(self, data):
        return weigh(data) * self.rate

def weigh(data, power=2):
    return [shift(item) ** power for item in data]

@lru_cache
def shift(item, by=math.pi):
    return item + by + DEPTH

double = lambda value: value * 2

def unused():
    return 'unused'
"""
STEP = """\
model = Model().fit(df)
score = double(len(model))
text = 'done'
"""


def fingerprint(step: str = STEP, *ordinary: str) -> Fingerprint:
    scope = NotebookScope()
    for number, text in enumerate(ordinary or (ORDINARY,), 1):
        scope.add(parse(text, label=f"In[{number}]"))
    cell = parse(step, label="step")
    return of_cell(cell, reach(cell, scope, outputs=("df",)), scope)


def changed(edit: Mapping[str, str]) -> set[str]:
    """The labels of the parts that differ once each key of `edit` is replaced by its value."""
    step, ordinary = STEP, ORDINARY
    for old, new in edit.items():
        assert old in step + ordinary
        step, ordinary = step.replace(old, new), ordinary.replace(old, new)
    before, after = fingerprint(), fingerprint(step, ordinary)
    parts = {label for label in {**before.parts, **after.parts} if before.parts.get(label) != after.parts.get(label)}
    assert (before.digest == after.digest) == (not parts)
    return parts


def test_the_parts_are_labelled_for_people() -> None:
    from importlib.metadata import version

    parts = fingerprint(STEP + "clf = LogisticRegression(np.e)\n").parts
    assert sorted(parts) == [
        "body",
        "class Base",
        "class Model",
        "function double",
        "function shift",
        "function weigh",
        "import LogisticRegression",
        "import lru_cache",
        "import math",
        "import np",
        "package numpy",
        "package scikit-learn",
        "python",
    ]
    assert (parts["python"], parts["package scikit-learn"]) == (PYTHON, version("scikit-learn"))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"len(model)": "len(model) + 1"}, {"body"}),
        ({"'done'": "'Done'"}, {"body"}),
        ({"rate = 0.5": "rate = 0.6"}, {"class Base"}),
        ({"weigh(data) * self": "weigh(data) / self"}, {"class Model"}),
        ({"power=2": "power=3"}, {"function weigh"}),
        ({"** power": "** -power"}, {"function weigh"}),
        ({"by=math.pi": "by=math.e"}, {"function shift"}),
        ({"value * 2": "value * 2.0"}, {"function double"}),
        ({"@lru_cache\n": ""}, {"function shift", "import lru_cache"}),
        ({"import lru_cache": "import cache as lru_cache"}, {"import lru_cache"}),
        ({"import math": "import cmath as math"}, {"import math"}),
        ({"class Model(Base)": "class Model"}, {"class Model", "class Base"}),
        ({"+ DEPTH": "+ DEPTH + np.e"}, {"function shift", "import np", "package numpy"}),
        ({"weigh": "weight"}, {"class Model", "function weigh", "function weight"}),
    ],
)
def test_what_the_step_reaches_changes_exactly_its_part(edit: dict[str, str], expected: set[str]) -> None:
    assert changed(edit) == expected


@pytest.mark.parametrize(
    "edit",
    [
        {"'unused'": "'used'"},
        {"def unused():\n    return 'unused'\n": ""},
        {"DEPTH = 3": "DEPTH = 4"},  # a parameter of the step, so not of its code
        {"DEPTH = 3": "\n\n# how deep\nDEPTH = 3"},
        {"'''A base.'''": "'''The base of models.'''"},
        {"'''A base.'''": ""},
        {"'done'": '"done"'},
        {"model = Model().fit(df)": "model = (Model()\n         .fit(df))  # fit"},
        {"import math\nimport numpy as np": "import math, numpy as np"},
        {"LogisticRegression": "Ridge"},
        {"def weigh(data, power=2):": "def weigh(\n    data,\n    power = 2,\n):\n    'Weigh.'"},
    ],
)
def test_what_the_step_does_not_reach_and_how_it_is_written_change_nothing(edit: dict[str, str]) -> None:
    assert changed(edit) == set()


def test_the_order_and_division_of_ordinary_cells_do_not_count() -> None:
    pieces = ORDINARY.split("\n\n")
    assert fingerprint(STEP, *reversed(pieces)).digest == fingerprint().digest


def test_another_cell_of_the_same_name_counts_once_it_ran() -> None:
    assert fingerprint(STEP, ORDINARY, "def shift(item): return item").digest != fingerprint().digest
    assert fingerprint(STEP, "def shift(item): return item", ORDINARY).digest == fingerprint().digest


def test_what_changes_a_definition_afterwards_counts() -> None:
    assert fingerprint(STEP, ORDINARY, "Model.rate = 0.7").digest != fingerprint().digest


def test_options_set_on_an_import_count_for_who_uses_it() -> None:
    step = "x = np.zeros(3)"
    assert fingerprint(step, ORDINARY, "np.option.mode = 1").digest != fingerprint(step).digest


def test_a_magic_s_text_counts_and_its_python_is_read_as_code() -> None:
    assert fingerprint("!ls a").digest != fingerprint("!ls b").digest
    assert fingerprint("%%time\nx  =  1").digest == fingerprint("%%time\nx = 1").digest
    assert "function double" in fingerprint("%time x = double(2)").parts


def test_imports_inside_the_step_name_their_packages() -> None:
    assert "package pandas" in fingerprint("def f():\n  import pandas.io.json as j\n  return j\nf()").parts
    assert "package polars" in fingerprint("%time import polars").parts


def test_a_package_that_is_not_there_is_named() -> None:
    assert fingerprint("import nobody_wrote_this").parts["package nobody_wrote_this"] == "not installed"


def test_a_redefined_helper_is_seen_in_the_same_scope() -> None:
    scope = NotebookScope()
    scope.add(parse(ORDINARY, label="In[1]"))
    cell = parse(STEP, label="step")
    before = of_cell(cell, reach(cell, scope), scope)
    assert of_cell(cell, reach(cell, scope), scope) is before
    scope.add(parse("def shift(item): return item", label="In[2]"))
    assert of_cell(cell, reach(cell, scope), scope).digest != before.digest
    scope.remove("In[2]")
    assert of_cell(cell, reach(cell, scope), scope).digest == before.digest


COMMENTS = st.sampled_from(["# note", "", "    # note", "\n\n", "# a = 1"])


@given(st.lists(st.tuples(st.integers(0, 40), COMMENTS), max_size=8), st.text("abc \n", max_size=8))
def test_comments_blank_lines_and_docstrings_never_count(notes: list[tuple[int, str]], doc: str) -> None:
    lines = ORDINARY.replace("'''A base.'''", f"'''{doc}'''").split("\n")
    for position, note in notes:
        lines.insert(min(position, len(lines)), note)
    step = "\n".join([*(note.strip() for _, note in notes), STEP])
    assert fingerprint(step, "\n".join(lines)).digest == fingerprint().digest


def test_every_part_that_is_code_has_its_source_with_the_comments() -> None:
    commented = ORDINARY.replace("return [shift(item)", "# heavy\n    return [shift(item)")
    found = fingerprint(STEP + "# the end\n", commented)
    assert set(found.parts) - set(found.sources) == {"python", "package numpy", "package scikit-learn"} & set(
        found.parts
    )
    assert found.sources["body"] == STEP + "# the end\n"
    weigh = "def weigh(data, power=2):\n    # heavy\n    return [shift(item) ** power for item in data]"
    assert found.sources["function weigh"] == weigh
    assert found.sources["function shift"].startswith("@lru_cache\ndef shift")
    assert found == fingerprint()


NUMBERS = st.one_of(st.integers(-5, 5), st.floats(-1, 1), st.sampled_from(["'2'", "True", "None", "[2]"])).map(str)


@given(NUMBERS, NUMBERS, st.sampled_from(["*", "+", "-", "//", "@"]))
def test_any_edit_of_reached_literals_and_operators_counts(power: str, factor: str, operator: str) -> None:
    edited = ORDINARY.replace("power=2", f"power={power}").replace("value * 2", f"value {operator} {factor}")
    is_same = (power, factor, operator) == ("2", "2", "*")
    assert (fingerprint(STEP, edited).digest == fingerprint().digest) is is_same


@given(st.text("abc()[]'\"+ 123", max_size=12))
def test_any_edit_of_what_is_not_reached_does_not_count(text: str) -> None:
    edited = ORDINARY.replace("'unused'", repr(text)) + f"\nother = {text!r}\nprint({text!r})\n"
    assert fingerprint(STEP, edited).digest == fingerprint().digest
