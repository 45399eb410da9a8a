"""Experiment tracker flavor `mlflow`: embedded in the workspace, or a server.

MLflow's current server, experiment and run are state of the process (the run: of the thread), so one step at a
time is tracked in a process.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mlstack_nb.flavors.mlflow_service import (
    MlflowPlace,
    MlflowService,
    environment,
    failures,
    impatience,
    imported,
    put,
    reason,
    sole_creator,
)
from mlstack_nb.ports.experiment_tracker import ExperimentTracker, TrackedRun

MAX_VALUE = 6000  # characters of a parameter's value, and of its name: MLflow's limits
MAX_NAME = 250


class MlflowTracker(MlflowService, ExperimentTracker):
    class Config(MlflowPlace):
        """`tracking_uri`: the server; without it MLflow is embedded: SQLite and files in `folder`, or the workspace.

        `experiment_name`: without it, the pipeline's name. Name and password in `tracking_uri` move to their own
        fields. Without credentials here those of the environment are used.
        """

        experiment_name: str | None = None

    @contextmanager
    def track(self, *, step: str, pipeline: str, run_id: str, parameters: Mapping[str, Any]) -> Iterator[TrackedRun]:
        """Raises ConfigError within seconds, before the block, when MLflow can not be reached or refuses."""
        mlflow = _imported()
        tags = {"mlstack.run_id": run_id, "mlstack.pipeline": pipeline, "mlstack.step": step}
        with environment(self.variables()), _restored(mlflow):
            with self.impatient():
                mlflow.set_tracking_uri(self.uri)
                with sole_creator(self.folder) if self.is_embedded else nullcontext():
                    name = self.configuration.experiment_name or pipeline
                    experiment = self.experiment(mlflow.MlflowClient(), name)
                mlflow.set_experiment(experiment_id=experiment)
                run: str = mlflow.start_run(run_name=step, tags={**tags, **_shortened(parameters)}).info.run_id
            status = "FINISHED"
            try:
                with self.explained():
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
        put(self.variables())
        with self.impatient():
            mlflow.set_tracking_uri(self.uri)
            mlflow.start_run(run_id=run_id)

    def log_params(self, params: Mapping[str, Any]) -> None:
        with self.explained():
            _imported().log_params({name[:MAX_NAME]: str(value)[:MAX_VALUE] for name, value in params.items()})

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        with self.explained():
            _imported().log_metrics(dict(metrics), step=step)

    def log_artifact(self, path: Path, folder: str = "") -> None:
        mlflow = _imported()
        with self.explained():
            if path.is_dir():
                mlflow.log_artifacts(str(path), artifact_path="/".join(filter(None, (folder, path.name))))
            else:
                mlflow.log_artifact(str(path), artifact_path=folder or None)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        with self.explained():
            _imported().set_tags(dict(tags))

    def metrics(self, run_id: str) -> dict[str, float]:
        """Raises ConfigError within seconds when MLflow can not be reached or refuses."""
        mlflow = _imported()
        with environment(self.variables()), self.impatient():
            return dict(mlflow.MlflowClient(self.uri).get_run(run_id).data.metrics)

    def _end(self, mlflow: Any, run: str, status: str) -> None:
        """Close the step's run, and first those that the step left open in it.

        A failure to do so is a warning: the step's own result or error counts for more.
        """
        try:
            with environment(impatience()):
                while (current := mlflow.active_run()) and current.info.run_id != run:
                    mlflow.end_run(status)
                mlflow.set_tracking_uri(self.uri)
                if current:
                    mlflow.end_run(status)
                elif status != "FINISHED":  # the step ended its run itself, and failed afterwards
                    mlflow.MlflowClient().set_terminated(run, status)
        except failures() as error:
            warnings.warn(
                f"MLflow run {run} of experiment tracker {self.name!r} could not be marked {status}: {reason(error)}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _page(self, experiment: str, run: str) -> str:
        return f"{self.uri}/#/experiments/{experiment}/runs/{run}" if self.is_server else self.uri


def _imported() -> Any:
    return imported("The experiment_tracker flavor 'mlflow'")


def _shortened(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tag that names parameters whose values are longer than MLflow keeps."""
    names = [name for name, value in parameters.items() if len(str(value)) > MAX_VALUE]
    return {"mlstack.shortened_parameters": ", ".join(names)[:MAX_VALUE]} if names else {}


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
