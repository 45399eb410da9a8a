"""What a cache key is made of besides the code itself: constants as parameters, outputs by their names in the code."""

from __future__ import annotations

from typing import Any

from mlstack_nb.core.digest import digest
from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.step import Fingerprint, Output, Settings, Step
from mlstack_nb.engine.keys import cache_key


def step(parts: dict[str, str], *outputs: str, **settings: Any) -> Step:
    ordered = dict(sorted(parts.items()))
    made = tuple(Output(name, name) for name in outputs)
    return Step("s", {}, made, Fingerprint(digest(list(ordered.items())), ordered), Settings(**settings))


def key(made: Step, **parameters: str) -> str:
    return cache_key(made, inputs={}, parameters=parameters)


def test_a_constant_counts_as_a_parameter_would() -> None:
    assert key(step({"body": "b", "constant X": "3"}, "y")) == key(step({"body": "b"}, "y"), X="3")
    assert key(step({"body": "b", "constant X": "3"}, "y")) != key(step({"body": "b"}, "y"), X="4")
    assert key(step({"body": "b", "constant X": "3"}, "y")) != key(step({"body": "b"}, "y"))


def test_a_constant_and_a_parameter_of_one_name_do_not_change_places() -> None:
    one, other = step({"body": "b", "constant X": "3"}, "y"), step({"body": "b", "constant X": "4"}, "y")
    assert key(one, X="4") != key(other, X="3")


def test_constants_of_other_modules_are_no_parameters() -> None:
    assert key(step({"body": "b", "module m: constant X": "3"}, "y")) != key(step({"body": "b"}, "y"), X="3")


def test_an_output_counts_by_the_name_that_the_code_has_for_it() -> None:
    assert key(step({"body": "b", "returns": "model"}, "trained")) == key(step({"body": "b"}, "model"))
    assert key(step({"body": "b", "returns": "model"}, "trained")) != key(step({"body": "b"}, "trained"))
    assert key(step({"body": "b", "returns": "a, b"}, "x", "y")) != key(
        step({"body": "b", "returns": "b, a"}, "x", "y")
    )


def test_several_names_in_one_output_count_as_code() -> None:
    assert key(step({"body": "b", "returns": "a, b"}, "pair")) != key(step({"body": "b", "returns": "b, a"}, "pair"))


def test_a_function_that_returns_nothing_has_the_key_of_a_cell_without_outputs() -> None:
    assert key(step({"body": "b", "returns": ""}, "output")) == key(step({"body": "b"}))


def test_a_policy_leaves_out_the_same_of_both() -> None:
    policy = CachePolicy(exclude=("parameter:X", "constant:X"))
    constant = step({"body": "b", "constant X": "3", "constant Y": "1"}, "y", policy=policy)
    given = step({"body": "b"}, "y", policy=policy)
    assert key(constant) == key(given, X="4", Y="1")
    assert key(constant) != key(given, X="4", Y="2")
