"""Pipeline steps in notebook cells, run unchanged on any stack.

Public names are resolved on first use, so that `import mlstack_nb` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mlstack_nb.app.pipelines import pipeline
    from mlstack_nb.app.steps import step
    from mlstack_nb.core.artifact import ArtifactType
    from mlstack_nb.core.policy import CachePolicy
    from mlstack_nb.core.types import DataFile
    from mlstack_nb.errors import MlstackError
    from mlstack_nb.notebook.showing import display
    from mlstack_nb.notebook.widget.opening import panel
    from mlstack_nb.ports.materializer import BaseMaterializer

__version__ = "0.1.0"

__all__ = [
    "ArtifactType",
    "BaseMaterializer",
    "CachePolicy",
    "DataFile",
    "MlstackError",
    "display",
    "panel",
    "pipeline",
    "step",
]

_HOMES = {
    "ArtifactType": "mlstack_nb.core.artifact",
    "BaseMaterializer": "mlstack_nb.ports.materializer",
    "CachePolicy": "mlstack_nb.core.policy",
    "DataFile": "mlstack_nb.core.types",
    "MlstackError": "mlstack_nb.errors",
    "display": "mlstack_nb.notebook.showing",
    "panel": "mlstack_nb.notebook.widget.opening",
    "pipeline": "mlstack_nb.app.pipelines",
    "step": "mlstack_nb.app.steps",
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
