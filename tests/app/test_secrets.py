"""Secrets: encrypted at rest, referred to by components, given to steps, and in no record."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from mlstack_nb import Client, pipeline, step
from mlstack_nb.app import components, secrets, stack_files, stacks
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import runs as run_rows
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError, StepError, UsageError
from mlstack_nb.materializers import by_target

PASSWORD = "correct horse battery"


@pytest.fixture
def here(workspace: Path) -> Workspace:
    return Workspace(workspace)


@pytest.fixture
def db(here: Workspace) -> secrets.Secret:
    return secrets.create(here, "db", {"DB_USER": "ann", "DB_PASSWORD": PASSWORD})


def everything_written(workspace: Path) -> bytes:
    """All files of the workspace, as they are on the disk."""
    return b"".join(path.read_bytes() for path in sorted(workspace.rglob("*")) if path.is_file())


def test_values_come_back_as_they_were(here: Workspace, db: secrets.Secret) -> None:
    assert secrets.get(here, "db").values == db.values == {"DB_USER": "ann", "DB_PASSWORD": PASSWORD}


def test_values_are_not_on_the_disk(workspace: Path, db: secrets.Secret) -> None:
    assert PASSWORD.encode() not in everything_written(workspace)


def test_the_key_is_for_its_owner_only_and_not_in_the_database(workspace: Path, db: secrets.Secret) -> None:
    key = workspace / "secrets.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() not in (workspace / "catalog.db").read_bytes()


def test_values_are_not_in_a_listing_nor_in_a_repr(here: Workspace, db: secrets.Secret) -> None:
    assert PASSWORD not in json.dumps(secrets.list_all(here)) + repr(db)
    assert secrets.list_all(here)[0]["keys"] == ["DB_PASSWORD", "DB_USER"]


def test_without_its_key_a_secret_can_not_be_opened(workspace: Path, here: Workspace, db: secrets.Secret) -> None:
    (workspace / "secrets.key").unlink()
    with pytest.raises(ConfigError, match=r"the key .* is not there"):
        secrets.get(here, "db")
    secrets.create(here, "other", {"x": "y"})
    with pytest.raises(ConfigError, match="not the one that it was sealed with"):
        secrets.get(here, "db")


def test_a_change_leaves_the_other_values(here: Workspace, db: secrets.Secret) -> None:
    changed = secrets.update(here, "db", {"DB_PASSWORD": "new", "port": "5432"}, remove=["DB_USER"])
    assert changed.values == {"DB_PASSWORD": "new", "port": "5432"}
    assert changed.updated_at > db.updated_at


def test_a_name_is_taken_once(here: Workspace, db: secrets.Secret) -> None:
    with pytest.raises(ConflictError, match="a secret called 'db'"):
        secrets.create(here, "db", {"x": "y"})


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("a.b", {"x": "y"}, "a dot or a brace"),
        ("", {"x": "y"}, "0 characters"),
        ("a", {"1x": "y"}, "can not be a key"),
        ("a", {"x-y": "y"}, "can not be a key"),
        ("a", {"x": 5}, "is a int, not a text"),
        ("a", {"x": "y\0"}, "zero byte"),
    ],
)
def test_what_can_not_be_a_secret_is_refused(here: Workspace, name: str, values: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        secrets.create(here, name, values)


def test_an_unknown_name_or_key_offers_the_nearest(here: Workspace, db: secrets.Secret) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'db'"):
        secrets.get(here, "dbb")
    with pytest.raises(NotFoundError, match="Did you mean 'DB_PASSWORD'"):
        secrets.update(here, "db", {}, remove=["DB_PASWORD"])


def test_a_client_keeps_gives_changes_and_deletes_them(workspace: Path) -> None:
    client = Client()
    made = client.create_secret("db", {"DB_PASSWORD": PASSWORD})
    assert made.secret_values == {"DB_PASSWORD": PASSWORD} and PASSWORD not in repr(made)
    client.update_secret("db", add_or_update_values={"PORT": "5432"}, remove_values=["DB_PASSWORD"])
    assert client.get_secret("db").secret_values == {"PORT": "5432"}
    assert [one.name for one in client.list_secrets()] == ["db"]
    client.delete_secret("db")
    with pytest.raises(NotFoundError):
        client.get_secret("db")


# -- components


def tracker(here: Workspace, password: str = "{{db.DB_PASSWORD}}") -> None:
    configuration = {"tracking_uri": "http://localhost:1", "tracking_username": "{{db.DB_USER}}"}
    components.register(
        here,
        Kind.EXPERIMENT_TRACKER,
        "team",
        flavor="mlflow",
        configuration={**configuration, "tracking_password": password},
    )


def test_a_component_gets_the_value_when_it_is_built_and_keeps_the_reference(
    workspace: Path, here: Workspace, db: secrets.Secret
) -> None:
    tracker(here)
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default"})
    stacks.update(here, "mine", {Kind.EXPERIMENT_TRACKER: "team"})
    built = Runtime.current(workspace=here, stack="mine").component(Kind.EXPERIMENT_TRACKER)
    assert built.configuration.tracking_password.get_secret_value() == PASSWORD
    assert built.configuration.tracking_username == "ann"
    shown = components.describe(here, Kind.EXPERIMENT_TRACKER, "team")["configuration"]
    assert (shown["tracking_username"], shown["tracking_password"]) == ("{{db.DB_USER}}", "{{db.DB_PASSWORD}}")
    assert PASSWORD.encode() not in everything_written(workspace)


def test_an_exported_stack_has_the_reference_and_can_be_imported(
    here: Workspace, db: secrets.Secret, tmp_path: Path
) -> None:
    tracker(here)
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default"})
    stacks.update(here, "mine", {Kind.EXPERIMENT_TRACKER: "team"})
    text, left_out = stack_files.export_stack(here, "mine")
    assert "'{{db.DB_PASSWORD}}'" in text and left_out == []
    assert PASSWORD not in text
    (tmp_path / "mine.yaml").write_text(text)
    assert not stack_files.import_stack(here, tmp_path / "mine.yaml").is_new


def test_a_rotated_value_is_noticed_in_a_process_that_goes_on(here: Workspace, db: secrets.Secret) -> None:
    tracker(here)
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default"})
    stacks.update(here, "mine", {Kind.EXPERIMENT_TRACKER: "team"})
    before = Runtime.current(workspace=here, stack="mine")
    assert Runtime.current(workspace=here, stack="mine") is before
    secrets.update(here, "db", {"DB_PASSWORD": "another one"})
    tracker_now = Runtime.current(workspace=here, stack="mine").engine.tracker
    assert tracker_now is not None
    assert tracker_now.configuration.tracking_password.get_secret_value() == "another one"


def test_a_reference_to_what_is_not_there_is_refused_with_the_nearest(here: Workspace, db: secrets.Secret) -> None:
    with pytest.raises(NotFoundError, match=r"Did you mean \{\{db.DB_PASSWORD\}\}"):
        tracker(here, "{{db.DB_PASWORD}}")
    with pytest.raises(NotFoundError, match="Did you mean 'db'"):
        tracker(here, "{{dbb.password}}")


def test_a_field_that_is_no_text_may_refer_to_a_secret(here: Workspace) -> None:
    secrets.create(here, "size", {"workers": "3", "none": "many"})
    components.register(here, Kind.ORCHESTRATOR, "o", flavor="local", configuration={"workers": "{{size.workers}}"})
    stacks.register(here, "mine", {Kind.ORCHESTRATOR: "o", Kind.ARTIFACT_STORE: "default"})
    built = Runtime.current(workspace=here, stack="mine").component(Kind.ORCHESTRATOR)
    assert built.configuration.workers == 3
    with pytest.raises(ConfigError, match="field 'workers'") as caught:
        components.register(here, Kind.ORCHESTRATOR, "p", flavor="local", configuration={"workers": "{{size.none}}"})
    assert "many" not in str(caught.value)


def test_credentials_inside_a_referred_address_would_be_stored_so_they_are_refused(here: Workspace) -> None:
    secrets.create(here, "mlflow", {"uri": f"http://ann:{PASSWORD.replace(' ', '-')}@localhost:1"})
    with pytest.raises(ConfigError, match="'tracking_password'"):
        components.register(
            here, Kind.EXPERIMENT_TRACKER, "t", flavor="mlflow", configuration={"tracking_uri": "{{mlflow.uri}}"}
        )


def test_a_secret_that_a_component_refers_to_stays(here: Workspace, db: secrets.Secret) -> None:
    tracker(here)
    with pytest.raises(ConflictError, match="experiment_tracker 'team' refers to the secret 'db'"):
        secrets.delete(here, "db")
    with pytest.raises(ConflictError):
        secrets.update(here, "db", {}, remove=["DB_PASSWORD"])
    components.delete(here, Kind.EXPERIMENT_TRACKER, "team")
    secrets.delete(here, "db")
    assert secrets.list_all(here) == []


# -- steps


@step(secrets=["db"])
def connect() -> str:
    return f"{os.environ['DB_USER']} {len(os.environ['DB_PASSWORD'])}"


@step(secrets=["db"])
def refuse() -> None:
    raise ValueError(f"{os.environ['DB_PASSWORD']} was refused")


@pipeline
def connecting() -> None:
    connect()


@pipeline
def refusing() -> None:
    refuse()


def last_state(here: Workspace) -> State:
    return run_rows.get_run(here.catalog, run_rows.LAST).steps[0].state


def test_a_step_has_the_values_as_variables_while_it_runs(here: Workspace, db: secrets.Secret) -> None:
    connecting()
    found = run_rows.get_run(here.catalog, run_rows.LAST).steps[0]
    assert by_target(found.outputs["output"].materializer).loads(str(found.outputs["output"].inline)) == "ann 21"
    assert "DB_PASSWORD" not in os.environ


def test_a_rotated_value_runs_the_step_again_and_an_equal_one_does_not(here: Workspace, db: secrets.Secret) -> None:
    connecting()
    connecting()
    assert last_state(here) is State.CACHED
    secrets.update(here, "db", {"DB_PASSWORD": "another one"})
    connecting()
    assert last_state(here) is State.COMPLETED
    secrets.update(here, "db", {"DB_PASSWORD": PASSWORD})
    connecting()
    assert last_state(here) is State.CACHED


def test_no_record_of_a_run_has_the_value(
    workspace: Path, here: Workspace, db: secrets.Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    connecting()
    with pytest.raises(StepError):
        refusing()
    failure = run_rows.get_run(here.catalog, run_rows.LAST).steps[0].failure
    assert failure is not None
    assert failure.message == "******** was refused"
    assert PASSWORD.encode() not in everything_written(workspace)


def test_a_secret_that_is_nowhere_tells_both_ways_to_give_it(here: Workspace) -> None:
    with pytest.raises(StepError, match=r"export db=\.\.\., or keep it: mlstack secret create db KEY"):
        connecting()


def test_a_node_has_its_secrets_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_SECRET_MY_DB", json.dumps({"DB_PASSWORD": PASSWORD}))
    source = secrets.SecretSource()
    assert secrets.resolved({"a": ["{{my-db.DB_PASSWORD}}", 1]}, source, place="x") == {"a": [PASSWORD, 1]}
    with pytest.raises(NotFoundError, match="set MLSTACK_SECRET_OTHER"):
        secrets.resolved("{{other.key}}", source, place="x")


@pytest.mark.parametrize("text", ["plain", "[1]", '{"a": 1}'])
def test_a_variable_that_holds_no_secret_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MLSTACK_SECRET_DB", text)
    with pytest.raises(ConfigError, match="no JSON object of texts"):
        secrets.SecretSource().values("db")
