"""Secrets on a node: from its environment, or refused with the variable's name. They do not travel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack_nb.app import components, secrets, stacks
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.remote.submission import Submission, store_variable
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError

PASSWORD = "correct horse battery"
VALUES = json.dumps({"DB_PASSWORD": PASSWORD})
FLOW = """
import os
from mlstack_nb import pipeline, step

@step(secrets=["db"])
def connect() -> int:
    print("with", os.environ["DB_PASSWORD"])
    return len(os.environ["DB_PASSWORD"])

@pipeline
def flow():
    connect()
"""

Submit = Callable[[str | None], Callable[..., subprocess.CompletedProcess[str]]]


@pytest.fixture
def submit(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Submit:
    """Hands the flow over, on a stack whose tracker has that password; gives what runs its node."""
    here = Workspace(workspace)
    secrets.create(here, "db", {"DB_PASSWORD": PASSWORD})
    address = {"address": "tcp://127.0.0.1:9"}  # nothing listens there: the node is run by hand
    components.register(here, Kind.ORCHESTRATOR, "absent", flavor="dask", configuration=address)
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def handed_over(password: str | None) -> Callable[..., subprocess.CompletedProcess[str]]:
        parts = {Kind.ORCHESTRATOR: "absent", Kind.ARTIFACT_STORE: "default"}
        if password is not None:
            given = {"tracking_uri": "http://127.0.0.1:9", "tracking_password": password}
            components.register(here, Kind.EXPERIMENT_TRACKER, "team", flavor="mlflow", configuration=given)
            parts[Kind.EXPERIMENT_TRACKER] = "team"
        stacks.register(here, "remote", parts)
        (workspace.parent / "flow.py").write_text(FLOW)
        launch = prepare(Request("flow.py", stack="remote"))
        with pytest.raises(ConfigError):
            launch.submit()
        run_id = launch.request.run_id
        store = Runtime.current(workspace=here, stack="remote").engine.store
        known = store_variable(dict(Submission.read(store, run_id).stack))

        def run(**variables: str) -> subprocess.CompletedProcess[str]:
            kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
            environment = {**kept, "HOME": str(elsewhere), "MLSTACK_STORE": known, **variables}
            command = [sys.executable, "-m", "mlstack_nb.run_node", run_id, "connect"]
            return subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)

        return run

    return handed_over


def test_a_step_has_its_secret_from_the_node_s_environment_and_no_record_has_it(
    submit: Submit, workspace: Path
) -> None:
    done = submit(None)(MLSTACK_SECRET_DB=VALUES)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "with ********\n"
    written = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in written


def test_a_step_whose_secret_the_node_lacks_is_refused(submit: Submit) -> None:
    done = submit(None)()
    assert done.returncode == 1
    assert "Step 'connect' reads the secret db, which is not set." in done.stderr
    assert "on a node of an engine, set MLSTACK_SECRET_DB" in done.stderr


def test_a_component_s_reference_travels_and_its_value_does_not(submit: Submit, workspace: Path) -> None:
    run = submit("{{db.DB_PASSWORD}}")
    (submission,) = workspace.rglob("submission.json")
    assert "{{db.DB_PASSWORD}}" in submission.read_text() and PASSWORD not in submission.read_text()
    refused = run()
    assert refused.returncode == 2
    assert "experiment_tracker 'team' refers to the secret 'db', which is not here." in refused.stderr
    assert "set MLSTACK_SECRET_DB" in refused.stderr
    assert run(MLSTACK_SECRET_DB=VALUES).returncode == 0
