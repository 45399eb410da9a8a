"""Which version of an artifact people mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack_nb.catalog import artifacts as rows
from mlstack_nb.errors import NotFoundError

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.catalog.artifacts import ArtifactVersion


def find_version(workspace: Workspace, name_or_id: str | int, version: str | int | None = None) -> ArtifactVersion:
    """By name, the newest version by default; or by a version's own id. Raises NotFoundError with the nearest name."""
    text = str(name_or_id)
    try:
        return rows.get_version(workspace.catalog, text, version)
    except NotFoundError:
        found = rows.version_with_id(workspace.catalog, int(text)) if text.isdecimal() and version is None else None
        if found is None:
            raise
        return found
