"""Model deployer flavor `mlflow`: MLflow's scoring servers as services of this machine, on loopback."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from mlstack_nb.core.deployment import DeploymentState
from mlstack_nb.core.digest import digest, digest_bytes
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors.mlflow_models import check_servable, save_model
from mlstack_nb.flavors.mlflow_service import MlflowPlace, MlflowService, current, environment, imported
from mlstack_nb.flavors.serving.folder import Order, Report, ServiceFolder
from mlstack_nb.ports.model_deployer import ModelDeployer, Service, Standing, Wanted
from mlstack_nb.ports.owner import Owner
from mlstack_nb.ports.registry import qualified_name

POLL_S = 0.05
STOP_S = 60.0
PROTOCOL = {"inputs", "instances", "dataframe_split", "dataframe_records", "messages", "input", "prompt"}
SHOWN_CHARACTERS = 1500
_WHO = "The model_deployer flavor 'mlflow'"


class MlflowDeployer(MlflowService, ModelDeployer):
    is_local = True

    class Config(MlflowPlace):
        """`tracking_uri`: where models that are given by a `models:/...` address are looked for.

        Servers listen on 127.0.0.1. `scoring_timeout_s`: how long a prediction may take.
        """

        scoring_timeout_s: int = Field(default=60, ge=1)

    def check(self) -> str:
        """Whether MLflow is there to serve; the service of `tracking_uri` is asked, too, where there is one."""
        found = f"MLflow {imported(_WHO).__version__}" if self.is_embedded else super().check()
        return f"{found}; servers listen on 127.0.0.1"

    def deploy(self, wanted: Wanted, before: Service | None) -> Service:
        folder = ServiceFolder(self.workspace / "deployments" / wanted.name)
        folder.make()
        with folder.locked(), tempfile.TemporaryDirectory(dir=folder.path, prefix="model-") as scratch:
            wanted = self._fetched(wanted, Path(scratch) / "fetched")
            order, report = folder.order(), folder.report()
            if order is not None and _is_served(order, report) and _is_same(order, wanted):
                return self._service(folder, order, report)
            model = self._saved(wanted, folder, Path(scratch) / "model")
            fresh = self._order(wanted, model, order, report)
            try:
                report = self._brought_up(folder, fresh)
            except ConfigError:
                if order is not None:
                    folder.put_order(order)
                raise
            except BaseException:  # somebody interrupts the waiting: what is on its way must not take over
                if order is not None:
                    folder.put_order(replace(order, generation=fresh.generation + 1))
                raise
            for other in folder.models.iterdir():
                if other != model:
                    shutil.rmtree(other)
            return self._service(folder, fresh, report)

    def start(self, service: Service) -> Service:
        folder = _folder(service)
        if (order := folder.order()) is None:
            raise ConfigError(f"What was deployed in {folder.path} is gone.", "Deploy the model again.")
        with folder.locked():
            report = folder.report()
            if not _is_served(order, report):
                port = order.port or (report.port if report is not None else 0)
                again = replace(order, generation=_next_generation(order, report), port=port)
                report = self._brought_up(folder, again)
            return self._service(folder, order, report)

    def look(self, service: Service) -> Standing:
        folder = _folder(service)
        report = folder.report()
        if report is None:
            return Standing(DeploymentState.FAILED, reason=f"its folder {folder.path} is gone")
        if report.is_alive:
            return Standing(report.state, _url(report.port), report.reason, len(report.processes) - 1)
        if report.state in (DeploymentState.STOPPED, DeploymentState.FAILED):
            return Standing(report.state, _url(report.port), report.reason)
        _end_orphans(report)
        return Standing(DeploymentState.FAILED, _url(report.port), "its process was killed")

    def predict(self, service: Service, data: Any) -> Any:
        standing = self.look(service)
        if standing.state is not DeploymentState.RUNNING:
            raise ConfigError(f"The deployment is {standing.state}, so it can not predict.", "Start it first.")
        body = json.dumps(_asked(data), default=_plain).encode()
        request = urllib.request.Request(standing.url, body, {"Content-Type": "application/json"})  # noqa: S310 - ours
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=self.configuration.scoring_timeout_s + 60) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")
            raise ConfigError(f"The model could not score the data: {_message(said)}", "Check the data.") from error
        except OSError as error:
            raise ConfigError(f"{standing.url} can not be reached: {error}.", "See its log.") from error
        return found["predictions"] if isinstance(found, dict) and "predictions" in found else found

    def logs(self, service: Service) -> str:
        return _folder(service).log_since(0)

    def stop(self, service: Service) -> None:
        folder = _folder(service)
        if not folder.path.is_dir():
            return
        with folder.locked():
            report = folder.report()
            if report is None:
                return
            if report.is_alive:
                os.kill(report.processes[0].pid, signal.SIGTERM)
                _wait_until_gone(report.processes[0])
            _end_orphans(report)
            folder.put_report(replace(folder.report() or report, state=DeploymentState.STOPPED))

    def delete(self, service: Service) -> None:
        self.stop(service)
        shutil.rmtree(_folder(service).path, ignore_errors=True)

    def _fetched(self, wanted: Wanted, folder: Path) -> Wanted:
        """A model that is named by an address becomes the folder that it is in, with the digest of its files."""
        if not isinstance(wanted.model, (str, Path)):
            return wanted
        mlflow = imported(_WHO)
        with environment(self.variables()), self.impatient(), current(mlflow, self.uri):
            place = Path(mlflow.artifacts.download_artifacts(str(wanted.model), tracking_uri=self.uri))
        if not (place / "MLmodel").is_file():
            raise ConfigError(f"{wanted.model} is no MLflow model: it has no file MLmodel.", "Give models:/NAME@ALIAS")
        files = sorted(path for path in place.rglob("*") if path.is_file() and path.name != "registered_model_meta")
        parts = [[str(path.relative_to(place)), digest_bytes(path.read_bytes())] for path in files]
        return replace(wanted, model=shutil.copytree(place, folder), digest=digest("mlflow model", parts))

    def _saved(self, wanted: Wanted, folder: ServiceFolder, scratch: Path) -> Path:
        """The folder of the model, where the service finds it."""
        place = folder.models / wanted.digest[:16]
        if place.is_dir():
            return place
        if isinstance(wanted.model, Path):
            scratch, what = wanted.model, f"the model of deployment {wanted.name!r}"
        else:
            imported(_WHO)
            save_model(wanted.model, scratch)
            what = f"a {qualified_name(type(wanted.model))}"
        check_servable(scratch, what)
        folder.models.mkdir(exist_ok=True)
        return scratch.replace(place)

    def _order(self, wanted: Wanted, model: Path, before: Order | None, report: Report | None) -> Order:
        imported(_WHO)
        from mlflow.pyfunc.scoring_server import get_cmd

        command, variables = get_cmd(str(model), timeout=self.configuration.scoring_timeout_s)
        own = {name: value for name, value in variables.items() if os.environ.get(name) != value}
        return Order(
            _next_generation(before, report),
            wanted.digest,
            (sys.executable, "-m", *shlex.split(command), "--uds", "{socket}", "--no-access-log"),
            {**own, "MLFLOW_DISABLE_TELEMETRY": "true"},
            str(Path.cwd()),
            wanted.replicas,
            port=wanted.port or (report.port if report is not None else 0),
            timeout_s=wanted.timeout_s,
        )

    def _brought_up(self, folder: ServiceFolder, order: Order) -> Report:
        """Give the order, and wait until it is served. Raises ConfigError that tells why it can not be."""
        folder.put_order(order)
        report = folder.report()
        process = _start(folder) if report is None or not report.is_alive else None
        try:
            return self._awaited(folder, order, process)
        except BaseException:
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait()
            raise

    def _awaited(self, folder: ServiceFolder, order: Order, process: subprocess.Popen[bytes] | None) -> Report:
        """`process` is the service, where it was started for this."""
        while True:
            report = folder.report()
            is_new = report is not None and (process is None or report.processes[0].pid == process.pid)
            if report is not None and is_new:
                if report.generation == order.generation and report.state is DeploymentState.RUNNING:
                    return report
                if report.failed == order.generation:
                    raise ConfigError(f"The model can not be served: {report.reason}", f"See {folder.log}")
            if (process is not None and process.poll() is not None) or (report and is_new and not report.is_alive):
                said = folder.log_since(0)[-SHOWN_CHARACTERS:]
                reason = report.reason if report and is_new and report.reason else f"its service ended: {said}"
                raise ConfigError(f"The model can not be served: {reason}", f"See {folder.log}")
            time.sleep(POLL_S)

    def _service(self, folder: ServiceFolder, order: Order, report: Report | None) -> Service:
        url = _url(report.port) if report is not None else ""
        return {"folder": str(folder.path), "digest": order.model, "replicas": order.replicas, "url": url}


def _start(folder: ServiceFolder) -> subprocess.Popen[bytes]:
    """A process of its own session: it outlives this one."""
    with folder.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "mlstack_nb.flavors.serving", str(folder.path)],
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _folder(service: Service) -> ServiceFolder:
    return ServiceFolder(Path(service["folder"]))


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/invocations"


def _is_served(order: Order, report: Report | None) -> bool:
    if report is None or not report.is_alive or report.state is not DeploymentState.RUNNING:
        return False
    return report.generation == order.generation


def _is_same(order: Order, wanted: Wanted) -> bool:
    return (order.model, order.replicas) == (wanted.digest, wanted.replicas)


def _next_generation(order: Order | None, report: Report | None) -> int:
    known = (order.generation if order is not None else 0, report.failed if report is not None else 0)
    return max(known) + 1


def _end_orphans(report: Report) -> None:
    """Replicas whose service was killed go on by themselves, and nobody hands them requests."""
    for process in report.processes[1:]:
        if process.is_here and not process.is_gone:
            os.kill(process.pid, signal.SIGTERM)


def _wait_until_gone(process: Owner) -> None:
    deadline = time.monotonic() + STOP_S
    while not process.is_gone:
        if time.monotonic() > deadline:
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(POLL_S)


def _asked(data: Any) -> Any:
    """The data in the words of MLflow's protocol."""
    if isinstance(data, dict) and PROTOCOL & data.keys():
        return data
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.Series):
        data = data.to_frame().T
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return {"dataframe_split": json.loads(data.to_json(orient="split"))}
    return {"inputs": data.tolist() if hasattr(data, "tolist") else data}


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ConfigError(f"{type(value).__name__} can not be sent as JSON.", "Give a DataFrame, an array or lists.")


def _message(said: str) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said[:SHOWN_CHARACTERS]
