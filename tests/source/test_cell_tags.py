"""Kale's grammar of tags, and what is said of those that do not fit it."""

from __future__ import annotations

import pytest

from mlstack_nb.core.step import Resources
from mlstack_nb.errors import UsageError
from mlstack_nb.source.cell_tags import CellTags, Role, parse_tags


def read(*tags: str) -> CellTags:
    return parse_tags(tags, where="cell 3")


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ("skip", Role.SKIP),
        ("imports", Role.IMPORTS),
        ("functions", Role.FUNCTIONS),
        ("pipeline-parameters", Role.PARAMETERS),
        ("parameters", Role.PARAMETERS),
        ("injected-parameters", Role.PARAMETERS),
        ("pipeline-metrics", Role.METRICS),
    ],
)
def test_special_tags_decide_alone(tag, role):
    assert read("step:a", tag, "limit:memory:x y") == CellTags(role)


@pytest.mark.parametrize("word", ["step", "block"])
def test_a_step_has_a_name_and_names_those_before_it(word):
    found = read(f"{word}:train_2", "prev:load", "prev:clean")
    assert (found.role, found.step, found.after) == (Role.STEP, "train_2", ("load", "clean"))


@pytest.mark.parametrize("tag", ["step:", "block:"])
def test_a_step_tag_without_a_name_joins_the_step_above(tag):
    assert read(tag).role is Role.NONE


def test_how_a_step_runs_is_read_into_resources():
    found = read(
        "step:a",
        "limit:nvidia.com/gpu:2",
        "limit:memory:4Gi",
        "label:team:risk",
        "annotation:example.com/docs:http://host:80/path",
        "secret:s3:key:AWS_SECRET_ACCESS_KEY",
        "image:registry:5000/ml/base:1.2",
        "cache:disabled",
        "report:enabled",
    )
    assert found.resources == Resources(
        limits={"nvidia.com/gpu": "2", "memory": "4Gi"},
        labels={"team": "risk"},
        annotations={"example.com/docs": "http://host:80/path"},
        secrets={"AWS_SECRET_ACCESS_KEY": ("s3", "key")},
        image="registry:5000/ml/base:1.2",
    )
    assert (found.cache, found.report) == (False, True)


def test_tags_of_other_tools_are_kept_and_say_nothing():
    found = read("hide-input", "step:a", "raises-exception", "remove:cell", "cached", "limit")
    assert found == CellTags(
        Role.STEP, "a", foreign=("hide-input", "raises-exception", "remove:cell", "cached", "limit")
    )


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("step:Load Data", "step:load_data"),
        ("prev:Load", "prev:load"),
        ("step:2nd", "step:NAME"),
        ("limit:memory", "limit:RESOURCE:AMOUNT"),
        ("label:team", "label:KEY:VALUE"),
        ("annotation:-x:1", "annotation:KEY:VALUE"),
        ("secret:a:b", "secret:SECRET:KEY:VARIABLE"),
        ("image:", "image:REFERENCE"),
        ("cache:off", "cache:enabled"),
        ("report:yes", "report:enabled"),
        ("notebook:other", "its own"),
    ],
)
def test_a_tag_that_is_nearly_right_is_told_how_to_be(tag, hint):
    with pytest.raises(UsageError) as caught:
        read(tag)
    assert "cell 3" in caught.value.what and repr(tag) in caught.value.what
    assert hint in caught.value.hint.replace("a pipeline of its own", "its own")


def test_a_cell_is_one_step():
    with pytest.raises(UsageError, match="two steps: a and b"):
        read("step:a", "block:b")


def test_a_step_does_not_wait_for_itself():
    with pytest.raises(UsageError, match="wait for itself"):
        read("step:a", "prev:a")


def test_tags_of_a_step_win_over_those_of_all_steps():
    base = read("limit:memory:1Gi", "limit:cpu:1", "cache:disabled", "image:base")
    found = read("step:a", "limit:memory:8Gi", "cache:enabled").over(base)
    assert found.resources.limits == {"cpu": "1", "memory": "8Gi"}
    assert (found.cache, found.resources.image, found.step) == (True, "base", "a")
