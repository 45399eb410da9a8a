"""The MLflow tracker against real MLflow: embedded, and a server process on loopback."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from pydantic import ValidationError

from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors.experiment_tracker.mlflow import MAX_VALUE, MlflowTracker

SECRET = "p4ss-of-nobody"


def tracker(workspace: Path, **configuration: Any) -> MlflowTracker:
    return MlflowTracker("tracking", MlflowTracker.Config(**configuration), workspace)


def track(component: MlflowTracker, *, step: str = "train", pipeline: str = "fraud", **parameters: Any) -> Any:
    return component.track(step=step, pipeline=pipeline, run_id="run-1", parameters=parameters)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_healthy(uri: str, process: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        try:
            with direct.open(f"{uri}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The uri of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    uri = f"http://127.0.0.1:{(port := free_port())}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {
        "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # it would start seven more processes
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "artifacts")]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_healthy(uri, process, log)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


@pytest.fixture(autouse=True)
def untouched_mlflow() -> Iterator[None]:
    """Each test leaves MLflow as it found it: no server, experiment or run is current."""
    yield
    assert mlflow.active_run() is None
    assert not mlflow.is_tracking_uri_set()
    assert [name for name in os.environ if name.startswith("MLFLOW_")] in ([], ["MLFLOW_DISABLE_TELEMETRY"])


# Embedded


def test_what_a_step_logs_lands_in_a_run_named_after_it(workspace: Path) -> None:
    component = tracker(workspace)
    with track(component, step="train", depth=3, rate=0.1) as tracked:
        mlflow.log_metric("auc", 0.98)
        mlflow.log_text("hello", "notes.txt")
    client = MlflowClient(component.uri)
    run = client.get_run(tracked.run_id)
    assert run.info.run_name == "train"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"depth": "3", "rate": "0.1"}
    assert run.data.metrics == {"auc": 0.98}
    assert client.get_experiment(run.info.experiment_id).name == "fraud"
    tags = {name: value for name, value in run.data.tags.items() if name.startswith("mlstack.")}
    assert tags == {"mlstack.run_id": "run-1", "mlstack.pipeline": "fraud", "mlstack.step": "train"}
    (written,) = (workspace / "mlflow" / "artifacts").rglob("notes.txt")
    assert written.read_text() == "hello"


def test_embedded_mlflow_writes_into_the_workspace_only(workspace: Path) -> None:
    with track(tracker(workspace), depth=3):
        mlflow.log_metric("auc", 0.98)
    assert [path.name for path in workspace.parent.iterdir()] == [".mlstack"]
    assert [path.name for path in workspace.iterdir()] == ["mlflow"]


def test_an_embedded_tracker_works_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    component = tracker(tmp_path / "a b%20 ü#?" / ".mlstack")
    with track(component) as tracked:
        mlflow.log_text("hello", "notes.txt")
    assert tracked.url == component.uri
    assert MlflowClient(tracked.url).get_run(tracked.run_id).info.status == "FINISHED"
    assert (component.folder / "mlflow.db").is_file()
    assert len(list(component.folder.rglob("notes.txt"))) == 1


def test_the_experiment_can_be_named_in_the_configuration(workspace: Path) -> None:
    component = tracker(workspace, experiment_name="of the team")
    with track(component):
        pass
    assert MlflowClient(component.uri).get_experiment_by_name("of the team") is not None
    assert MlflowClient(component.uri).get_experiment_by_name("fraud") is None


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")], ids=["error", "interrupt"]
)
def test_a_step_that_raises_marks_its_run(workspace: Path, error: BaseException, status: str) -> None:
    component = tracker(workspace)
    with pytest.raises(type(error)), track(component) as tracked:
        raise error
    assert MlflowClient(component.uri).get_run(tracked.run_id).info.status == status


def test_values_longer_than_mlflow_keeps_are_shortened_and_noted(workspace: Path) -> None:
    component = tracker(workspace)
    with track(component, query="x" * (MAX_VALUE + 1), depth=3) as tracked:
        pass
    data = MlflowClient(component.uri).get_run(tracked.run_id).data
    assert data.params == {"query": "x" * MAX_VALUE, "depth": "3"}
    assert data.tags["mlstack.shortened_parameters"] == "query"


def test_more_parameters_than_one_request_takes_are_all_logged(workspace: Path) -> None:
    component = tracker(workspace)
    parameters = {f"p{number}": number for number in range(250)}
    with track(component, **parameters) as tracked:
        pass
    found = MlflowClient(component.uri).get_run(tracked.run_id).data.params
    assert found == {name: str(value) for name, value in parameters.items()}


def test_runs_that_a_step_leaves_open_are_closed(workspace: Path) -> None:
    component = tracker(workspace)
    with track(component) as tracked:
        inner = mlflow.start_run(run_name="fold 1", nested=True)
    runs = [MlflowClient(component.uri).get_run(run_id).info for run_id in (tracked.run_id, inner.info.run_id)]
    assert [run.status for run in runs] == ["FINISHED", "FINISHED"]
    assert runs[0].experiment_id == runs[1].experiment_id


def test_a_step_that_ends_its_run_and_then_fails_is_marked_failed(workspace: Path) -> None:
    component = tracker(workspace)
    with pytest.raises(ValueError, match="late"), track(component) as tracked:
        mlflow.end_run()
        raise ValueError("late")
    assert MlflowClient(component.uri).get_run(tracked.run_id).info.status == "FAILED"


def test_a_step_that_turns_mlflow_elsewhere_still_ends_its_run(workspace: Path) -> None:
    component = tracker(workspace)
    with track(component) as tracked:
        mlflow.set_tracking_uri(f"sqlite:///{workspace}/other.db")
    assert MlflowClient(component.uri).get_run(tracked.run_id).info.status == "FINISHED"


def test_what_was_current_before_is_current_again(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component = tracker(workspace)
    own = f"sqlite:///{workspace}/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # for the test's own set_tracking_uri below
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "")
    mlflow.set_tracking_uri(own)
    experiment = mlflow.set_experiment("mine").experiment_id
    mine = mlflow.start_run()
    try:
        with track(component) as tracked:
            assert mlflow.active_run().info.run_id == tracked.run_id
            mlflow.log_metric("auc", 0.5)
        assert mlflow.active_run().info.run_id == mine.info.run_id
        assert mlflow.get_tracking_uri() == own
        assert os.environ["MLFLOW_TRACKING_URI"] == own
        assert os.environ["MLFLOW_EXPERIMENT_ID"] == experiment
        mlflow.log_metric("own", 1)
    finally:
        mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.tracking.fluent._active_experiment_id = None
        monkeypatch.undo()
    data = MlflowClient(own).get_run(mine.info.run_id).data
    assert data.metrics == {"own": 1}
    tracked_run = MlflowClient(component.uri).get_run(tracked.run_id)
    assert tracked_run.data.metrics == {"auc": 0.5}
    assert "mlflow.parentRunId" not in tracked_run.data.tags


def test_a_run_named_in_the_environment_is_left_alone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component = tracker(workspace)
    with track(component) as first:
        pass
    monkeypatch.setenv("MLFLOW_RUN_ID", first.run_id)
    with track(component) as second:
        pass
    assert second.run_id != first.run_id
    assert os.environ["MLFLOW_RUN_ID"] == first.run_id
    monkeypatch.delenv("MLFLOW_RUN_ID")


def test_autologging_lands_in_the_steps_run(workspace: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    component = tracker(workspace)
    with track(component) as tracked:
        mlflow.sklearn.autolog(log_models=False, log_datasets=False)
        try:
            LogisticRegression(C=0.5).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        finally:
            mlflow.sklearn.autolog(disable=True)
    data = MlflowClient(component.uri).get_run(tracked.run_id).data
    assert data.params["C"] == "0.5"
    assert data.metrics["training_accuracy_score"] == 1.0


CREATE = """
import sys
from pathlib import Path
from mlstack_nb.flavors.experiment_tracker.mlflow import MlflowTracker

component = MlflowTracker("tracking", MlflowTracker.Config(), Path(sys.argv[1]))
with component.track(step="train", pipeline="fraud", run_id="r", parameters={}) as tracked:
    import mlflow
    mlflow.log_metric("auc", 0.5)
"""


def test_processes_that_create_the_embedded_database_at_once_all_succeed(workspace: Path) -> None:
    command = [sys.executable, "-c", CREATE, str(workspace)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(3)]
    printed = [process.communicate(timeout=120)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    assert printed == ["", "", ""]
    client = MlflowClient(tracker(workspace).uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "fraud"]
    runs = client.search_runs([experiment.experiment_id])
    assert [run.data.metrics for run in runs] == [{"auc": 0.5}] * 3


def test_a_workspace_that_can_not_be_written_is_one_clear_error(workspace: Path) -> None:
    (workspace / "mlflow").write_text("in the way")
    with pytest.raises(ConfigError) as caught, track(tracker(workspace)):
        raise AssertionError("the step ran")
    assert "'tracking'" in caught.value.what
    assert str(workspace / "mlflow") in caught.value.hint


def test_a_deleted_experiment_is_one_clear_error(workspace: Path) -> None:
    component = tracker(workspace)
    with track(component):
        pass
    client = MlflowClient(component.uri)
    client.delete_experiment(client.get_experiment_by_name("fraud").experiment_id)
    with pytest.raises(ConfigError, match="deleted experiment 'fraud'") as caught, track(component):
        raise AssertionError("the step ran")
    assert caught.value.hint == "Restore the experiment in MLflow, or set another experiment_name."


# A server


def test_a_step_is_tracked_on_the_server(workspace: Path, server: str) -> None:
    with track(tracker(workspace, tracking_uri=f"{server}/"), depth=3) as tracked:
        mlflow.log_metric("auc", 0.98)
        mlflow.log_text("hello", "notes.txt")
    client = MlflowClient(server)
    run = client.get_run(tracked.run_id)
    assert run.info.status == "FINISHED"
    assert (run.data.params, run.data.metrics) == ({"depth": "3"}, {"auc": 0.98})
    assert [file.path for file in client.list_artifacts(tracked.run_id)] == ["notes.txt"]
    assert tracked.url == f"{server}/#/experiments/{run.info.experiment_id}/runs/{tracked.run_id}"
    assert list(workspace.iterdir()) == []


def test_a_tracking_uri_set_before_does_not_divert_a_step(
    workspace: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(f"sqlite:///{workspace}/own.db")
    try:
        with track(tracker(workspace, tracking_uri=server)) as tracked:
            assert mlflow.get_tracking_uri() == server
    finally:
        mlflow.set_tracking_uri(None)
        monkeypatch.undo()
    assert MlflowClient(server).get_run(tracked.run_id).info.status == "FINISHED"


def test_processes_that_a_step_starts_find_the_server(workspace: Path, server: str) -> None:
    code = "import os; print(os.environ['MLFLOW_TRACKING_URI'])"
    with track(tracker(workspace, tracking_uri=server)):
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert printed.strip() == server


def test_a_failing_step_is_marked_on_the_server(workspace: Path, server: str) -> None:
    with pytest.raises(ValueError, match="no"), track(tracker(workspace, tracking_uri=server)) as tracked:
        raise ValueError("no")
    assert MlflowClient(server).get_run(tracked.run_id).info.status == "FAILED"


def test_a_server_that_is_down_is_a_clear_error_before_the_step_runs(workspace: Path) -> None:
    component = tracker(workspace, tracking_uri=f"http://user:{SECRET}@127.0.0.1:{free_port()}")
    with pytest.raises(ConfigError) as caught, track(component):
        raise AssertionError("the step ran")
    shown = str(caught.value)
    assert "'tracking'" in shown
    assert component.uri in shown
    assert "curl http://127.0.0.1:" in caught.value.hint
    assert SECRET not in shown
    assert SECRET not in repr(component.configuration)


def test_a_server_that_goes_away_costs_a_warning_and_not_the_steps_work(workspace: Path) -> None:
    with answering({"experiment_id": "1", "name": "fraud", "lifecycle_stage": "active"}) as (uri, _):
        tracking = track(tracker(workspace, tracking_uri=uri))
        tracked = tracking.__enter__()
    with pytest.warns(RuntimeWarning, match="could not be marked FINISHED"):
        tracking.__exit__(None, None, None)
    assert tracked.run_id == "a" * 32


def test_refused_credentials_are_named_and_not_shown(workspace: Path) -> None:
    with answering(None) as (uri, headers):
        component = tracker(workspace, tracking_uri=uri, tracking_token=SECRET)
        with pytest.raises(ConfigError) as caught, track(component):
            raise AssertionError("the step ran")
    assert headers == [f"Bearer {SECRET}"]
    assert SECRET not in str(caught.value)
    assert "tracking_token" in caught.value.hint


def test_credentials_are_in_the_environment_during_the_step_only(
    workspace: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of the user")
    component = tracker(workspace, tracking_uri=server, tracking_username="ann", tracking_password=SECRET)
    with track(component):
        assert os.environ["MLFLOW_TRACKING_USERNAME"] == "ann"
        assert os.environ["MLFLOW_TRACKING_PASSWORD"] == SECRET
        assert "MLFLOW_TRACKING_TOKEN" not in os.environ
    assert os.environ["MLFLOW_TRACKING_TOKEN"] == "of the user"
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ
    monkeypatch.undo()


# Configuration


def test_credentials_in_the_uri_move_to_their_own_fields() -> None:
    config = MlflowTracker.Config(tracking_uri=f"https://ann:{SECRET}%21@mlflow.example:5000/base")
    assert config.tracking_uri == "https://mlflow.example:5000/base"
    assert config.tracking_username == "ann"
    assert config.tracking_password is not None
    assert config.tracking_password.get_secret_value() == f"{SECRET}!"
    assert SECRET not in str(config.model_dump(mode="json"))


@pytest.mark.parametrize("uri", ["localhost:5000", "http://", "htp://mlflow.example", "mlruns", ""])
def test_a_uri_that_names_no_server_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="begin it with http://"):
        MlflowTracker.Config(tracking_uri=uri)


def test_a_database_uri_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(ValidationError, match="would be shown") as caught:
        MlflowTracker.Config(tracking_uri=f"postgresql://ann:{SECRET}@db.example/mlflow")
    assert SECRET not in str(caught.value)


class answering:
    """A small HTTP server that speaks as much of MLflow's protocol as entering a run takes, or refuses with 401."""

    def __init__(self, experiment: dict[str, str] | None) -> None:
        info = {
            "run_id": "a" * 32,
            "run_uuid": "a" * 32,
            "experiment_id": "1",
            "status": "RUNNING",
            "artifact_uri": "x",
        }
        answers = {"experiment": experiment, "run": {"info": info, "data": {}}, "run_info": info}
        headers: list[str | None] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers.append(self.headers["Authorization"])
                body = json.dumps(answers).encode() if experiment else b"You are not authenticated."
                self.send_response(200 if experiment else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.headers = headers
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> tuple[str, list[str | None]]:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}", self.headers

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
