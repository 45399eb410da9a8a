"""`mlstack component`: the components that stacks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.kinds import KindArgument
from mlstack_nb.cli.output import Columns, json_option, pairs, print_fields, print_json, print_table
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import UsageError

FREE_OPTIONS = {"ignore_unknown_options": True, "allow_interspersed_args": True}
COMPONENT_COLUMNS: Columns = {
    "kind": "kind",
    "name": "name",
    "flavor": "flavor",
    "configuration": lambda row: pairs(row["configuration"]),
}
FLAVOR_COLUMNS: Columns = {
    "kind": "kind",
    "flavor": "flavor",
    "needs": lambda row: f"mlstack-nb[{row['extra']}]" if row["extra"] else "",
    "summary": "summary",
}
FIELD_COLUMNS: Columns = {
    "field": "name",
    "type": "type",
    "default": lambda row: "(required)" if row["required"] else "" if row["default"] is None else str(row["default"]),
    "secret": lambda row: "yes" if row["secret"] else "",
    "description": "description",
}
kind_argument = click.argument("kind", type=KindArgument())

EXAMPLES = """\b
Examples:
  mlstack component flavors                        what there is
  mlstack component register artifact_store big --flavor local --path /data/store
"""


@click.group(cls=Group, epilog=EXAMPLES)
def component() -> None:
    """The parts that stacks are made of: a component is a flavor of a kind, with a name and a configuration."""


@component.command("list")
@click.argument("kind", type=KindArgument(), required=False)
@json_option
def list_components(kind: Kind | None, as_json: bool) -> None:
    """List the components, of one kind or of all.

    Example: mlstack component list artifact_store
    """
    from mlstack_nb.app import components

    found = components.list_all(Workspace.find(), kind)
    _print(found, COMPONENT_COLUMNS, as_json, empty=f"No {kind or 'component'} is registered.")


@component.command()
@kind_argument
@click.argument("name")
@json_option
def describe(kind: Kind, name: str, as_json: bool) -> None:
    """Show a component's configuration, and the stacks that use it.

    Example: mlstack component describe artifact_store default
    """
    from mlstack_nb.app import components

    found = components.describe(Workspace.find(), kind, name)
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("kind", found["kind"]),
            ("name", found["name"]),
            ("flavor", found["flavor"]),
            ("used by", ", ".join(found["stacks"])),
            *((f"  {field}", value) for field, value in found["configuration"].items()),
        ]
    )


@component.command(context_settings=FREE_OPTIONS)
@kind_argument
@click.argument("name")
@click.option("-F", "--flavor", required=True, help="The implementation; see: mlstack component flavors KIND")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY VALUE | KEY=VALUE]...")
def register(kind: Kind, name: str, flavor: str, options: tuple[str, ...]) -> None:
    """Register a component.

    The fields of its flavor are options, or written KEY=VALUE; see: mlstack component flavors KIND FLAVOR.

    Example: mlstack component register experiment_tracker remote --flavor mlflow --tracking_uri http://localhost:5000
    """
    from mlstack_nb.app import components, configuration

    values = configuration.from_text(kind, flavor, _pairs(options))
    components.register(Workspace.find(), kind, name, flavor=flavor, configuration=values)
    click.echo(f"Registered {kind} {name!r}.")


@component.command(context_settings=FREE_OPTIONS)
@kind_argument
@click.argument("name")
@click.option("--remove", multiple=True, metavar="KEY", help="Take this field out, back to its default.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[--KEY VALUE | KEY=VALUE]...")
def update(kind: Kind, name: str, remove: tuple[str, ...], options: tuple[str, ...]) -> None:
    """Change fields of a component; the others stay.

    Example: mlstack component update experiment_tracker remote --experiment_name fraud
    """
    from mlstack_nb.app import components, configuration

    if not options and not remove:
        raise UsageError(
            "There is nothing to change.", f"Name a field: mlstack component update {kind} {name} KEY=VALUE"
        )
    workspace = Workspace.find()
    flavor = components.describe(workspace, kind, name)["flavor"]
    changes = configuration.from_text(kind, flavor, _pairs(options))
    components.update(workspace, kind, name, changes=changes, remove=remove)
    click.echo(f"Updated {kind} {name!r}.")


@component.command()
@kind_argument
@click.argument("name")
@click.argument("new")
def rename(kind: Kind, name: str, new: str) -> None:
    """Give a component another name; stacks that use it follow.

    Example: mlstack component rename artifact_store big bigger
    """
    from mlstack_nb.app import components

    components.rename(Workspace.find(), kind, name, new=new)
    click.echo(f"Renamed {kind} {name!r} to {new!r}.")


@component.command()
@kind_argument
@click.argument("name")
@click.argument("new")
def copy(kind: Kind, name: str, new: str) -> None:
    """Register a component with the configuration of another.

    Example: mlstack component copy artifact_store default mine
    """
    from mlstack_nb.app import components

    components.copy(Workspace.find(), kind, name, new=new)
    click.echo(f"Copied {kind} {name!r} to {new!r}.")


@component.command()
@kind_argument
@click.argument("name")
def delete(kind: Kind, name: str) -> None:
    """Delete a component that no stack uses.

    Example: mlstack component delete artifact_store mine
    """
    from mlstack_nb.app import components

    components.delete(Workspace.find(), kind, name)
    click.echo(f"Deleted {kind} {name!r}.")


@component.command()
@click.argument("kind", type=KindArgument(), required=False)
@click.argument("flavor", required=False)
@json_option
def flavors(kind: Kind | None, flavor: str | None, as_json: bool) -> None:
    """List the flavors. With FLAVOR, the fields that can be configured.


    Example: mlstack component flavors experiment_tracker mlflow
    """
    from mlstack_nb.app import components, configuration

    if kind is not None and flavor is not None:
        fields = configuration.fields(kind, flavor)
        _print(fields, FIELD_COLUMNS, as_json, empty="This flavor has nothing to configure.")
    else:
        _print(components.list_flavors(kind), FLAVOR_COLUMNS, as_json, empty="No flavors.")


def _print(found: list[dict[str, Any]], columns: Columns, as_json: bool, *, empty: str) -> None:
    if as_json:
        print_json(found)
    else:
        print_table(found, columns, empty=empty)


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    """`--key value`, `--key=value` and `key=value` by name. Raises UsageError for anything else."""
    found: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        key, has_value, value = argument.removeprefix("--").partition("=")
        key = key.replace("-", "_")
        if not has_value:
            if not argument.startswith("--"):
                raise UsageError(f"{argument!r} is neither --KEY VALUE nor KEY=VALUE.", f"Write: {argument}=VALUE")
            following = next(rest, None)
            if following is None:
                raise UsageError(f"Option {argument} has no value.", f"Write: {argument} VALUE")
            value = following
        if key in found:
            raise UsageError(f"Field {key!r} is given twice.", "Give it once.")
        found[key] = value
    return found
