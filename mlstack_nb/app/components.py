"""Use cases of components: register, change, list, describe, rename, copy, delete. Secrets never leave masked dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.configuration import validated
from mlstack_nb.app.names import article, check_name
from mlstack_nb.app.secrets import SecretSource
from mlstack_nb.app.workspace import DEFAULT
from mlstack_nb.catalog import stacks as rows
from mlstack_nb.core.stack import MANDATORY, Component, Kind
from mlstack_nb.errors import ConflictError, NotFoundError
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mlstack_nb.app.workspace import Workspace


def register(
    workspace: Workspace, kind: Kind, name: str, *, flavor: str, configuration: Mapping[str, Any] | None = None
) -> Component:
    """Raises UsageError for the name, NotFoundError for the flavor, ConfigError, or ConflictError."""
    check_name(str(kind), name)
    component = validated(kind, name, flavor=flavor, configuration=configuration or {}, source=SecretSource(workspace))
    with workspace.catalog.write() as connection:
        _refuse_taken(connection, kind, name)
        rows.add_component(connection, component)
    return component


def update(
    workspace: Workspace,
    kind: Kind,
    name: str,
    *,
    changes: Mapping[str, Any] | None = None,
    remove: Iterable[str] = (),
) -> Component:
    """Set some fields and take others out; the rest stays."""
    _refuse_default(kind, name, "changed")
    with workspace.catalog.write() as connection:
        known = need(connection, kind, name)
        kept = {field: value for field, value in known.configuration.items() if field not in set(remove)}
        values = {**kept, **(changes or {})}
        component = validated(kind, name, flavor=known.flavor, configuration=values, source=SecretSource(workspace))
        rows.change_component(connection, component)
    return component


def rename(workspace: Workspace, kind: Kind, name: str, *, new: str) -> None:
    """Stacks that use it follow."""
    check_name(str(kind), new)
    _refuse_default(kind, name, "renamed")
    with workspace.catalog.write() as connection:
        need(connection, kind, name)
        _refuse_taken(connection, kind, new)
        rows.rename_component(connection, kind, name, new)


def copy(workspace: Workspace, kind: Kind, name: str, *, new: str) -> None:
    check_name(str(kind), new)
    with workspace.catalog.write() as connection:
        known = need(connection, kind, name)
        _refuse_taken(connection, kind, new)
        rows.add_component(connection, replace(known, name=new))


def delete(workspace: Workspace, kind: Kind, name: str) -> None:
    """Raises ConflictError naming the stacks that use it."""
    _refuse_default(kind, name, "deleted")
    with workspace.catalog.write() as connection:
        need(connection, kind, name)
        users = rows.stacks_using(connection, kind, name)
        if users:
            raise ConflictError(
                f"{kind} {name!r} is in use by {_stacks(users)}.",
                f"Give the stack another one first: mlstack stack update {users[0]} --{kind.replace('_', '-')} NAME",
            )
        rows.delete_component(connection, kind, name)


def list_all(workspace: Workspace, kind: Kind | None = None) -> list[dict[str, Any]]:
    with workspace.catalog.read() as connection:
        return [as_dict(component) for component in rows.list_components(connection, kind)]


def describe(workspace: Workspace, kind: Kind, name: str) -> dict[str, Any]:
    """The component and the stacks that use it. Raises NotFoundError with the nearest name."""
    with workspace.catalog.read() as connection:
        return {
            **as_dict(need(connection, kind, name)),
            "stacks": rows.stacks_using(connection, kind, name),
        }


def list_flavors(kind: Kind | None = None) -> list[dict[str, Any]]:
    """Every flavor by kind; `extra` is the pip extra that brings what it imports."""
    known = registry()
    return [
        {"kind": str(each), "flavor": flavor, "summary": row.summary, "extra": row.extra}
        for each in (Kind if kind is None else (kind,))
        for flavor in known.flavors(each)
        for row in (known.row(each, flavor),)
    ]


def as_dict(component: Component) -> dict[str, Any]:
    return {
        "kind": str(component.kind),
        "name": component.name,
        "flavor": component.flavor,
        "configuration": component.shown(),
    }


def need(connection: Connection, kind: Kind, name: str) -> Component:
    """Raises NotFoundError with the nearest name."""
    found = rows.find_component(connection, kind, name)
    if found is None:
        known = [component.name for component in rows.list_components(connection, kind)]
        raise NotFoundError.of(str(kind), name, known, f"Run: mlstack component list {kind}")
    return found


def _refuse_taken(connection: Connection, kind: Kind, name: str) -> None:
    if rows.find_component(connection, kind, name) is not None:
        raise ConflictError(
            f"There is {article(kind)} called {name!r} already.",
            f"Choose another name, or change it: mlstack component update {kind} {name} --KEY VALUE",
        )


def _refuse_default(kind: Kind, name: str, what: str) -> None:
    if name == DEFAULT and kind in MANDATORY:
        raise ConflictError(
            f"The {kind} {DEFAULT!r} can not be {what}: the default stack needs it as it is.",
            f"Copy it: mlstack component copy {kind} {DEFAULT} NAME",
        )


def _stacks(names: list[str]) -> str:
    return f"stack{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
