from __future__ import annotations

from typing import Any

import pytest

from mlstack_nb.app.differences import Side, differences
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import State, StepRun


def side(run_id: str = "a", *, sources: Any = None, producers: Any = None, states: Any = None, **facts: Any) -> Side:
    return Side(StepRun(run_id, "train", State.COMPLETED, **facts), sources or {}, producers or {}, states or {})


def texts(before: Side, after: Side) -> list[str]:
    return [finding.text for finding in differences(before, after)]


@pytest.mark.parametrize(
    ("label", "before", "after", "kind", "text"),
    [
        ("package scikit-learn", "1.7.1", "1.7.2", "package", "scikit-learn 1.7.1 -> 1.7.2"),
        ("package numpy", None, "2.0.0", "package", "numpy 2.0.0 is used now"),
        ("package numpy", "2.0.0", None, "package", "numpy is no longer used"),
        ("package own", "unversioned 1a", "unversioned 2b", "package", "own changed"),
        ("python", "3.11", "3.12", "python", "python 3.11 -> 3.12"),
        ("body", "1", "2", "body", "the body changed"),
        ("function clean", "1", "2", "function", "function `clean` changed"),
        ("class Model", None, "2", "class", "class `Model` is used now"),
        ("import np", "1", None, "import", "import `np` is no longer used"),
        ("import from helpers import *", "1", "2", "import", "import `from helpers import *` changed"),
        ("statement register(clean)", "1", "2", "statement", "statement `register(clean)` changed"),
        ("module pkg.mod: function f", "1", "2", "function", "function `f` of module pkg.mod changed"),
        ("module pkg.mod: constant LIMIT", "1", "2", "constant", "constant `LIMIT` of module pkg.mod changed"),
        ("module pkg.mod", "1", "2", "module", "module `pkg.mod` changed"),
        ("closure depth", "1", "2", "closure", "closure variable `depth` changed"),
        ("global table", "1", "2", "global", "global `table` changed"),
        ("value table now", "1", "2", "value", "the value of `table` changed"),
        ("value table", "1", "2", "value", "value `table` changed"),
        ("content of source", "1", "2", "content", "the content of `source` changed"),
        ("file data.csv", "1", "2", "file", "file `data.csv` changed"),
        ("something of a later version", "1", "2", "other", "something of a later version changed"),
    ],
)
def test_a_part_that_differs_is_told_in_words(label: str, before: Any, after: Any, kind: str, text: str) -> None:
    old, new = ({label: part} if part else {} for part in (before, after))
    (found,) = differences(side(fingerprint=old), side(fingerprint=new))
    assert (found.kind, found.text, found.before, found.after) == (kind, text, before, after)


def test_the_source_of_a_changed_part_is_compared_line_by_line() -> None:
    before = side("a", fingerprint={"body": "1"}, sources={"body": "x = 1\ny = 2"})
    after = side("b", fingerprint={"body": "2"}, sources={"body": "x = 1\ny = 3"})
    assert differences(before, after)[0].diff.splitlines() == [
        "--- body (run a)",
        "+++ body (run b)",
        "@@ -1,2 +1,2 @@",
        " x = 1",
        "-y = 2",
        "+y = 3",
    ]


def test_without_the_earlier_source_there_is_no_diff() -> None:
    found = differences(side(fingerprint={"body": "1"}), side(fingerprint={"body": "2"}, sources={"body": "x"}))
    assert [one.diff for one in found] == [""]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({"depth": 5}, {"depth": 6}, "parameter depth 5 -> 6"),
        ({"depth": 1}, {"depth": True}, "parameter depth 1 -> True"),
        ({"depth": 1}, {"depth": 1.0}, "parameter depth 1 -> 1.0"),
        ({}, {"depth": 6}, "parameter depth=6 is read now"),
        ({"depth": 5}, {}, "parameter depth is no longer read"),
        ({"rows": [0] * 99}, {"rows": [0] * 98}, "parameter rows changed"),
    ],
)
def test_a_parameter_that_differs_is_told_with_its_values(before: Any, after: Any, text: str) -> None:
    assert texts(side(parameters=before), side(parameters=after)) == [text]


def test_a_tuple_is_the_list_that_the_catalog_made_of_it() -> None:
    assert texts(side(parameters={"shape": [1, 2]}), side(parameters={"shape": (1, 2)})) == []


def test_a_changed_input_names_the_step_it_came_from_and_what_that_did() -> None:
    old = side(inputs={"df": "1"}, producers={"df": "load"})
    for state, rest in ((State.COMPLETED, ", which ran again"), (State.CACHED, ", which came from the cache")):
        new = side(inputs={"df": "2"}, producers={"df": "load"}, states={"load": state})
        assert texts(old, new) == [f"input `df` changed content, from step `load`{rest}"]
    assert texts(old, side(inputs={"df": "2"})) == ["input `df` changed content, from an ordinary cell"]


def test_inputs_come_and_go() -> None:
    old, new = side(inputs={"a": "1"}, producers={"a": "load"}), side(inputs={"b": "1"}, producers={"b": "split"})
    assert texts(old, new) == [
        "input `a` from step `load` is no longer read",
        "input `b` from step `split` is read now",
    ]


def test_other_outputs_are_a_difference() -> None:
    outputs = {name: Artifact(name, "builtins.int", "m:M", "d", 1) for name in ("a", "b")}
    assert texts(side(outputs={"a": outputs["a"]}), side(outputs=outputs)) == ["outputs changed: a -> a, b"]


def test_code_comes_before_parameters_inputs_and_packages() -> None:
    old = side(fingerprint={"package a": "1", "function f": "1", "python": "3.11"}, inputs={"x": "1"})
    new = side(
        fingerprint={"package a": "2", "function f": "2", "function g": "1", "body": "2", "python": "3.12"},
        inputs={"x": "2"},
        parameters={"p": 1},
    )
    kinds = [(one.kind, one.name) for one in differences(old, new)]
    assert kinds == [
        ("body", "body"),
        ("function", "f"),
        ("function", "g"),
        ("parameter", "p"),
        ("input", "x"),
        ("package", "a"),
        ("python", "python"),
    ]
