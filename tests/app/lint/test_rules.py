"""The table of rules, and the page about them, whose examples are checked as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from linted import found

from mlstack_nb.errors import UsageError
from mlstack_nb.source.lint.checks import CHECKS
from mlstack_nb.source.lint.rules import FAMILIES, RULES, chosen

PAGE = (Path(__file__).parents[3] / "docs" / "lint.md").read_text()
SECTIONS = {part[:6]: part for part in re.split(r"^## (?=MLS)", PAGE, flags=re.MULTILINE)[1:]}


def cells(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)\n```", text, flags=re.DOTALL)


def test_ids_are_sorted_stable_in_form_and_of_a_family() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(re.fullmatch(r"MLS[1-4]\d\d", rule) and rule[:4] in FAMILIES for rule in RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    assert set(CHECKS) < set(RULES)


def test_every_rule_is_in_the_pages_table_as_it_is_in_the_code() -> None:
    rows = re.findall(r"^\| \[(MLS\d+)\]\(#([\w-]+)\) \| ([\w-]+) \| (.*) \| (yes)? ?\|$", PAGE, flags=re.MULTILINE)
    assert [(rule, name, finds, fix == "yes") for rule, _, name, finds, fix in rows] == [
        (rule.id, rule.name, rule.finds, rule.is_fixable) for rule in RULES.values()
    ]
    assert [anchor for _, anchor, *_ in rows] == [f"{rule.id.lower()}-{rule.name}" for rule in RULES.values()]


def test_every_rule_has_a_section_that_says_why_and_how() -> None:
    assert list(SECTIONS) == list(RULES)
    for rule in RULES.values():
        assert SECTIONS[rule.id].startswith(f"{rule.id} {rule.name}\n\nFinds {rule.finds}. {rule.why} {rule.fix}\n")


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_example_has_that_fault_alone_and_the_good_one_has_none(rule: str) -> None:
    bad, good = SECTIONS[rule].split("\nFine:\n")
    assert {one.rule for one in found(*cells(bad), without="")} == {rule}
    assert cells(good)
    assert found(*cells(good), without="") == []


def test_what_is_fixable_is_explained() -> None:
    table = PAGE.split("## What `--fix` does")[1].split("\n## ")[0]
    assert set(re.findall(r"MLS\d+", table)) == {rule.id for rule in RULES.values() if rule.is_fixable}


def test_rules_are_chosen_by_id_beginning_and_name_in_any_case() -> None:
    assert chosen() == frozenset(RULES)
    assert chosen(["mls2"]) == {"MLS201", "MLS202", "MLS203"}
    assert chosen(["MLS1", "wall-clock"], ["MLS10"]) == {"MLS202"}
    assert chosen(ignore=["MLS"]) == frozenset()


@pytest.mark.parametrize("word", ["", "M", "201", "MLS9", "wall clock", "E501"])
def test_a_word_that_names_no_rule_is_an_error(word: str) -> None:
    with pytest.raises(UsageError):
        chosen([word])
