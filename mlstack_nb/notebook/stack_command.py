"""`%stack`: the stacks of the workspace and which one is active."""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import UsageError, nearest
from mlstack_nb.notebook.line_words import command_of, no_more
from mlstack_nb.notebook.table import Line, Table
from mlstack_nb.notebook.widget.opening import panel

if TYPE_CHECKING:
    from mlstack_nb.app.workspace import Workspace

SUMMARY = "The stacks of the workspace: where and with what the steps run."
COMMANDS = {
    "list": "The stacks of the workspace and their components. So does %stack alone.",
    "set NAME": "Make it the active stack; the next step runs on it.",
    "describe [NAME]": "The components and their configuration, of the active stack by default.",
    "panel": "The live panel: pick a stack, see its components, the lineage and the runs.",
    "register NAME --KIND COMPONENT ...": "Make a stack of components that are registered already.",
}
OPTIONS = {f"--{kind.replace('_', '-')}": kind for kind in Kind}


def run(line: str) -> Any:
    """What a `%stack` line shows. Raises MlstackError."""
    from mlstack_nb.app.workspace import Workspace

    command, words = command_of("stack", line, COMMANDS, default="list")
    if command == "panel":
        no_more("stack", command, words)
        return panel()
    with closing(Workspace.find()) as workspace:
        if command == "list":
            no_more("stack", command, words)
            return _listing(workspace)
        if command == "describe":
            no_more("stack", command, words[1:])
            return _description(workspace, words[0] if words else None)
        if not words:
            raise UsageError(f"%stack {command} needs the name of a stack.", f"Type: %stack {_usage(command)}")
        name, *rest = words
        if command == "set":
            no_more("stack", command, rest)
            return _activate(workspace, name)
        return _register(workspace, name, rest)


def names() -> list[str]:
    """The names of all stacks."""
    from mlstack_nb.app import stacks
    from mlstack_nb.app.workspace import Workspace

    with closing(Workspace.find()) as workspace:
        return [stack["name"] for stack in stacks.list_all(workspace)]


def _listing(workspace: Workspace) -> Table:
    from mlstack_nb.app import stacks

    found = stacks.list_all(workspace)
    kinds = [kind for kind in Kind if any(kind in stack["components"] for stack in found)]
    rows = [
        ["→" if stack["active"] else "", stack["name"], *(stack["components"].get(kind, "") for kind in kinds)]
        for stack in found
    ]
    return Table(["active", "stack", *(kind.replace("_", " ") for kind in kinds)], rows, caption="stacks")


def _description(workspace: Workspace, name: str | None) -> Table:
    from mlstack_nb.app import stacks

    stack = stacks.describe(workspace, name)
    rows = [
        [kind.replace("_", " "), part["flavor"], part["name"], _settings(part["configuration"])]
        for kind, part in stack["components"].items()
    ]
    active = f", active by {stack['active_by']}" if stack["active"] else ""
    return Table(["kind", "flavor", "component", "configuration"], rows, caption=f"stack {stack['name']}{active}")


def _activate(workspace: Workspace, name: str) -> Line:
    from mlstack_nb.app import stacks

    stacks.activate(workspace, name)
    active, source = workspace.active_stack_name()
    if active != name:
        return Line(f"Stack {name} is set, but {source} asks for {active}, which comes first.")
    return Line(f"Active stack: {name}")


def _register(workspace: Workspace, name: str, words: list[str]) -> Line:
    from mlstack_nb.app import stacks

    stack = stacks.register(workspace, name, _components(words))
    return Line(f"Stack {stack.name} is registered. To run on it: %stack set {shlex.quote(stack.name)}")


def _components(words: list[str]) -> dict[Kind, str]:
    components: dict[Kind, str] = {}
    rest = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        option = rest.pop(0)
        if option not in OPTIONS:
            near = nearest(option, OPTIONS)
            listing = f"Options: {', '.join(OPTIONS)}."
            raise UsageError(f"%stack register has no option {option!r}.", f"Did you mean {near}?" if near else listing)
        if not rest or rest[0].startswith("--"):
            raise UsageError(f"{option} needs the name of a component.", "Run: mlstack component list")
        components[OPTIONS[option]] = rest.pop(0)
    return components


def _usage(command: str) -> str:
    return next(usage for usage in COMMANDS if usage.partition(" ")[0] == command)


def _settings(configuration: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in configuration.items() if value is not None)
