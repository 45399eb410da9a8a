"""Use cases of deployments: put a model behind an address, look after it, ask it.

What the catalog has of a deployment is what was last seen of it; whoever reads one asks the deployer how it does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.building import build
from mlstack_nb.app.models.linking import is_on_node
from mlstack_nb.app.names import check_name
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.secrets import SecretSource
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog import deployments as rows
from mlstack_nb.catalog import stacks
from mlstack_nb.core.deployment import DeploymentRecord, DeploymentState
from mlstack_nb.core.notes import notes
from mlstack_nb.core.run import iso
from mlstack_nb.core.stack import Component, Kind
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError, UsageError, nearest
from mlstack_nb.ports.model_deployer import ModelDeployer, Wanted

if TYPE_CHECKING:
    from mlstack_nb.ports.model_deployer import Service

REQUIRED = ("model", "model_name")
OPTIONS = ("replicas", "port", "timeout_s")


@dataclass(frozen=True)
class Deployment:
    """A deployment as it was when it was looked at. `prediction_url` takes what the model is asked by HTTP POST.

    `model` is the digest of what is served; `replicas` how many processes serve it now, of those that are wanted.
    `run_id` and `step` tell which step deployed it, "" where none did.
    """

    name: str
    status: str
    prediction_url: str
    deployer: str
    model: str
    replicas: int
    wanted_replicas: int
    reason: str
    run_id: str
    step: str
    created_at: float
    updated_at: float
    workspace: str

    @property
    def state(self) -> DeploymentState:
        return DeploymentState(self.status)

    @property
    def is_running(self) -> bool:
        return self.state is DeploymentState.RUNNING

    def predict(self, data: Any) -> Any:
        """What the model makes of a frame, an array or lists. Raises ConfigError where it can not be asked."""
        return predict(Workspace(Path(self.workspace)), self.name, data)

    def logs(self) -> str:
        return logs(Workspace(Path(self.workspace)), self.name)

    def refresh(self) -> Deployment:
        """As it is now."""
        return find(Workspace(Path(self.workspace)), self.name)

    def start(self) -> Deployment:
        return start(Workspace(Path(self.workspace)), self.name)

    def stop(self) -> Deployment:
        return stop(Workspace(Path(self.workspace)), self.name)

    def delete(self) -> None:
        delete(Workspace(Path(self.workspace)), self.name)

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {**told, "created_at": iso(self.created_at), "updated_at": iso(self.updated_at)}

    def __str__(self) -> str:
        return f"{self.name}: {self.status} at {self.prediction_url}"


class Deployer:
    """A stack's model deployer, as people use it."""

    def __init__(self, runtime: Runtime, component: ModelDeployer) -> None:
        self.name = component.name
        self._runtime = runtime
        self._workspace = runtime.workspace
        self._component = component

    def deploy_model(self, config: Mapping[str, Any] | None = None, **options: Any) -> Deployment:
        """Serve `model` under `model_name` with so many `replicas`; returns once it answers.

        `model` is an object, or what the deployer's tool knows a stored one by. What is served already is left alone;
        another model takes over at the same address, and no request fails meanwhile. Raises UsageError, or ConfigError
        for what can not be served.
        """
        wanted = self._wanted({**(config or {}), **options})
        self._check_place()
        before = _found(self._workspace, wanted.name)
        if before is not None and before.deployer != self.name:
            raise ConflictError(
                f"Deployment {wanted.name!r} is one of model deployer {before.deployer!r}.",
                f"Choose another model_name, or delete that one: mlstack deployment delete {wanted.name}",
            )
        service = self._component.deploy(wanted, before.service if before is not None else None)
        return self._recorded(wanted, before, service)

    def list_deployments(self) -> list[Deployment]:
        """Its own, by name."""
        return [one for one in list_all(self._workspace) if one.deployer == self.name]

    def __repr__(self) -> str:
        return f"<model deployer {self.name}>"

    def _wanted(self, given: Mapping[str, Any]) -> Wanted:
        known = (*REQUIRED, *OPTIONS)
        for name in given:
            if name not in known:
                near = nearest(name, known)
                hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(known)}."
                raise UsageError(f"deploy_model has no option {name!r}.", hint)
        for name in REQUIRED:
            if given.get(name) is None:
                raise UsageError(f"deploy_model was given no {name!r}.", f'Give it: config={{"{name}": ...}}')
        name, model = given["model_name"], given["model"]
        check_name("deployment", name)
        if name.startswith("."):
            raise UsageError(f"{name!r} can not be the name of a deployment: it begins with a dot.", "Choose another.")
        replicas = given.get("replicas", 1)
        if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 1:
            raise UsageError(f"Deployment {name!r} can not have {replicas!r} replicas.", "Give a number from 1.")
        port, timeout_s = given.get("port", 0), given.get("timeout_s", 1)
        if not isinstance(port, int) or not 0 <= port < 65536:
            raise UsageError(f"Deployment {name!r} can not have port {port!r}.", "Give a number below 65536.")
        if not isinstance(timeout_s, int | float) or not timeout_s > 0:
            raise UsageError(f"Deployment {name!r} can not have timeout_s={timeout_s!r}.", "Give seconds above zero.")
        digest = "" if isinstance(model, (str, Path)) else self._runtime.engine.codec.digest_of(model)
        return Wanted(name, model, digest, **{option: given[option] for option in OPTIONS if option in given})

    def _check_place(self) -> None:
        """A node's workspace goes with the node."""
        here = notes()
        if self._component.is_local and here is not None and is_on_node(self._runtime, here):
            raise ConfigError(
                f"Model deployer {self.name!r} serves on the machine that it is called on, and step {here.step.name!r} "
                "runs on a node, which keeps nothing.",
                "Deploy from a step of a stack with a local orchestrator, or by another deployer.",
            )

    def _recorded(self, wanted: Wanted, before: DeploymentRecord | None, service: Service) -> Deployment:
        here, now = notes(), time.time()
        standing = self._component.look(service)
        record = DeploymentRecord(
            wanted.name,
            self.name,
            standing.state,
            standing.url,
            self._component.digest(service),
            {"replicas": wanted.replicas},
            service,
            here.run_id if here is not None else None,
            here.step.name if here is not None else None,
            before.created_at if before is not None else now,
            now,
        )
        with self._workspace.catalog.write() as connection:
            rows.put_deployment(connection, record)
        return _as_deployment(self._workspace, record, replicas=standing.replicas, reason=standing.reason)


def deployer_of(runtime: Runtime) -> Deployer | None:
    """That of the runtime's stack; None where it has none."""
    component = runtime.component(Kind.MODEL_DEPLOYER)
    if component is None:
        return None
    return Deployer(runtime, component)


def list_all(workspace: Workspace) -> list[Deployment]:
    """By name, each as it is now."""
    with workspace.catalog.read() as connection:
        known = rows.list_deployments(connection)
    return [_seen(workspace, record) for record in known]


def find(workspace: Workspace, name: str) -> Deployment:
    """As it is now. Raises NotFoundError with the nearest name."""
    return _seen(workspace, _need(workspace, name))


def predict(workspace: Workspace, name: str, data: Any) -> Any:
    """Raises ConfigError where it does not answer, or can not score the data."""
    record = _need(workspace, name)
    seen = _seen(workspace, record)
    if not seen.is_running:
        why = f": {seen.reason}" if seen.reason else ""
        raise ConfigError(f"Deployment {name!r} is {seen.status}{why}.", f"Run: mlstack deployment start {name}")
    return _component(workspace, record).predict(record.service, data)


def logs(workspace: Workspace, name: str) -> str:
    record = _need(workspace, name)
    return _component(workspace, record).logs(record.service)


def start(workspace: Workspace, name: str) -> Deployment:
    """Bring up what was stopped, or failed; returns once it answers. Raises ConfigError."""
    record = _need(workspace, name)
    service = _component(workspace, record).start(record.service)
    return _seen(workspace, replace(record, service=service), always=True)


def stop(workspace: Workspace, name: str) -> Deployment:
    record = _need(workspace, name)
    _component(workspace, record).stop(record.service)
    return _seen(workspace, record, always=True)


def delete(workspace: Workspace, name: str) -> None:
    """Stop it, and forget it."""
    record = _need(workspace, name)
    _component(workspace, record).delete(record.service)
    with workspace.catalog.write() as connection:
        rows.delete_deployment(connection, name)


def _seen(workspace: Workspace, record: DeploymentRecord, *, always: bool = False) -> Deployment:
    """Ask how it does, and keep that in the catalog where it is new."""
    try:
        standing = _component(workspace, record).look(record.service)
    except ConfigError as error:
        return _as_deployment(workspace, replace(record, state=DeploymentState.FAILED), replicas=0, reason=error.what)
    now = replace(record, state=standing.state, url=standing.url or record.url)
    if always or now != record:
        now = replace(now, updated_at=time.time())
        with workspace.catalog.write() as connection:
            rows.put_deployment(connection, now)
    return _as_deployment(workspace, now, replicas=standing.replicas, reason=standing.reason)


def _component(workspace: Workspace, record: DeploymentRecord) -> ModelDeployer:
    """The deployer that made it, whatever stack is active. Raises ConfigError where it is no longer registered."""
    with workspace.catalog.read() as connection:
        found: Component | None = stacks.find_component(connection, Kind.MODEL_DEPLOYER, record.deployer)
    if found is None:
        raise ConfigError(
            f"Deployment {record.name!r} was made by model deployer {record.deployer!r}, which is not registered.",
            f"Register it again: mlstack component register model_deployer {record.deployer} --flavor FLAVOR",
        )
    made: ModelDeployer = build(found, workspace.root, SecretSource(workspace))
    return made


def _found(workspace: Workspace, name: str) -> DeploymentRecord | None:
    with workspace.catalog.read() as connection:
        return rows.find_deployment(connection, name)


def _need(workspace: Workspace, name: str) -> DeploymentRecord:
    found = _found(workspace, name)
    if found is None:
        with workspace.catalog.read() as connection:
            known = [record.name for record in rows.list_deployments(connection)]
        raise NotFoundError.of("deployment", name, known, "Run: mlstack deployment list")
    return found


def _as_deployment(workspace: Workspace, record: DeploymentRecord, *, replicas: int, reason: str) -> Deployment:
    same = {one.name for one in fields(DeploymentRecord)} & {one.name for one in fields(Deployment)}
    kept = {name: getattr(record, name) for name in same - {"run_id", "step"}}
    return Deployment(
        **kept,
        status=record.state.value,
        prediction_url=record.url,
        replicas=replicas,
        wanted_replicas=record.configuration.get("replicas", 1),
        reason=reason,
        run_id=record.run_id or "",
        step=record.step or "",
        workspace=str(workspace.root.absolute()),
    )
