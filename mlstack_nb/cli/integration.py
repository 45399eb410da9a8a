"""`mlstack integration`: the packages that flavors need."""

from __future__ import annotations

import click

from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, print_json, print_table
from mlstack_nb.errors import UsageError

EXAMPLES = """\b
Examples:
  mlstack integration list
  mlstack integration install mlflow
"""

names_argument = click.argument("names", nargs=-1, metavar="[NAME]...")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.group(cls=Group, epilog=EXAMPLES)
def integration() -> None:
    """Packages that flavors need, beyond what mlstack-nb brings itself."""


@integration.command("list")
@json_option
def list_integrations(as_json: bool) -> None:
    """List the integrations, what of them is installed, and which flavors need them.

    Example: mlstack integration list
    """
    from mlstack_nb.app.integrations import integrations

    found = [one.to_json() for one in integrations()]
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "name": "name",
        "installed": lambda row: "yes" if row["installed"] else "",
        "packages": lambda row: ", ".join(
            f"{one['name']} {one['version']}" if one["version"] else one["requirement"] for one in row["packages"]
        ),
        "flavors": lambda row: ", ".join(row["flavors"]),
    }
    print_table(found, columns, empty="No integrations.")


@integration.command()
@names_argument
@json_option
def requirements(names: tuple[str, ...], as_json: bool) -> None:
    """Print what integrations need, a line each, fit for a requirements file; of all by default.

    Example: mlstack integration requirements mlflow
    """
    from mlstack_nb.app.integrations import chosen, integrations

    wanted = chosen(names) if names else integrations()
    lines = list(dict.fromkeys(package.requirement for one in wanted for package in one.packages))
    if as_json:
        print_json({one.name: [package.requirement for package in one.packages] for one in wanted})
    else:
        click.echo("\n".join(lines))


@integration.command()
@names_argument
@yes_option
def install(names: tuple[str, ...], yes: bool) -> None:
    """Install what integrations need into this environment, by pip.

    Example: mlstack integration install dask mlflow
    """
    from mlstack_nb.app import integrations

    wanted = integrations.missing(integrations.chosen(_some(names, "install")))
    if not wanted:
        click.echo(f"Installed already: {', '.join(names)}.")
        return
    if not yes:
        click.confirm(f"Install {', '.join(wanted)}?", abort=True)
    integrations.install(wanted)
    click.echo(f"Installed {', '.join(wanted)}.")


@integration.command()
@names_argument
@yes_option
def uninstall(names: tuple[str, ...], yes: bool) -> None:
    """Take out what nobody but these integrations needs.

    Example: mlstack integration uninstall dask
    """
    from mlstack_nb.app import integrations

    removal = integrations.removal(integrations.chosen(_some(names, "uninstall")))
    for package, user in removal.kept.items():
        click.echo(f"{package} stays: {user} needs it.")
    if not removal.packages:
        click.echo("There is nothing to take out.")
        return
    if not yes:
        click.confirm(f"Uninstall {', '.join(removal.packages)}?", abort=True)
    integrations.uninstall(removal.packages)
    click.echo(f"Uninstalled {', '.join(removal.packages)}.")


def _some(names: tuple[str, ...], verb: str) -> tuple[str, ...]:
    if not names:
        raise UsageError(f"There is nothing to {verb}.", f"Name an integration: mlstack integration {verb} mlflow")
    return names
