"""Whether the components of the active stack work: configured rightly, installed, and the artifact store in reach."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.components import list_flavors
from mlstack_nb.app.doctor import Verdict, check_component, install_line, missing_packages
from mlstack_nb.core.stack import Component, Kind
from mlstack_nb.errors import MissingPackageError, MlstackError, ObjectMissingError
from mlstack_nb.flavors import registry
from mlstack_nb.ports.configuration import model_of

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace
    from mlstack_nb.ports.artifact_store import ArtifactStore

PROBE = "runs/probe"
"""A path that nobody writes: to ask for it shows whether the store answers."""


def health(workspace: Workspace, stack: str | None = None) -> dict[str, Any]:
    """Each component with whether it works, what was found and how long that took. Raises NotFoundError."""
    found = workspace.active_stack(stack)
    return {"stack": found.name, "components": [_of_component(workspace, part) for part in found.components]}


def describe_flavors() -> list[dict[str, Any]]:
    """Every flavor with the JSON schema of its configuration, None where it can not be loaded."""
    return [_described(Kind(row["kind"]), row) for row in list_flavors()]


def _of_component(workspace: Workspace, component: Component) -> dict[str, Any]:
    began = time.perf_counter()
    check = check_component(component)[0]
    is_ok, what, hint = check.verdict is Verdict.OK, check.detail, check.hint
    if is_ok and component.kind is Kind.ARTIFACT_STORE:
        try:
            what = f"{what}, {_reached(workspace, component).uri}"
        except MlstackError as error:
            is_ok, what, hint = False, error.what, error.hint
    return {
        "kind": str(component.kind),
        "name": component.name,
        "flavor": component.flavor,
        "ok": is_ok,
        "what": what,
        "hint": hint,
        "seconds": time.perf_counter() - began,
    }


def _reached(workspace: Workspace, component: Component) -> ArtifactStore:
    flavor = registry().load(component.kind, component.flavor)
    store: ArtifactStore = flavor(component.name, flavor.Config(**component.configuration), workspace.root)
    with suppress(ObjectMissingError):
        store.read(PROBE)
    return store


def _described(kind: Kind, row: dict[str, Any]) -> dict[str, Any]:
    extra = row["extra"]
    is_installed = not missing_packages(extra)
    schema = None
    try:
        schema = model_of(registry().load(kind, row["flavor"]).Config).model_json_schema()
    except MissingPackageError:
        is_installed = False
    return {
        "kind": row["kind"],
        "flavor": row["flavor"],
        "summary": row["summary"],
        "installed": is_installed,
        "install": install_line(extra) if extra else "",
        "schema": schema,
    }
