from __future__ import annotations

import zipfile
from typing import Any

from mlstack_nb import save_artifact


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


def test_a_version_is_downloaded(mlstack: Any, ran: Any) -> None:
    ran()
    assert mlstack("artifacts", "download", "numbers", "numbers.zip").code == 0
    with zipfile.ZipFile("numbers.zip") as archive:
        assert archive.read("value.txt") == b"[1,2,3]"
    again = mlstack("artifacts", "download", "numbers", "numbers.zip")
    assert again.code == 2 and "overwrite" in again.err
    assert mlstack("artifacts", "download", "numbers", "numbers.zip", "--overwrite", "--version", 1).code == 0


def test_artifacts_are_tagged_and_chosen_by_their_tags(mlstack: Any, ran: Any) -> None:
    ran()
    mlstack("artifacts", "tag", "numbers", "source", "daily")
    mlstack("artifacts", "tag", "adding::total::sum", "daily", "--version", 1)
    assert [row["name"] for row in mlstack("artifacts", "list", "--tag", "source", "--json").json] == ["numbers"]
    assert len(mlstack("artifacts", "list", "--tag", "daily", "--json").json) == 2
    assert len(mlstack("artifacts", "list", "--tag", "daily", "--limit", 1, "--json").json) == 1
    assert mlstack("artifacts", "show", "adding::total::sum", "--json").json["tags"] == ["daily"]
    mlstack("artifacts", "tag", "numbers", "source", "--remove")
    assert mlstack("artifacts", "list", "--tag", "source").out == "No artifacts.\n"


def test_only_what_is_not_used_is_deleted(mlstack: Any, ran: Any) -> None:
    ran()
    save_artifact([1], "draft")
    save_artifact([2], "draft", version="second")
    refused = mlstack("artifacts", "delete", "numbers")
    assert refused.code == 1 and "is used by a run" in refused.err
    assert mlstack("artifacts", "delete", "numbers", "--files-only").code == 0
    assert mlstack("artifacts", "delete", "numbers", "--files-only", "--keep-files").code == 2
    assert "made by   hand, outside of steps" in mlstack("artifacts", "show", "draft", "--version", "second").out
    assert mlstack("artifacts", "delete", "draft", "--version", "second").out.startswith("Deleted version second")
    assert [row["name"] for row in mlstack("artifacts", "prune", "--files", "--json").json] == ["draft"]
    assert mlstack("artifacts", "prune").out == "Every version is used.\n"
    assert len(mlstack("artifacts", "list", "--json").json) == 2
