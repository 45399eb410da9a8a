"""Functions as captured values and parameters: they count by their code and by what they hold."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import pytest

from mlstack_nb.engine.keys import is_plain, value_digest


def adder(by):
    def add(x):
        return x + by

    return add


def taker(x):
    return x - 1


TABLE = {}


def registered(x):
    return TABLE[x]


TABLE["registered"] = registered


@pytest.fixture
def digest_of(engine):
    return lambda value: value_digest(value, engine.codec)


@pytest.mark.parametrize(
    "make",
    [
        lambda: taker,
        lambda: adder(1),
        lambda: functools.partial(taker, 1),
        lambda: functools.cache(adder(1)),
        lambda: {"a": [adder(1), taker]},
        lambda: TABLE,
    ],
)
def test_a_function_counts_the_same_when_it_is_made_again(digest_of, make):
    assert is_plain(make())
    assert digest_of(make()) == digest_of(make())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (adder(1), adder(2)),
        (adder(1), taker),
        (functools.partial(taker, 1), functools.partial(taker, 2)),
        (functools.partial(taker, x=1), functools.partial(taker, 1)),
        ([adder(1), taker], [taker, adder(1)]),
        ([adder(1)], (adder(1),)),
    ],
)
def test_other_code_or_other_values_held_count_otherwise(digest_of, one, other):
    assert digest_of(one) != digest_of(other)


def test_what_a_function_closes_over_counts_by_content(digest_of):
    import pandas as pd

    def over(frame):
        return lambda: len(frame)

    assert digest_of(over(pd.DataFrame({"a": [1]}))) == digest_of(over(pd.DataFrame({"a": [1]})))
    assert digest_of(over(pd.DataFrame({"a": [1]}))) != digest_of(over(pd.DataFrame({"a": [2]})))


def test_functions_that_lead_to_each_other_are_walked_once(digest_of):
    """Twenty layers of two functions, each calling both of the layer below: a million paths, forty functions."""
    scope: dict[str, object] = {"a0": taker, "b0": taker, "__name__": "__main__"}
    for layer in range(1, 21):
        for letter in "ab":
            text = f"def {letter}{layer}(x): return a{layer - 1}(x) + b{layer - 1}(x)"
            exec(text, scope)
    before = digest_of(scope["a20"])
    scope["b0"] = adder(1)
    assert digest_of(scope["a20"]) != before


@pytest.mark.parametrize("make", [lambda: [Path("rows.csv"), 1], lambda: {"a": (Path("rows.csv"), taker)}])
def test_paths_in_a_container_count_by_their_file(digest_of, tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("1")
    before = digest_of(make())
    Path("rows.csv").write_text("2")
    assert is_plain(make())
    assert digest_of(make()) != before


def test_a_function_of_no_module_counts_by_what_was_compiled(digest_of):
    def made(text):
        scope: dict[str, object] = {}
        exec(text, scope)
        return scope["f"]

    assert digest_of(made("def f(x): return x + 1")) == digest_of(made("def f(x):\n    return x + 1"))
    assert digest_of(made("def f(x): return x + 1")) != digest_of(made("def f(x): return x + 2"))
    assert digest_of(made("def f(x): return [lambda: 1]")) != digest_of(made("def f(x): return [lambda: 2]"))


@pytest.mark.parametrize("make", [lambda: json.dumps, lambda: [math.sqrt, len], lambda: {"a": json.JSONEncoder}])
def test_functions_and_classes_that_are_installed_count_by_their_names(digest_of, make):
    assert digest_of(make()) == digest_of(make())
    assert len({digest_of(one) for one in (make(), json.loads, [math.exp, len], {"a": json.JSONDecoder})}) == 4
