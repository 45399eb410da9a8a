"""Components and flavors over HTTP; secrets come in, and go out masked."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mlstack_nb.app import components, stack_health
from mlstack_nb.app.names import kind_of
from mlstack_nb.server.route import Call, Wanted


class NewComponent(Wanted):
    kind: str
    name: str
    flavor: str
    configuration: dict[str, Any] = Field(default_factory=dict)


class ComponentChanges(Wanted):
    configuration: dict[str, Any] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)


def flavors(_call: Call) -> list[dict[str, Any]]:
    return stack_health.describe_flavors()


def listing(call: Call) -> list[dict[str, Any]]:
    return components.list_all(call.workspace)


def register(call: Call, wanted: NewComponent) -> dict[str, Any]:
    made = components.register(
        call.workspace,
        kind_of(wanted.kind),
        wanted.name,
        flavor=wanted.flavor,
        configuration=wanted.configuration,
    )
    return components.as_dict(made)


def change(call: Call, wanted: ComponentChanges) -> dict[str, Any]:
    kind, name = kind_of(call.words["kind"]), call.words["name"]
    made = components.update(call.workspace, kind, name, changes=wanted.configuration, remove=wanted.remove)
    return components.as_dict(made)


def delete(call: Call) -> list[dict[str, Any]]:
    components.delete(call.workspace, kind_of(call.words["kind"]), call.words["name"])
    return listing(call)
