"""Experiment tracker flavor `mlflow`: embedded in the workspace, or a server.

MLflow's current server, experiment and run are state of the process (the run: of the thread), so one step at a
time is tracked in a process.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import ConfigDict, SecretStr, field_validator, model_validator

from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.configuration import Configuration
from mlstack_nb.ports.experiment_tracker import ExperimentTracker, TrackedRun
from mlstack_nb.ports.registry import missing_package

# One retry and five seconds: a server that is down shows before the step runs, not after minutes of retries.
IMPATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
MAX_VALUE = 6000  # characters of a parameter's value, and of its name: MLflow's limits
MAX_NAME = 250
SCHEMES = ("databricks", "file", "http", "https", "mysql", "mssql", "postgresql", "sqlite")


class MlflowTracker(ExperimentTracker):
    class Config(Configuration):
        """`tracking_uri`: the server; without it MLflow is embedded: SQLite and files in `folder`, or the workspace.

        `experiment_name`: without it, the pipeline's name. Name and password in `tracking_uri` move to their own
        fields. Without credentials here those of the environment are used.
        """

        model_config = ConfigDict(hide_input_in_errors=True)

        tracking_uri: str | None = None
        folder: str | None = None
        experiment_name: str | None = None
        tracking_username: str | None = None
        tracking_password: SecretStr | None = None
        tracking_token: SecretStr | None = None
        tracking_insecure_tls: bool = False

        @model_validator(mode="before")
        @classmethod
        def _credentials_apart(cls, data: Any) -> Any:
            uri = data.get("tracking_uri") if isinstance(data, Mapping) else None
            if not isinstance(uri, str) or not uri.startswith(("http://", "https://")):
                return data
            parts = urlsplit(uri)
            found = {"tracking_username": parts.username, "tracking_password": parts.password}
            moved = {field: unquote(value) for field, value in found.items() if value}
            clean = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            return {**moved, **data, "tracking_uri": clean}

        @field_validator("tracking_uri")
        @classmethod
        def _known_scheme(cls, uri: str | None) -> str | None:
            if uri is None or uri == "databricks":
                return uri
            parts = urlsplit(uri)
            scheme = parts.scheme.partition("+")[0]
            if scheme not in SCHEMES or (scheme in {"http", "https"} and not parts.hostname):
                raise ValueError("begin it with http:// or https://, or leave it out to embed MLflow in the workspace")
            if parts.password is not None:
                raise ValueError("a database's password would be shown; put `mlflow server` in front of the database")
            return uri.rstrip("/") if scheme in {"http", "https"} else uri

    @property
    def folder(self) -> Path:
        """Where embedded MLflow keeps its database and artifacts."""
        return Path(self.configuration.folder or self.workspace / "mlflow").expanduser().absolute()

    def portable(self) -> dict[str, str]:
        return {"folder": str(self.folder)} if self.is_embedded else {}

    @property
    def is_embedded(self) -> bool:
        return self.configuration.tracking_uri is None

    @property
    def uri(self) -> str:
        """The tracking uri; `mlflow ui --backend-store-uri` opens that of an embedded one."""
        return self.configuration.tracking_uri or f"sqlite:///{quote(str(self.folder / 'mlflow.db'))}"

    @contextmanager
    def track(self, *, step: str, pipeline: str, run_id: str, parameters: Mapping[str, Any]) -> Iterator[TrackedRun]:
        """Raises ConfigError within seconds, before the block, when MLflow can not be reached or refuses."""
        mlflow = _imported()
        tags = {"mlstack.run_id": run_id, "mlstack.pipeline": pipeline, "mlstack.step": step}
        with _environment(self._variables()), _restored(mlflow):
            with self._explained(), _environment(_impatience()):
                mlflow.set_tracking_uri(self.uri)
                with _sole_creator(self.folder) if self.is_embedded else nullcontext():
                    experiment = self._experiment(mlflow, self.configuration.experiment_name or pipeline)
                mlflow.set_experiment(experiment_id=experiment)
                run: str = mlflow.start_run(run_name=step, tags={**tags, **_shortened(parameters)}).info.run_id
            status = "FINISHED"
            try:
                with self._explained():
                    mlflow.log_params({name[:MAX_NAME]: str(value)[:MAX_VALUE] for name, value in parameters.items()})
                yield TrackedRun(run, self._page(experiment, run))
            except BaseException as error:
                status = "FAILED" if isinstance(error, Exception) else "KILLED"
                raise
            finally:
                self._end(mlflow, run, status)

    def attach(self, run_id: str) -> None:
        """Raises ConfigError within seconds when MLflow can not be reached or refuses."""
        mlflow = _imported()
        _put(self._variables())
        with self._explained(), _environment(_impatience()):
            mlflow.set_tracking_uri(self.uri)
            mlflow.start_run(run_id=run_id)

    def metrics(self, run_id: str) -> dict[str, float]:
        """Raises ConfigError within seconds when MLflow can not be reached or refuses."""
        mlflow = _imported()
        with _environment(self._variables()), self._explained(), _environment(_impatience()):
            return dict(mlflow.MlflowClient(self.uri).get_run(run_id).data.metrics)

    def _variables(self) -> dict[str, str | None]:
        """The environment during a step, for what it starts, too; None: unset. What a user's own run set is away."""
        config = self.configuration
        variables: dict[str, str | None] = {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_EXPERIMENT_ID": None,
            "MLFLOW_EXPERIMENT_NAME": None,
            "MLFLOW_RUN_ID": None,
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        }
        secrets = [value and value.get_secret_value() for value in (config.tracking_password, config.tracking_token)]
        credentials = (config.tracking_username, *secrets)
        if any(credentials):
            variables |= zip(CREDENTIALS, credentials, strict=True)
        if config.tracking_insecure_tls:
            variables["MLFLOW_TRACKING_INSECURE_TLS"] = "true"
        return variables

    def _experiment(self, mlflow: Any, name: str) -> str:
        """The id of the experiment `name`, created when it is new."""
        client = mlflow.MlflowClient()
        location = (self.folder / "artifacts").as_uri() if self.is_embedded else None
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except mlflow.MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # not another process that was faster
                raise
            return str(found.experiment_id)

    def _end(self, mlflow: Any, run: str, status: str) -> None:
        """Close the step's run, and first those that the step left open in it.

        A failure to do so is a warning: the step's own result or error counts for more.
        """
        try:
            with _environment(_impatience()):
                while (current := mlflow.active_run()) and current.info.run_id != run:
                    mlflow.end_run(status)
                mlflow.set_tracking_uri(self.uri)
                if current:
                    mlflow.end_run(status)
                elif status != "FINISHED":  # the step ended its run itself, and failed afterwards
                    mlflow.MlflowClient().set_terminated(run, status)
        except _failures() as error:
            warnings.warn(
                f"MLflow run {run} of experiment tracker {self.name!r} could not be marked {status}: {_reason(error)}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _page(self, experiment: str, run: str) -> str:
        is_server = self.uri.startswith(("http://", "https://"))
        return f"{self.uri}/#/experiments/{experiment}/runs/{run}" if is_server else self.uri

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _failures() as error:
            where = f"embedded in {self.folder}" if self.is_embedded else f"at {self.uri}"
            what = f"Experiment tracker {self.name!r} (MLflow {where}) failed: {_reason(error)}"
            raise ConfigError(what, self._hint(error)) from error

    def _hint(self, error: Exception) -> str:
        reason = str(error)
        if "out-of-date database schema" in reason:
            return f"Copy the database, then run: mlflow db upgrade {self.uri}"
        if "deleted experiment" in reason:
            return "Restore the experiment in MLflow, or set another experiment_name."
        if self.is_embedded:
            return f"Check that {self.folder} can be written."
        if getattr(error, "error_code", "") in {"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"}:
            return "Correct the component's tracking_username and tracking_password, or its tracking_token."
        return f"Start the server, or correct the component's tracking_uri; try: curl {self.uri}/health"


def _imported() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ModuleNotFoundError as error:
        raise missing_package("The experiment_tracker flavor 'mlflow'", error, "mlflow") from error
    return mlflow


def _failures() -> tuple[type[Exception], ...]:
    """What MLflow raises when a server or a database fails it."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, sqlite3.Error, OSError


def _reason(error: Exception) -> str:
    """The first line of what MLflow says; the rest is answers' bodies and stack traces."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _shortened(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tag that names parameters whose values are longer than MLflow keeps."""
    names = [name for name, value in parameters.items() if len(str(value)) > MAX_VALUE]
    return {"mlstack.shortened_parameters": ", ".join(names)[:MAX_VALUE]} if names else {}


def _impatience() -> dict[str, str | None]:
    return {name: os.environ.get(name, value) for name, value in IMPATIENCE.items()}


@contextmanager
def _environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables, or unset those that are None; afterwards they are as before."""
    before = {name: os.environ.get(name) for name in variables}
    _put(variables)
    try:
        yield
    finally:
        _put(before)


def _put(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _restored(mlflow: Any) -> Iterator[None]:
    """No run is active; afterwards server, experiment and active runs are the user's again.

    MLflow offers no public way to read "not set" or to put it back, hence its module variables.
    """
    service, fluent = mlflow.tracking._tracking_service.utils, mlflow.tracking.fluent
    uri, experiment, runs = service._tracking_uri, fluent._active_experiment_id, fluent._active_run_stack.get()
    fluent._active_run_stack.set([])
    try:
        yield
    finally:
        fluent._active_run_stack.set(runs)
        fluent._active_experiment_id = experiment
        mlflow.set_tracking_uri(uri)


@contextmanager
def _sole_creator(folder: Path) -> Iterator[None]:
    """Only one process at a time creates MLflow's tables and experiments; the others wait.

    The lock is a write transaction on an empty SQLite file: it works on every system and ends with its process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(folder / "creation.lock", timeout=120, isolation_level=None)
    noisy = [logging.getLogger(name) for name in ("alembic", "mlflow.store.db.utils")]
    levels = [logger.level for logger in noisy]
    try:
        lock.execute("BEGIN EXCLUSIVE")
        for logger in noisy:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)
        lock.close()
