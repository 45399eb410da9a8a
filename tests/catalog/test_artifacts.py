from __future__ import annotations

from typing import Any

import pytest

from mlstack_nb.catalog.artifacts import get_version, latest_versions, read_by, versions, with_digest
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.errors import NotFoundError


def run(tell: Any, run_id: str, *, load: int = 1, act: str = "execute", **changes: Any) -> None:
    story = tell(run_id)
    story.begin(**changes)
    getattr(story, act)("load", value=load, key=f"load {load}")
    getattr(story, act)("train", value=load, name="model", key=f"train {load}")
    story.finish()


def test_the_newest_version_of_each_artifact_is_listed_by_name(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1")
    run(tell, "r2", load=2)
    found = [(version.artifact.name, version.version, version.run_id) for version in latest_versions(catalog)]
    assert found == [("model", 2, "r2"), ("p::load::y", 2, "r2")]


def test_a_version_tells_what_it_is_and_who_made_it(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1", load=7)
    found = get_version(catalog, "model")
    assert (found.version, found.run_id, found.pipeline, found.step, found.output) == (1, "r1", "p", "train", "y")
    assert (found.artifact.inline, found.artifact.metadata) == ("7", {"value": 7})
    assert found.artifact.preview == {"text/plain": "7"}


def test_an_older_version_stays_as_it_was(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1", load=1)
    run(tell, "r2", load=2)
    assert [get_version(catalog, "model", number).artifact.inline for number in (1, 2)] == ["1", "2"]
    assert [version.version for version in versions(catalog, "model")] == [2, 1]


def test_a_version_that_is_not_there_names_those_that_are(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1")
    run(tell, "r2")
    with pytest.raises(NotFoundError, match="no version 9; its versions are 1 to 2"):
        get_version(catalog, "model", 9)


def test_an_unknown_artifact_offers_the_nearest(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1")
    with pytest.raises(NotFoundError) as error:
        versions(catalog, "modle")
    assert error.value.hint == "Did you mean 'model'?"


def test_lineage_names_the_steps_that_read_a_version(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1", load=1)
    run(tell, "r2", load=2)
    first = get_version(catalog, "p::load::y", 1)
    assert [(reading.run_id, reading.step, reading.input) for reading in read_by(catalog, first)] == [
        ("r1", "train", "x")
    ]


def test_a_cached_step_counts_as_a_reader(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1")
    run(tell, "r2", act="reuse")
    readings = read_by(catalog, get_version(catalog, "p::load::y"))
    assert [(reading.run_id, reading.state) for reading in readings] == [("r2", "cached"), ("r1", "completed")]


def test_equal_content_of_another_step_or_pipeline_is_not_read(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1", load=1)
    run(tell, "r2", load=1, pipeline="other")
    readings = read_by(catalog, get_version(catalog, "p::load::y", 1))
    assert [reading.run_id for reading in readings] == ["r1"]
    assert read_by(catalog, get_version(catalog, "model")) == []


def test_content_is_found_whatever_it_is_called(catalog: Catalog, tell: Any) -> None:
    run(tell, "r1", load=1)
    run(tell, "r2", load=2)
    known = get_version(catalog, "p::load::y", 1).artifact
    found = with_digest(catalog, known.digest)
    assert (found and found.inline, with_digest(catalog, "0" * 64)) == ("1", None)
