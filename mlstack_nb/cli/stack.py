"""`mlstack stack`: the stacks of the workspace."""

from __future__ import annotations

import os
from pathlib import Path

import click

from mlstack_nb.app.wording import duration
from mlstack_nb.app.workspace import STACK_VARIABLE, Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.kinds import HYPHENS, KindArgument, chosen, kind_options
from mlstack_nb.cli.output import Columns, json_option, pairs, print_fields, print_json, print_table
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import ConflictError, UsageError

EXAMPLES = """\b
Examples:
  mlstack stack register fast -o default -a default
  mlstack stack set fast
"""


@click.group(cls=Group, epilog=EXAMPLES)
def stack() -> None:
    """Where pipelines run: a stack is a named set of components, one of each kind."""


@stack.command("list")
@json_option
def list_stacks(as_json: bool) -> None:
    """List the stacks; the active one is marked.

    Example: mlstack stack list --json
    """
    from mlstack_nb.app import stacks

    found = stacks.list_all(Workspace.find())
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "active": lambda row: "*" if row["active"] else "",
        "name": "name",
        "components": lambda row: pairs(row["components"]),
    }
    print_table(found, columns, empty="No stacks.")


@stack.command()
@click.argument("name", required=False)
@json_option
def describe(name: str | None, as_json: bool) -> None:
    """Show a stack's components. The active stack by default.

    Example: mlstack stack describe default
    """
    from mlstack_nb.app import stacks

    found = stacks.describe(Workspace.find(), name)
    if as_json:
        print_json(found)
        return
    print_fields([("stack", found["name"]), ("active", found["active_by"] and f"named by {found['active_by']}")])
    rows = [{"kind": kind, **component} for kind, component in found["components"].items()]
    columns: Columns = {
        "kind": "kind",
        "name": "name",
        "flavor": "flavor",
        "configuration": lambda row: pairs(row["configuration"]),
    }
    print_table(rows, columns, empty="")


@stack.command()
@json_option
def get(as_json: bool) -> None:
    """Print the active stack's name.

    Example: mlstack stack get
    """
    workspace = Workspace.find()
    _, source = workspace.active_stack_name()
    name = workspace.active_stack().name
    if as_json:
        print_json({"name": name, "active_by": source})
    else:
        click.echo(name)


@stack.command()
@click.argument("name", required=False)
@click.option("--send", is_flag=True, help="Send a message by its alerter, too.")
@json_option
@click.pass_context
def check(context: click.Context, name: str | None, send: bool, as_json: bool) -> None:
    """Reach each component of a stack, and time it: write an object, ask the tracker, ... The active stack by default.

    The exit code is 1 when one can not be used.

    Example: mlstack stack check
    """
    from mlstack_nb.app.stack_health import health

    found = health(Workspace.find(), name, send=send)
    if as_json:
        print_json(found)
    else:
        columns: Columns = {
            "": lambda row: "ok" if row["ok"] else "fail",
            "kind": "kind",
            "name": "name",
            "flavor": "flavor",
            "time": lambda row: duration(row["seconds"]),
            "found": "what",
        }
        print_table(found["components"], columns, empty="")
        for row in found["components"]:
            if row["hint"]:
                click.echo(f"  -> {row['name']}: {row['hint']}")
    if not all(row["ok"] for row in found["components"]):
        context.exit(1)


@stack.command("set")
@click.argument("name")
def set_stack(name: str) -> None:
    """Make a stack the active one, for every notebook and command.

    Example: mlstack stack set default
    """
    _activate(Workspace.find(), name)


@stack.command(context_settings=HYPHENS)
@click.argument("name")
@kind_options
@click.option("--set", "activate", is_flag=True, help="Make it the active stack, too.")
def register(name: str, activate: bool, **components: str | None) -> None:
    """Make a stack of registered components.

    An orchestrator and an artifact store are needed, the other kinds are optional.

    Example: mlstack stack register tracked -o default -a default -e my_mlflow --set
    """
    from mlstack_nb.app import stacks

    workspace = Workspace.find()
    stacks.register(workspace, name, chosen(components))
    click.echo(f"Registered stack {name!r}.")
    if activate:
        _activate(workspace, name)


@stack.command(context_settings=HYPHENS)
@click.argument("name")
@kind_options
@click.option("--remove", multiple=True, type=KindArgument(), help="Take the component of this kind out.")
def update(name: str, remove: tuple[Kind, ...], **components: str | None) -> None:
    """Put other components into a stack, or take some out.

    Example: mlstack stack update tracked -e other_mlflow

    Example: mlstack stack update tracked --remove experiment-tracker
    """
    from mlstack_nb.app import stacks

    if not remove and not chosen(components):
        raise UsageError("There is nothing to change.", f"Name a component: mlstack stack update {name} -a NAME")
    stacks.update(Workspace.find(), name, chosen(components), remove=remove)
    click.echo(f"Updated stack {name!r}.")


@stack.command()
@click.argument("name")
@click.argument("new")
def copy(name: str, new: str) -> None:
    """Make another stack of the same components.

    Example: mlstack stack copy default mine
    """
    from mlstack_nb.app import stacks

    stacks.copy(Workspace.find(), name, new=new)
    click.echo(f"Copied stack {name!r} to {new!r}.")


@stack.command()
@click.argument("name")
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give a stack another name; the active one stays active.

    Example: mlstack stack rename mine ours
    """
    from mlstack_nb.app import stacks

    stacks.rename(Workspace.find(), name, new=new)
    click.echo(f"Renamed stack {name!r} to {new!r}.")


@stack.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a stack; its components stay.

    Example: mlstack stack delete mine
    """
    from mlstack_nb.app import stacks

    stacks.delete(Workspace.find(), name)
    click.echo(f"Deleted stack {name!r}.")


@stack.command("export")
@click.argument("name", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over an existing file.")
def export_stack(name: str | None, file: Path | None, force: bool) -> None:
    """Write a stack as YAML, without its secrets. The active stack by default.

    The file is NAME.yaml unless FILE names it; - is standard output.

    Example: mlstack stack export tracked tracked.yaml
    """
    from mlstack_nb.app import stack_files

    workspace = Workspace.find()
    name = name or workspace.active_stack().name
    file = file or Path(f"{name}.yaml")
    text, left_out = stack_files.export_stack(workspace, name)
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        try:
            with file.open("w" if force else "x", encoding="utf-8") as target:
                target.write(text)
        except FileExistsError as error:
            raise ConflictError(f"The file {str(file)!r} is there already.", "Name another, or add --force.") from error
        click.echo(f"Wrote stack {name!r} to {file}.")
    for secret in left_out:
        click.echo(f"Left out, being secret: {secret}", err=True)


@stack.command("import")
@click.argument("name", required=False)
@click.option("-f", "--file", type=click.Path(path_type=Path), help="The YAML file; NAME.yaml by default.")
@click.option("--set", "activate", is_flag=True, help="Make it the active stack, too.")
def import_stack(name: str | None, file: Path | None, activate: bool) -> None:
    """Register the stack that a YAML file describes, all of it or nothing.

    Reads what `mlstack stack export` and `zenml stack export` write, and hand-written files with
    components: {KIND: {type: FLAVOR, name: ..., configuration: ...}}. Without NAME, the file names the stack.

    Example: mlstack stack import tracked -f tracked.yaml
    """
    from mlstack_nb.app import stack_files

    if file is None and name is None:
        raise UsageError("There is no file to import.", "Name it: mlstack stack import -f FILE")
    if file is None:
        is_file = str(name).endswith((".yaml", ".yml"))
        file, name = Path(str(name) if is_file else f"{name}.yaml"), None if is_file else name
    workspace = Workspace.find()
    done = stack_files.import_stack(workspace, file, name)
    for component in done.registered:
        click.echo(f"Registered {component.kind} {component.name!r} (flavor {component.flavor}).")
    for component in done.reused:
        click.echo(f"Found {component.kind} {component.name!r} (flavor {component.flavor}) as it is in the file.")
    click.echo(f"{'Registered' if done.is_new else 'Found'} stack {done.stack.name!r}.")
    if activate:
        _activate(workspace, done.stack.name)


def _activate(workspace: Workspace, name: str) -> None:
    from mlstack_nb.app import stacks

    stacks.activate(workspace, name)
    click.echo(f"The active stack is {name!r}.")
    if os.environ.get(STACK_VARIABLE, name) != name:
        click.echo(f"But {STACK_VARIABLE} is set to {os.environ[STACK_VARIABLE]!r}, which comes first.", err=True)
