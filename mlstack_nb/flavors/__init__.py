"""The table of flavors: one line each, sorted by kind and flavor. Nothing is imported until a flavor is used."""

from __future__ import annotations

from functools import cache

from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.registry import FlavorRegistry

# kind, flavor, class in `flavors/<kind>/<flavor>.py`, pip extra, summary
_TABLE = (
    (Kind.ALERTER, "webhook", "WebhookAlerter", "", "a message to Slack, Discord, or any address that takes JSON"),
    (Kind.ARTIFACT_STORE, "local", "LocalArtifactStore", "", "a folder on this machine"),
    (Kind.EXPERIMENT_TRACKER, "mlflow", "MlflowTracker", "mlflow", "MLflow, embedded in the workspace or a server"),
    (Kind.MODEL_DEPLOYER, "mlflow", "MlflowDeployer", "mlflow", "MLflow scoring servers on this machine"),
    (Kind.MODEL_REGISTRY, "mlflow", "MlflowRegistry", "mlflow", "MLflow's registry, embedded or a server"),
    (Kind.ORCHESTRATOR, "dask", "DaskOrchestrator", "dask", "a running Dask scheduler and its workers"),
    (Kind.ORCHESTRATOR, "local", "LocalOrchestrator", "", "this process"),
)


@cache
def registry() -> FlavorRegistry:
    """The one registry of this process; packages outside this one add to it by entry points."""
    found = FlavorRegistry()
    for kind, flavor, name, extra, summary in _TABLE:
        found.register(kind, flavor, f"{__name__}.{kind}.{flavor}:{name}", extra=extra, summary=summary)
    return found
