"""Model registry flavor `mlflow`: embedded in the workspace, or a server.

An artifact becomes a logged model and a registered version whose source it is. Stages are aliases; the number of the
version, and what else is known of it, are tags that begin with `mlstack.`; people's own tags stand by themselves.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from mlstack_nb.core.model import Stage
from mlstack_nb.flavors.mlflow_models import save_model
from mlstack_nb.flavors.mlflow_service import MlflowPlace, MlflowService, current, environment, imported, sole_creator
from mlstack_nb.ports.model_registry import Entry, ModelRegistry, Registered, Told

OWN = "mlstack."
NUMBER, NAME, ARTIFACT, DIGEST, RUN, STAGE = (
    f"{OWN}{name}" for name in ("number", "version", "artifact", "digest", "run_id", "stage")
)
METADATA = f"{OWN}metadata."
ALIASES = (Stage.STAGING.value, Stage.PRODUCTION.value)
MAX_VALUE = 5000  # characters of a tag's value: MLflow's limit


class MlflowRegistry(MlflowService, ModelRegistry):
    class Config(MlflowPlace):
        """`tracking_uri`: the server; without it MLflow is embedded: SQLite and files in `folder`, or the workspace.

        `experiment_name`: where models are logged that no tracked step made; without it, the model's name. Name and
        password in `tracking_uri` move to their own fields. Without credentials here those of the environment are used.
        """

        experiment_name: str | None = None

    def put_model(self, name: str, *, description: str, tags: Mapping[str, str]) -> None:
        with self._client() as client:
            known = _found(client, name)
            if known is None:
                known = client.create_registered_model(name, tags=_short(tags), description=description)
            if (known.description or "") != description:
                client.update_registered_model(name, description=description)
            _retag(
                known.tags,
                _short(tags),
                put=partial(client.set_registered_model_tag, name),
                drop=partial(client.delete_registered_model_tag, name),
            )

    def register(self, entry: Entry, load: Callable[[], Any]) -> Registered:
        with self._client() as client:
            for known in _versions(client, entry.model, entry.number):
                if (known.tags[ARTIFACT], known.tags[DIGEST]) == (entry.artifact, entry.digest):
                    return _registered(known)
        model = load()
        tags = {NUMBER: str(entry.number), ARTIFACT: entry.artifact, DIGEST: entry.digest, RUN: entry.run_id}
        with tempfile.TemporaryDirectory(prefix="mlstack-") as scratch, self._client() as client:
            save_model(model, Path(scratch) / "model")
            run, experiment = self._origin(client, entry)
            logged = client.create_logged_model(experiment, name=_as_name(entry.artifact), source_run_id=run, tags=tags)
            client.log_model_artifacts(logged.model_id, str(Path(scratch) / "model"))
            client.finalize_logged_model(logged.model_id, "READY")
            source = f"models:/{logged.model_id}"
            given = {"tags": tags, "model_id": logged.model_id, "await_creation_for": 0}
            return _registered(client.create_model_version(entry.model, source, run, **given))

    def describe(self, model: str, number: int, told: Told) -> None:
        with self._client() as client:
            found = _versions(client, model, number)
            for version in found:
                kept = {key: version.tags[key] for key in (NUMBER, ARTIFACT, DIGEST, RUN) if key in version.tags}
                metadata = {f"{METADATA}{name}": _text(value) for name, value in told.metadata.items()}
                tags = {**told.tags, **metadata, **kept, NAME: told.name, STAGE: told.stage.value}
                _retag(
                    version.tags,
                    _short(tags),
                    put=partial(client.set_model_version_tag, model, version.version),
                    drop=partial(client.delete_model_version_tag, model, version.version),
                )
                if (version.description or "") != told.description:
                    client.update_model_version(model, version.version, description=told.description)
            self._put_aliases(client, model, {str(version.version) for version in found}, told.stage)

    def entries(self, model: str, number: int) -> list[Registered]:
        with self._client() as client:
            return [_registered(version) for version in _versions(client, model, number)]

    def delete(self, model: str, number: int | None = None) -> None:
        with self._client() as client:
            known = _found(client, model)
            if known is None:
                return
            for version in _versions(client, model, number):
                for alias, of in known.aliases.items():
                    if str(of) == str(version.version):
                        client.delete_registered_model_alias(model, alias)
                client.delete_model_version(model, version.version)
            if number is None and not client.search_model_versions(_query(model)):
                client.delete_registered_model(model)

    def _put_aliases(self, client: Any, model: str, own: set[str], stage: Stage) -> None:
        """The stage's alias is at the newest entry of the version, and no other stage's is at any of them."""
        known = _found(client, model)
        now: dict[str, str] = {} if known is None else {alias: str(of) for alias, of in known.aliases.items()}
        newest = max(own, key=int, default=None)
        for alias in ALIASES:
            is_meant = alias == stage.value and newest is not None
            if is_meant and now.get(alias) != newest:
                client.set_registered_model_alias(model, alias, newest)
            elif not is_meant and now.get(alias) in own:
                client.delete_registered_model_alias(model, alias)

    def _origin(self, client: Any, entry: Entry) -> tuple[str | None, str]:
        """The tracked run that made it, where this MLflow has that, and the experiment to log it in."""
        from mlflow import MlflowException

        if entry.tracker_run:
            try:
                return entry.tracker_run, client.get_run(entry.tracker_run).info.experiment_id
            except MlflowException:
                pass  # the tracker is another MLflow, or no MLflow
        return None, self.experiment(client, self.configuration.experiment_name or entry.model)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        mlflow = imported("The model_registry flavor 'mlflow'")
        with environment(self.variables()), self.impatient(), current(mlflow, self.uri):
            is_new = self.is_embedded and not (self.folder / "mlflow.db").exists()
            with sole_creator(self.folder) if is_new else nullcontext():
                client = mlflow.MlflowClient(self.uri, registry_uri=self.uri)
                if is_new:
                    client.search_registered_models(max_results=1)
            yield client


def _found(client: Any, name: str) -> Any:
    """The registered model, None where there is none."""
    found = client.search_registered_models(_query(name), max_results=1)
    return found[0] if found else None


def _query(name: str) -> str:
    return f"name='{name}'" if "'" not in name else f'name="{name}"'


def _versions(client: Any, model: str, number: int | None) -> list[Any]:
    """Those that came from here, of one version or of all, oldest first."""
    found = [one for one in client.search_model_versions(_query(model)) if NUMBER in one.tags]
    chosen = [one for one in found if number is None or one.tags[NUMBER] == str(number)]
    return sorted(chosen, key=lambda one: int(one.version))


def _retag(
    now: Mapping[str, str], wanted: Mapping[str, str], *, put: Callable[[str, str], Any], drop: Callable[[str], Any]
) -> None:
    """Set what is new, and take away what was set from here and is not meant any more."""
    for key, value in wanted.items():
        if now.get(key) != value:
            put(key, value)
    for key, value in now.items():
        if key not in wanted and (key.startswith(OWN) or value == "true"):
            drop(key)


def _short(tags: Mapping[str, str]) -> dict[str, str]:
    return {key[:250]: value[:MAX_VALUE] for key, value in tags.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_name(artifact: str) -> str:
    """A logged model's name has none of MLflow's signs of an address."""
    return "".join("_" if sign in "/:.%\"'" else sign for sign in artifact)[:200] or "model"


def _registered(version: Any) -> Registered:
    return Registered(version.name, str(version.version), f"models:/{version.name}/{version.version}")
