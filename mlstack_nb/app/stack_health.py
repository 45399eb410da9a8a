"""Whether the components of a stack work: configured rightly, installed, and what they stand for in reach."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.building import build
from mlstack_nb.app.components import list_flavors
from mlstack_nb.app.doctor import Verdict, check_component, install_line, missing_packages
from mlstack_nb.app.secrets import SecretSource
from mlstack_nb.app.stacks import need
from mlstack_nb.app.workspace import DEFAULT
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.engine.masking import masked
from mlstack_nb.errors import MissingPackageError, MlstackError
from mlstack_nb.flavors import registry
from mlstack_nb.ports.alerter import Alert, Alerter, Occasion
from mlstack_nb.ports.component import StackComponent
from mlstack_nb.ports.configuration import model_of

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace


def health(workspace: Workspace, stack: str | None = None, *, send: bool = False) -> dict[str, Any]:
    """Each component of a stack with whether it works, what was found there and how long that took.

    Alerters are sent a message only with `send`. Raises NotFoundError for the stack.
    """
    found = _stack(workspace, stack)
    source = SecretSource(workspace)
    return {
        "stack": found.name,
        "components": [_of_component(workspace, part, source, send=send) for part in found.components],
    }


def _stack(workspace: Workspace, name: str | None) -> Stack:
    if name is None or name == DEFAULT:
        return workspace.active_stack(name)
    with workspace.catalog.read() as connection:
        return need(connection, name)


def describe_flavors() -> list[dict[str, Any]]:
    """Every flavor with the JSON schema of its configuration, None where it can not be loaded."""
    return [_described(Kind(row["kind"]), row) for row in list_flavors()]


def _of_component(workspace: Workspace, component: Component, source: SecretSource, *, send: bool) -> dict[str, Any]:
    began = time.perf_counter()
    check = check_component(component, workspace)[0]
    is_ok, what, hint = check.verdict is Verdict.OK, check.detail, check.hint
    if is_ok:
        try:
            what = _reached(build(component, workspace.root, source), send=send) or what
        except MlstackError as error:
            is_ok, what, hint = False, error.what, error.hint
        except OSError as error:
            is_ok, what, hint = False, f"{component.kind} {component.name!r}: {error}", "See: mlstack doctor"
    return {
        "kind": str(component.kind),
        "name": component.name,
        "flavor": component.flavor,
        "ok": is_ok,
        "what": masked(what),
        "hint": masked(hint),
        "seconds": time.perf_counter() - began,
    }


def _reached(component: StackComponent, *, send: bool) -> str:
    found = component.check()
    if send and isinstance(component, Alerter):
        component.send(Alert(Occasion.MESSAGE, "A message of mlstack stack check", "If you read this, alerts arrive."))
        return f"{found}, sent a message"
    return found


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
