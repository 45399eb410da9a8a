"""Pipeline steps in notebook cells, run unchanged on any stack.

Public names are resolved on first use, so that `import mlstack_nb` stays cheap.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mlstack_nb import track
    from mlstack_nb.app.alerts import alerter_failure_hook, alerter_success_hook
    from mlstack_nb.app.dynamic.fans import unmapped
    from mlstack_nb.app.models.model import Model, link_artifact_to_model, log_model_metadata
    from mlstack_nb.app.pipelines import pipeline
    from mlstack_nb.app.step_context import get_pipeline_context, get_step_context
    from mlstack_nb.app.steps import step
    from mlstack_nb.app.stored_inputs import ExternalArtifact
    from mlstack_nb.client.client import Client
    from mlstack_nb.client.saving import load_artifact, register_artifact, save_artifact
    from mlstack_nb.client.tagging import add_tags, remove_tags
    from mlstack_nb.client.telling import bulk_log_metadata, log_artifact_metadata, log_metadata, log_step_metadata
    from mlstack_nb.core.artifact import ArtifactConfig, ArtifactType
    from mlstack_nb.core.policy import CachePolicy, StepRetryConfig
    from mlstack_nb.core.tag import Tag
    from mlstack_nb.core.types import DataFile
    from mlstack_nb.errors import MlstackError
    from mlstack_nb.notebook.showing import display
    from mlstack_nb.notebook.widget.opening import panel
    from mlstack_nb.ports.materializer import BaseMaterializer

__version__ = "0.1.0"

__all__ = [
    "ArtifactConfig",
    "ArtifactType",
    "BaseMaterializer",
    "CachePolicy",
    "Client",
    "DataFile",
    "ExternalArtifact",
    "MlstackError",
    "Model",
    "StepRetryConfig",
    "Tag",
    "add_tags",
    "alerter_failure_hook",
    "alerter_success_hook",
    "bulk_log_metadata",
    "display",
    "get_pipeline_context",
    "get_step_context",
    "link_artifact_to_model",
    "load_artifact",
    "log_artifact_metadata",
    "log_metadata",
    "log_model_metadata",
    "log_step_metadata",
    "panel",
    "pipeline",
    "register_artifact",
    "remove_tags",
    "save_artifact",
    "step",
    "track",
    "unmapped",
]

_HOMES = {
    "ArtifactConfig": "mlstack_nb.core.artifact",
    "ArtifactType": "mlstack_nb.core.artifact",
    "BaseMaterializer": "mlstack_nb.ports.materializer",
    "CachePolicy": "mlstack_nb.core.policy",
    "Client": "mlstack_nb.client.client",
    "DataFile": "mlstack_nb.core.types",
    "ExternalArtifact": "mlstack_nb.app.stored_inputs",
    "MlstackError": "mlstack_nb.errors",
    "Model": "mlstack_nb.app.models.model",
    "StepRetryConfig": "mlstack_nb.core.policy",
    "Tag": "mlstack_nb.core.tag",
    "add_tags": "mlstack_nb.client.tagging",
    "alerter_failure_hook": "mlstack_nb.app.alerts",
    "alerter_success_hook": "mlstack_nb.app.alerts",
    "bulk_log_metadata": "mlstack_nb.client.telling",
    "display": "mlstack_nb.notebook.showing",
    "get_pipeline_context": "mlstack_nb.app.step_context",
    "get_step_context": "mlstack_nb.app.step_context",
    "link_artifact_to_model": "mlstack_nb.app.models.model",
    "load_artifact": "mlstack_nb.client.saving",
    "log_artifact_metadata": "mlstack_nb.client.telling",
    "log_metadata": "mlstack_nb.client.telling",
    "log_model_metadata": "mlstack_nb.app.models.model",
    "log_step_metadata": "mlstack_nb.client.telling",
    "panel": "mlstack_nb.notebook.widget.opening",
    "pipeline": "mlstack_nb.app.pipelines",
    "register_artifact": "mlstack_nb.client.saving",
    "remove_tags": "mlstack_nb.client.tagging",
    "save_artifact": "mlstack_nb.client.saving",
    "step": "mlstack_nb.app.steps",
    "track": "mlstack_nb.track",
    "unmapped": "mlstack_nb.app.dynamic.fans",
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext mlstack_nb` calls: adds the magics."""
    from mlstack_nb.notebook import magics

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext mlstack_nb` calls: removes the magics."""
    from mlstack_nb.notebook import magics

    magics.unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Where Jupyter's server finds its extension."""
    from mlstack_nb.server.extension import MlstackExtension

    return [{"module": "mlstack_nb.server.extension", "app": MlstackExtension}]


def _switch_on_compat() -> None:
    """Let the import paths of the tool that `MLSTACK_COMPAT` names lead here, as where this process was started."""
    if tool := os.environ.get("MLSTACK_COMPAT"):
        importlib.import_module(f"{__name__}.compat").switch_on(tool)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    value = home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_switch_on_compat()
