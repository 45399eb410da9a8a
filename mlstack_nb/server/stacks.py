"""Stacks over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mlstack_nb.app import stack_health, stacks
from mlstack_nb.app.names import kind_of
from mlstack_nb.core.stack import Kind
from mlstack_nb.server.route import Call, Wanted


class NewStack(Wanted):
    name: str
    components: dict[str, str]


class StackChanges(Wanted):
    components: dict[str, str] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)


class StackName(Wanted):
    name: str


def listing(call: Call) -> dict[str, Any]:
    active, active_by = call.workspace.active_stack_name()
    return {
        "active": active,
        "active_by": active_by,
        "workspace": str(call.workspace.root),
        "stacks": stacks.list_all(call.workspace),
    }


def register(call: Call, wanted: NewStack) -> dict[str, Any]:
    stacks.register(call.workspace, wanted.name, _by_kind(wanted.components))
    return stacks.describe(call.workspace, wanted.name)


def show(call: Call) -> dict[str, Any]:
    return stacks.describe(call.workspace, call.words["name"])


def change(call: Call, wanted: StackChanges) -> dict[str, Any]:
    name = call.words["name"]
    stacks.update(call.workspace, name, _by_kind(wanted.components), remove=[kind_of(kind) for kind in wanted.remove])
    return stacks.describe(call.workspace, name)


def delete(call: Call) -> dict[str, Any]:
    stacks.delete(call.workspace, call.words["name"])
    return listing(call)


def activate(call: Call, wanted: StackName) -> dict[str, Any]:
    stacks.activate(call.workspace, wanted.name)
    return listing(call)


def health(call: Call) -> dict[str, Any]:
    return stack_health.health(call.workspace)


def _by_kind(components: dict[str, str]) -> dict[Kind, str]:
    return {kind_of(kind): name for kind, name in components.items()}
