"""`--map` and `--product` on a `%%step` line."""

from __future__ import annotations

import pytest

from mlstack_nb.errors import UsageError
from mlstack_nb.source.step_line import complete, help_text, parse


def test_a_line_names_the_item_and_its_list_before_or_after_the_outputs():
    before = parse("score --map model in models -> scores")
    after = parse("score -> scores --map model in models")
    assert (before.over, before.crossed, before.outputs) == ((("model", "models"),), False, ("scores",))
    assert after == before


def test_several_lists_are_walked_together_or_crossed():
    assert parse("s --map a in xs --map b in ys").over == (("a", "xs"), ("b", "ys"))
    crossed = parse("s --product a in xs --product b in ys")
    assert (crossed.over, crossed.crossed) == ((("a", "xs"), ("b", "ys")), True)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("s --map", "names no list"),
        ("s --map a", "names no list"),
        ("s --map a of xs", "names no list"),
        ("s --map a in [1]", "names no list"),
        ("s --map if in xs", "names no list"),
        ("s --map a in xs --map a in ys", "Two lists give 'a'"),
        ("s --map a in xs --product b in ys", "not by both"),
    ],
)
def test_what_is_no_such_pair_is_told_with_the_right_form(line, problem):
    with pytest.raises(UsageError, match=problem):
        parse(line)


def test_help_and_completion_know_them():
    assert "--map NAME in LIST" in help_text()
    assert complete("s --map a ") == ["in"]
    assert "--map" in complete("s --map a in xs --")
