"""How a run or a step was configured: read from the plan that the store keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.errors import MlstackError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace


class Configuration(dict[str, Any]):
    """Values by name, as attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} in this configuration: {', '.join(self)}") from None


def stored_plan(workspace: Workspace, stack: str, run_id: str) -> dict[str, Any]:
    """The plan of a run as its record has it; empty where there is none any more."""
    here = Runtime.here(workspace)
    try:
        runtime = here if here.stack.name == stack else here.beside(stack)
        found: dict[str, Any] = json.loads(runtime.engine.store.files.read(f"runs/{run_id}/plan.json"))
    except (MlstackError, ValueError):
        return {}
    return found
