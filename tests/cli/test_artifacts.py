from __future__ import annotations

from typing import Any


def test_artifacts_are_listed_for_people_and_programs(mlstack: Any, ran: Any) -> None:
    assert mlstack("artifacts", "list").out == "No artifacts.\n"
    ran()
    found = mlstack("artifacts", "list", "--json").json
    assert [(row["name"], row["version"]) for row in found] == [("adding::total::sum", 1), ("numbers", 1)]
    assert mlstack("artifacts", "list").out.splitlines()[2].split()[:4] == ["numbers", "1", "list", "7"]
    assert mlstack("artifacts", "versions", "numbers", "--json").json == [found[1]]


def test_an_artifact_shows_its_lineage(mlstack: Any, ran: Any) -> None:
    done = ran()
    shown = mlstack("artifacts", "show", "numbers").out
    assert f"made by   output numbers of step load, run {done.id}" in shown
    assert shown.splitlines()[-1].split()[:4] == ["total", "items", done.id, "completed"]
    assert mlstack("artifacts", "show", "numbers", "--version", 1, "--json").json["read_by"][0]["step"] == "total"
    assert mlstack("artifacts", "show", "adding::total::sum").out.endswith("No step has read it.\n")


def test_an_unknown_artifact_or_version_says_what_there_is(mlstack: Any, ran: Any) -> None:
    ran()
    assert mlstack("artifacts", "show", "number").err.endswith("Did you mean 'numbers'?\n")
    assert mlstack("artifacts", "show", "numbers", "--version", 5).code == 1
