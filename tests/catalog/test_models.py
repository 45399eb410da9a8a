"""Models, versions, stages and links as rows."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from mlstack_nb.catalog import deployments, logged, tags
from mlstack_nb.catalog import models as rows
from mlstack_nb.catalog.database import Catalog
from mlstack_nb.core.deployment import DeploymentRecord, DeploymentState
from mlstack_nb.core.model import Stage
from mlstack_nb.core.tag import Tag
from mlstack_nb.errors import CatalogError, ConflictError, NotFoundError


def made(catalog: Catalog, count: int = 2) -> None:
    with catalog.write() as connection:
        rows.put_model(connection, "fraud", {"license": "MIT"})
        for _ in range(count):
            rows.add_version(connection, "fraud")


def stages(catalog: Catalog) -> dict[str, str]:
    with catalog.read() as connection:
        return {version.name: version.stage.value for version in rows.versions(connection, "fraud")}


def promote(catalog: Catalog, number: int, stage: Stage, *, force: bool = False) -> None:
    with catalog.write() as connection:
        rows.set_stage(connection, rows.get_version(connection, "fraud", number), stage, force=force)


def test_versions_are_numbered_and_named_by_their_numbers(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        named = rows.add_version(connection, "fraud", name="candidate")
        after = rows.add_version(connection, "fraud")
    assert (named.number, named.name, after.number, after.name) == (3, "candidate", 4, "4")


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(None, 3), ("latest", 3), (1, 1), ("2", 2), ("candidate", 3), ("production", 2), (Stage.LATEST, 3), ("none", 3)],
)
def test_a_version_is_found_by_number_name_and_stage(catalog: Catalog, wanted: int | str, number: int) -> None:
    made(catalog)
    with catalog.write() as connection:
        rows.add_version(connection, "fraud", name="candidate")
    promote(catalog, 2, Stage.PRODUCTION)
    with catalog.read() as connection:
        assert rows.get_version(connection, "fraud", wanted).number == number


def test_what_there_is_none_of_is_told_with_what_there_is(catalog: Catalog) -> None:
    made(catalog)
    with catalog.read() as connection:
        for name, wanted, hint in (
            ("fraud", 9, "Its versions, newest first: 2, 1."),
            ("fraud", "staging", "Put one there: mlstack model promote fraud 2 staging"),
            ("froud", None, "Did you mean 'fraud'?"),
        ):
            with pytest.raises(NotFoundError) as raised:
                rows.get_version(connection, name, wanted)
            assert raised.value.hint == hint


def test_a_stage_has_one_version_and_force_moves_the_holder_to_the_archive(catalog: Catalog) -> None:
    made(catalog, 3)
    promote(catalog, 1, Stage.PRODUCTION)
    with pytest.raises(ConflictError, match="taken by version '1'"):
        promote(catalog, 2, Stage.PRODUCTION)
    promote(catalog, 2, Stage.PRODUCTION, force=True)
    promote(catalog, 3, Stage.PRODUCTION, force=True)
    assert stages(catalog) == {"3": "production", "2": "archived", "1": "archived"}


def test_putting_a_version_where_it_is_changes_nothing(catalog: Catalog) -> None:
    made(catalog)
    promote(catalog, 1, Stage.STAGING)
    promote(catalog, 1, Stage.STAGING)
    promote(catalog, 1, Stage.PRODUCTION)
    assert stages(catalog) == {"2": "none", "1": "production"}


def test_the_database_itself_lets_a_stage_have_one_version(catalog: Catalog) -> None:
    made(catalog)
    promote(catalog, 1, Stage.PRODUCTION)
    with pytest.raises((CatalogError, IntegrityError)), catalog.write() as connection:
        rows._put_stage(connection, rows.get_version(connection, "fraud", 2), Stage.PRODUCTION)
    assert stages(catalog) == {"2": "none", "1": "production"}


def test_a_name_that_is_taken_is_refused(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        rows.add_version(connection, "fraud", name="candidate")
        with pytest.raises(ConflictError, match="has a version 'candidate' already"):
            rows.add_version(connection, "fraud", name="candidate")
        with pytest.raises(ConflictError, match="has a version 'candidate' already"):
            rows.change_version(connection, rows.get_version(connection, "fraud", 1), {"name": "candidate"})


def test_what_is_said_of_a_model_is_added_to_and_taken_back(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        assert rows.put_model(connection, "fraud", {"description": "finds it"}) is False
        assert rows.get_model(connection, "fraud").about == {"license": "MIT", "description": "finds it"}
        rows.put_model(connection, "fraud", {"license": ""})
        assert rows.get_model(connection, "fraud").about == {"description": "finds it"}


def test_a_renamed_model_keeps_versions_tags_and_links(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        version = rows.get_version(connection, "fraud", 1)
        rows.link(connection, version, rows.RUN, ["r1"])
        tags.attach(connection, rows.MODEL, "fraud", [Tag(name="best")])
        rows.rename_model(connection, "fraud", "theft")
        assert [one.number for one in rows.versions(connection, "theft")] == [2, 1]
        assert rows.links(connection, rows.get_version(connection, "theft", 1), rows.RUN) == ["r1"]
        assert tags.tags_by_subject(connection, rows.MODEL, ["theft"])["theft"] == ("best",)


def test_links_are_made_once_and_taken_off_again(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        version = rows.get_version(connection, "fraud", 1)
        for _ in range(2):
            rows.link(connection, version, rows.ARTIFACT_VERSION, ["7", "8"])
        assert sorted(rows.links(connection, version, rows.ARTIFACT_VERSION)) == ["7", "8"]
        assert rows.versions_linked(connection, rows.ARTIFACT_VERSION, "7", "fraud") == [version]
        rows.unlink(connection, version, rows.ARTIFACT_VERSION, ["7"])
        assert rows.links(connection, version, rows.ARTIFACT_VERSION) == ["8"]


def test_the_newest_version_with_all_of_some_artifacts_is_found(catalog: Catalog) -> None:
    made(catalog, 3)
    with catalog.write() as connection:
        for number, subjects in ((1, ["1", "2"]), (2, ["1", "2", "3"]), (3, ["2"])):
            rows.link(connection, rows.get_version(connection, "fraud", number), rows.ARTIFACT_VERSION, subjects)
        found = rows.newest_with_all(connection, "fraud", [1, 2])
        assert found is not None and found.number == 2
        assert rows.newest_with_all(connection, "fraud", [1, 4]) is None


def test_deleting_a_model_takes_all_that_is_known_of_it(catalog: Catalog) -> None:
    made(catalog)
    with catalog.write() as connection:
        version = rows.get_version(connection, "fraud", 1)
        rows.link(connection, version, rows.RUN, ["r1"])
        logged.log(connection, rows.VERSION, str(version.id), {"auc": 0.9})
        rows.delete_model(connection, "fraud")
        assert rows.list_models(connection) == []
        assert rows.versions_linked(connection, rows.RUN, "r1") == []
        assert logged.logged(connection, rows.VERSION, [str(version.id)]) == {str(version.id): {}}


def test_numbers_go_on_after_the_newest_version_was_deleted_in_the_middle(catalog: Catalog) -> None:
    made(catalog, 3)
    with catalog.write() as connection:
        rows.delete_version(connection, rows.get_version(connection, "fraud", 2))
        assert rows.add_version(connection, "fraud").number == 4


def test_a_deployment_is_put_changed_and_deleted(catalog: Catalog) -> None:
    record = DeploymentRecord(
        "fraud", "dep", DeploymentState.RUNNING, "http://x", "d" * 64, {"replicas": 2}, {"a": 1}, None, None, 1.0, 2.0
    )
    with catalog.write() as connection:
        deployments.put_deployment(connection, record)
        assert deployments.find_deployment(connection, "fraud") == record
        changed = DeploymentRecord(
            "fraud", "dep", DeploymentState.STOPPED, "http://y", "e" * 64, {"replicas": 1}, {}, "r1", "deploy", 9.0, 3.0
        )
        deployments.put_deployment(connection, changed)
        found = deployments.find_deployment(connection, "fraud")
        assert found is not None and (found.state, found.created_at, found.run_id) == ("stopped", 1.0, "r1")
        assert deployments.list_deployments(connection, run_id="r1") == [found]
        deployments.delete_deployment(connection, "fraud")
        assert deployments.list_deployments(connection) == []
