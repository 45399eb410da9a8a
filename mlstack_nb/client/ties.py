"""From one record to another: each leads to others, and modules that import each other in a ring are none here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack_nb.ports.registry import load_target

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.core.model import ModelVersion


def run_of(workspace: Workspace, run_id: str) -> Any:
    """The `RunRecord` of that id; None when it was deleted."""
    return load_target("mlstack_nb.client.runs:RunRecord").called(workspace, run_id)


def model_version_of(workspace: Workspace, row: ModelVersion) -> Any:
    """Its `ModelVersionRecord`."""
    return load_target("mlstack_nb.client.model_records:ModelVersionRecord")(workspace, row)
