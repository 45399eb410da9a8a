"""The MLflow behind a component, whatever its kind: embedded in the workspace, or a server."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import ConfigDict, SecretStr, field_validator, model_validator

from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.configuration import Configuration
from mlstack_nb.ports.registry import missing_package

# One retry and five seconds: a server that is down shows before the step runs, not after minutes of retries.
IMPATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
SCHEMES = ("databricks", "file", "http", "https", "mysql", "mssql", "postgresql", "sqlite")


class MlflowPlace(Configuration):
    """Where it is: without `tracking_uri` MLflow is embedded, SQLite and files in `folder`, or in the workspace.

    Name and password in `tracking_uri` move to their own fields. Without credentials here those of the environment
    are used.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    tracking_uri: str | None = None
    folder: str | None = None
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


class MlflowService:
    """Beside a kind's port: what a component has in common whose work MLflow does. `Config` is a `MlflowPlace`."""

    kind: ClassVar[Kind]
    name: str
    configuration: Any
    workspace: Path

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

    @property
    def is_server(self) -> bool:
        return self.uri.startswith(("http://", "https://"))

    def check(self) -> str:
        """Ask for an experiment. The first step that needs an embedded MLflow makes it: until then see its folder."""
        mlflow = imported(f"{self.kind.replace('_', ' ').capitalize()} {self.name!r}")
        if self.is_embedded and not (self.folder / "mlflow.db").exists():
            return f"MLflow {mlflow.__version__}, to be embedded in {_writable(self.folder)}"
        with environment(self.variables()), self.impatient():
            mlflow.MlflowClient(self.uri).search_experiments(max_results=1)
        return f"MLflow {mlflow.__version__}, {f'embedded in {self.folder}' if self.is_embedded else f'at {self.uri}'}"

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """MLflow's own calls in the block give up within seconds; what they raise is told as ConfigError."""
        with self.explained(), environment(impatience()):
            yield

    def variables(self) -> dict[str, str | None]:
        """The environment that means this service, for what is started, too; None: unset. A user's own run is away."""
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

    def experiment(self, client: Any, name: str) -> str:
        """The id of the experiment `name`, created when it is new."""
        from mlflow.exceptions import MlflowException

        location = (self.folder / "artifacts").as_uri() if self.is_embedded else None
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # not another process that was faster
                raise
            return str(found.experiment_id)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What MLflow raises in the block is a ConfigError that says where it is, and what to type."""
        try:
            yield
        except failures() as error:
            where = f"embedded in {self.folder}" if self.is_embedded else f"at {self.uri}"
            kind = self.kind.replace("_", " ").capitalize()
            raise ConfigError(
                f"{kind} {self.name!r} (MLflow {where}) failed: {reason(error)}", self._hint(error)
            ) from error

    def _hint(self, error: Exception) -> str:
        said = str(error)
        if "out-of-date database schema" in said:
            return f"Copy the database, then run: mlflow db upgrade {self.uri}"
        if "Changing param values" in said:
            return "Give each parameter one value in a step; what changes meanwhile is a metric."
        if "deleted experiment" in said:
            return "Restore the experiment in MLflow, or set another experiment_name."
        if self.is_embedded:
            return f"Check that {self.folder} can be written."
        if getattr(error, "error_code", "") in {"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED"}:
            return "Correct the component's tracking_username and tracking_password, or its tracking_token."
        return f"Start the server, or correct the component's tracking_uri; try: curl {self.uri}/health"


def _writable(folder: Path) -> Path:
    """The folder, where it can be made and written. Raises ConfigError."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ConfigError(f"MLflow can not be embedded in {folder}: {existing} can not be written.", "Set its folder.")
    return folder


def imported(what: str) -> Any:
    """The package `mlflow`. Raises MissingPackageError that says `what` needs it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ModuleNotFoundError as error:
        raise missing_package(what, error, "mlflow") from error
    return mlflow


@contextmanager
def current(mlflow: Any, uri: str) -> Iterator[None]:
    """What MLflow looks up by addresses it looks up at `uri`; afterwards where the user's own code said.

    MLflow offers no public way to read "not set", hence its module variable.
    """
    service = mlflow.tracking._tracking_service.utils
    before = service._tracking_uri
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def failures() -> tuple[type[Exception], ...]:
    """What MLflow raises when a server or a database fails it."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, sqlite3.Error, OSError


def reason(error: Exception) -> str:
    """The first line of what MLflow says; the rest is answers' bodies and stack traces."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def impatience() -> dict[str, str | None]:
    return {name: os.environ.get(name, value) for name, value in IMPATIENCE.items()}


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables, or unset those that are None; afterwards they are as before."""
    before = {name: os.environ.get(name) for name in variables}
    put(variables)
    try:
        yield
    finally:
        put(before)


def put(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def sole_creator(folder: Path) -> Iterator[None]:
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
