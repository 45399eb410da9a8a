"""Components and stacks as the catalog holds them. The caller owns the transaction, so that several changes are one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from mlstack_nb.catalog.tables import components, stack_components, stacks
from mlstack_nb.core.stack import Component, Kind, Stack

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

_KINDS = list(Kind)


def list_components(connection: Connection, kind: Kind | None = None) -> list[Component]:
    """By kind, in the order of `Kind`, and by name."""
    query = select(components).order_by(components.c.name)
    if kind is not None:
        query = query.where(components.c.kind == kind.value)
    found = [_component(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda component: _KINDS.index(component.kind))


def find_component(connection: Connection, kind: Kind, name: str) -> Component | None:
    query = select(components).where(components.c.kind == kind.value, components.c.name == name)
    row = connection.execute(query).mappings().first()
    return None if row is None else _component(row)


def add_component(connection: Connection, component: Component) -> None:
    values = {"kind": component.kind.value, "name": component.name, **_content(component)}
    connection.execute(insert(components).values(values))


def change_component(connection: Connection, component: Component) -> None:
    """Give the component of this kind and name another flavor and configuration."""
    connection.execute(update(components).where(_is(component.kind, component.name)).values(_content(component)))


def rename_component(connection: Connection, kind: Kind, name: str, new: str) -> None:
    """Stacks that use it follow."""
    connection.execute(update(components).where(_is(kind, name)).values(name=new))


def delete_component(connection: Connection, kind: Kind, name: str) -> None:
    """The database refuses while a stack uses it."""
    connection.execute(delete(components).where(_is(kind, name)))


def stacks_using(connection: Connection, kind: Kind, name: str) -> list[str]:
    used = stack_components.c
    query = select(used.stack).where(used.kind == kind.value, used.component == name).order_by(used.stack)
    return list(connection.scalars(query))


def stack_names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(stacks.c.name).order_by(stacks.c.name)))


def list_stacks(connection: Connection) -> list[Stack]:
    return [Stack(name, _parts(connection, name)) for name in stack_names(connection)]


def find_stack(connection: Connection, name: str) -> Stack | None:
    parts = _parts(connection, name)
    return Stack(name, parts) if parts else None


def put_stack(connection: Connection, stack: Stack) -> None:
    """Add the stack, or replace its components by these, which must be in the catalog."""
    known = connection.scalar(select(stacks.c.name).where(stacks.c.name == stack.name))
    if known is None:
        connection.execute(insert(stacks).values(name=stack.name))
    connection.execute(delete(stack_components).where(stack_components.c.stack == stack.name))
    rows = [{"stack": stack.name, "kind": part.kind.value, "component": part.name} for part in stack.components]
    connection.execute(insert(stack_components), rows)


def rename_stack(connection: Connection, name: str, new: str) -> None:
    connection.execute(update(stacks).where(stacks.c.name == name).values(name=new))


def delete_stack(connection: Connection, name: str) -> None:
    """Its components stay."""
    connection.execute(delete(stacks).where(stacks.c.name == name))


def _parts(connection: Connection, stack: str) -> tuple[Component, ...]:
    used = stack_components.c
    is_part = (components.c.kind == used.kind) & (components.c.name == used.component)
    query = select(components).join(stack_components, is_part).where(used.stack == stack)
    found = [_component(row) for row in connection.execute(query).mappings()]
    return tuple(sorted(found, key=lambda component: _KINDS.index(component.kind)))


def _is(kind: Kind, name: str) -> ColumnElement[bool]:
    return (components.c.kind == kind.value) & (components.c.name == name)


def _content(component: Component) -> dict[str, str]:
    return {
        "flavor": component.flavor,
        "configuration": json.dumps(dict(component.configuration)),
        "secret_fields": json.dumps(sorted(component.secret_fields)),
    }


def _component(row: RowMapping) -> Component:
    return Component(
        kind=Kind(row["kind"]),
        flavor=row["flavor"],
        name=row["name"],
        configuration=json.loads(row["configuration"]),
        secret_fields=frozenset(json.loads(row["secret_fields"])),
    )
