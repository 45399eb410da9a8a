from __future__ import annotations

from typing import Any

import pytest


def test_tags_are_registered_listed_changed_and_deleted(mlstack: Any) -> None:
    assert mlstack("tag", "list").out == "No tags.\n"
    made = mlstack("tag", "register", "production", "--exclusive", "--color", "red", "--json").json
    assert (made["name"], made["color"], made["exclusive"], made["cascade"]) == ("production", "red", True, False)
    mlstack("tag", "update", "production", "--name", "prod", "--cascade")
    assert mlstack("tag", "list").out.splitlines()[1].split() == ["prod", "red", "yes", "yes", "0"]
    assert mlstack("tag", "delete", "prod").out == "Deleted tag 'prod'.\n"
    assert mlstack("tag", "list", "--json").json == []


def test_things_are_tagged_and_untagged(mlstack: Any, ran: Any) -> None:
    ran()
    on = [("--run", "last"), ("--pipeline", "adding"), ("--artifact", "numbers"), ("--artifact-version", "numbers:1")]
    for option in on:
        assert mlstack("tag", "add", "a", "b", *option).code == 0
    assert [row["uses"] for row in mlstack("tag", "list", "--json").json] == [4, 4]
    said = mlstack("tag", "remove", "a", "--artifact-version", "adding::total::sum")
    assert said.out == "Took off artifact version 'adding::total::sum': a.\n"
    for option in on[:3]:
        mlstack("tag", "remove", "a", *option)
    assert [row["uses"] for row in mlstack("tag", "list", "--json").json] == [1, 4]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a"), "Say it: --run last"),
        (("add", "a", "--run", "never"), "Run: mlstack runs list"),
        (("add", "a", "--artifact", "number"), "Did you mean 'numbers'?"),
        (("add", "a", "--pipeline", "addin"), "Did you mean 'adding'?"),
        (("add", "a", "--run", "last", "--pipeline", "adding"), "Name a pipeline, a run"),
        (("register", "a", "--color", "gren"), "Did you mean 'green'?"),
        (("delete", "a"), "Run: mlstack tag list"),
        (("update", "a", "--color", "red"), "Run: mlstack tag list"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(mlstack: Any, ran: Any, words: tuple[str, ...], said: str) -> None:
    ran()
    done = mlstack("tag", *words)
    assert done.code != 0 and said in done.err
