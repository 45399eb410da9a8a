"""`mlstack model`."""

from __future__ import annotations

import pytest

from mlstack_nb import Model, log_model_metadata, pipeline, step
from tests.cli.conftest import Mlstack


@step
def load(n: int) -> list[int]:
    log_model_metadata({"rows": n})
    return list(range(n))


@pipeline(name="training", model=Model("fraud", license="MIT", tags=["bank"]))
def training(n: int = 3) -> None:
    load(n)


@pytest.fixture(autouse=True)
def two_versions(mlstack: Mlstack) -> None:
    training(3)
    training(4)


def test_list_shows_versions_and_stages(mlstack: Mlstack) -> None:
    mlstack("model", "promote", "fraud", 1, "production")
    header, row = mlstack("model", "list").out.splitlines()
    assert header.split() == ["MODEL", "VERSIONS", "LATEST", "PRODUCTION", "STAGING", "TAGS", "CREATED"]
    assert row.split()[:5] == ["fraud", "2", "2", "1", "bank"]
    (found,) = mlstack("model", "list", "--json").json
    assert (found["name"], found["version_count"], found["stages"]) == ("fraud", 2, {"production": "1"})


def test_show_tells_what_is_said_and_lists_the_versions(mlstack: Mlstack) -> None:
    out = mlstack("model", "show", "fraud").out
    assert "license  MIT" in out and "rows=4" in out
    found = mlstack("model", "show", "fraud", "--json").json
    assert [version["number"] for version in found["versions"]] == [2, 1]
    assert mlstack("model", "versions", "fraud", "--json").json == found["versions"]


@pytest.mark.parametrize("version", ["1", "production"])
def test_show_of_a_version_tells_what_belongs_to_it(mlstack: Mlstack, version: str) -> None:
    mlstack("model", "promote", "fraud", 1, "production")
    out = mlstack("model", "show", "fraud", version).out
    assert "stage     production" in out and "training::load::output" in out
    found = mlstack("model", "show", "fraud", version, "--json").json
    assert (found["number"], found["metadata"], len(found["runs"])) == (1, {"rows": 3}, 1)
    assert [artifact["name"] for artifact in found["artifacts"]] == ["training::load::output"]
    assert found["registered"] is None


def test_promote_asks_for_force_where_the_stage_is_taken(mlstack: Mlstack) -> None:
    assert "is now in stage 'production'" in mlstack("model", "promote", "fraud", "1", "production").out
    done = mlstack("model", "promote", "fraud", "latest", "production")
    assert done.code == 1 and "--force" in done.err
    assert mlstack("model", "promote", "fraud", "latest", "production", "--force").code == 0
    stages = {one["version"]: one["stage"] for one in mlstack("model", "versions", "fraud", "--json").json}
    assert stages == {"1": "archived", "2": "production"}


def test_promote_offers_the_nearest_stage_and_model(mlstack: Mlstack) -> None:
    assert "Did you mean 'staging'?" in mlstack("model", "promote", "fraud", "1", "stageing").err
    assert "Did you mean 'fraud'?" in mlstack("model", "promote", "froud", "1", "staging").err


def test_update_changes_a_model_or_a_version(mlstack: Mlstack) -> None:
    mlstack("model", "update", "fraud", "--description", "finds it", "--name", "theft", "-t", "new")
    found = mlstack("model", "show", "theft", "--json").json
    assert (found["description"], found["license"], found["tags"]) == ("finds it", "MIT", ["bank", "new"])
    mlstack("model", "update", "theft", "1", "--description", "the first", "--name", "first", "--remove-tag", "bank")
    version = mlstack("model", "show", "theft", "first", "--json").json
    assert (version["number"], version["description"], version["tags"]) == (1, "the first", [])


def test_update_says_what_it_needs(mlstack: Mlstack) -> None:
    assert mlstack("model", "update", "fraud").code == 2
    done = mlstack("model", "update", "fraud", "1", "--license", "MIT")
    assert done.code == 2 and "Say it of the model." in done.err


def test_delete_takes_a_version_or_the_model(mlstack: Mlstack) -> None:
    assert "Deleted version 1 of model 'fraud'" in mlstack("model", "delete", "fraud", "1", "--yes").out
    assert [one["number"] for one in mlstack("model", "versions", "fraud", "--json").json] == [2]
    mlstack("model", "delete", "fraud", "-y")
    assert mlstack("model", "list", "--json").json == []
    assert "No models." in mlstack("model", "list").out


def test_sync_needs_a_registry(mlstack: Mlstack) -> None:
    done = mlstack("model", "sync", "fraud")
    assert done.code == 1 and "component register model_registry" in done.err
