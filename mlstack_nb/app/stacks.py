"""Use cases of stacks: register, change, activate, list, describe, copy, rename, delete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.components import need as need_component
from mlstack_nb.app.names import check_name
from mlstack_nb.app.workspace import DEFAULT
from mlstack_nb.catalog import stacks as rows
from mlstack_nb.core.stack import MANDATORY, Kind, Stack
from mlstack_nb.errors import ConfigError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace


def register(workspace: Workspace, name: str, components: Mapping[Kind, str]) -> Stack:
    """A stack of components that are registered already.

    Raises UsageError for the name, NotFoundError for a component, ConfigError when an orchestrator or an
    artifact store is missing, ConflictError when the name is taken.
    """
    check_name("stack", name)
    with workspace.catalog.write() as connection:
        _refuse_taken(connection, name)
        stack = _of(connection, name, components)
        rows.put_stack(connection, stack)
    return stack


def update(workspace: Workspace, name: str, components: Mapping[Kind, str], *, remove: Iterable[Kind] = ()) -> Stack:
    """Put other components into the stack, or take some out; the rest stays."""
    _refuse_default(name, "changed")
    with workspace.catalog.write() as connection:
        known = {part.kind: part.name for part in need(connection, name).components}
        for kind in remove:
            known.pop(kind, None)
        stack = _of(connection, name, {**known, **components})
        rows.put_stack(connection, stack)
    return stack


def activate(workspace: Workspace, name: str) -> Stack:
    """Make it the workspace's active stack; every process sees it at its next step."""
    with workspace.catalog.read() as connection:
        stack = need(connection, name)
    workspace.set_active_stack(name)
    return stack


def copy(workspace: Workspace, name: str, *, new: str) -> None:
    """Both stacks share the components."""
    check_name("stack", new)
    with workspace.catalog.write() as connection:
        known = need(connection, name)
        _refuse_taken(connection, new)
        rows.put_stack(connection, replace(known, name=new))


def rename(workspace: Workspace, name: str, *, new: str) -> None:
    """The workspace's active stack stays the active one."""
    check_name("stack", new)
    _refuse_default(name, "renamed")
    with workspace.catalog.write() as connection:
        need(connection, name)
        _refuse_taken(connection, new)
        rows.rename_stack(connection, name, new)
    if workspace.stored_stack_name() == name:
        workspace.set_active_stack(new)


def delete(workspace: Workspace, name: str) -> None:
    """Its components stay. Raises ConflictError for the active stack."""
    _refuse_default(name, "deleted")
    with workspace.catalog.write() as connection:
        need(connection, name)
        if workspace.stored_stack_name() == name:
            raise ConflictError(f"Stack {name!r} is the active stack.", f"Set another: mlstack stack set {DEFAULT}")
        rows.delete_stack(connection, name)


def list_all(workspace: Workspace) -> list[dict[str, Any]]:
    """Every stack by name; `components` maps kinds to names."""
    active, _ = workspace.active_stack_name()
    with workspace.catalog.read() as connection:
        return [
            {
                "name": stack.name,
                "active": stack.name == active,
                "components": {str(part.kind): part.name for part in stack.components},
            }
            for stack in rows.list_stacks(connection)
        ]


def describe(workspace: Workspace, name: str | None = None) -> dict[str, Any]:
    """A stack with its components' flavors and configurations, secrets masked; the active one by default."""
    active, source = workspace.active_stack_name()
    if name is None:
        stack = workspace.active_stack()
    else:
        with workspace.catalog.read() as connection:
            stack = need(connection, name)
    is_active = stack.name == active
    return {**stack.snapshot(), "active": is_active, "active_by": source if is_active else None}


def need(connection: Connection, name: str) -> Stack:
    """Raises NotFoundError with the nearest name."""
    found = rows.find_stack(connection, name)
    if found is None:
        raise NotFoundError.of("stack", name, rows.stack_names(connection), "Run: mlstack stack list")
    return found


def check_complete(name: str, kinds: Iterable[Kind]) -> None:
    """Raises ConfigError when a kind that every stack needs is missing."""
    missing = [kind for kind in MANDATORY if kind not in set(kinds)]
    if missing:
        raise ConfigError(
            f"Stack {name!r} has no {' and no '.join(missing)}.",
            f"Give one, for example the local one: {' '.join(f'--{_option(kind)} {DEFAULT}' for kind in missing)}",
        )


def _of(connection: Connection, name: str, components: Mapping[Kind, str]) -> Stack:
    check_complete(name, components)
    return Stack(name, tuple(need_component(connection, kind, components[kind]) for kind in Kind if kind in components))


def _refuse_taken(connection: Connection, name: str) -> None:
    if rows.find_stack(connection, name) is not None:
        raise ConflictError(
            f"There is a stack called {name!r} already.",
            f"Choose another name, or change it: mlstack stack update {name} --orchestrator NAME",
        )


def _refuse_default(name: str, what: str) -> None:
    if name == DEFAULT:
        raise ConflictError(f"The stack {DEFAULT!r} can not be {what}.", f"Copy it: mlstack stack copy {DEFAULT} NAME")


def _option(kind: Kind) -> str:
    return kind.replace("_", "-")
