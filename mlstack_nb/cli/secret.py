"""`mlstack secret`: values that components and steps use, encrypted at rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mlstack_nb.app.wording import moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, print_fields, print_json, print_table
from mlstack_nb.core.stack import MASKED
from mlstack_nb.errors import NotFoundError, UsageError

FREE_OPTIONS = {"ignore_unknown_options": True, "allow_interspersed_args": True}

EXAMPLES = """\b
Examples:
  mlstack secret create db password                        asks for the value, unseen
  mlstack secret create db --from-file db.yaml             takes all keys of a file; - is standard input
  mlstack component register experiment_tracker team --flavor mlflow \\
      --tracking_uri https://mlflow.example.com --tracking_password '{{db.password}}'
"""

values_argument = click.argument("keys", nargs=-1, type=click.UNPROCESSED, metavar="[KEY | KEY=VALUE | --KEY=VALUE]...")
file_option = click.option(
    "-f", "--from-file", type=click.Path(path_type=Path), help="YAML, JSON or KEY=VALUE lines; - is standard input."
)


@click.group(cls=Group, epilog=EXAMPLES)
def secret() -> None:
    """Values that are encrypted at rest. Components refer to them by {{NAME.KEY}}, steps by @step(secrets=["NAME"])."""


@secret.command(context_settings=FREE_OPTIONS)
@click.argument("name")
@values_argument
@file_option
def create(name: str, keys: tuple[str, ...], from_file: Path | None) -> None:
    """Keep a secret. A KEY without a value is asked for, or read as a line of standard input.

    Example: mlstack secret create db user=ann password
    """
    from mlstack_nb.app import secrets

    values = _values(keys, from_file)
    if not values:
        raise UsageError("The secret has no value.", f"Name a key: mlstack secret create {name} KEY")
    secrets.create(Workspace.find(), name, values)
    click.echo(f"Keeping secret {name!r}: {', '.join(values)}.")


@secret.command(context_settings=FREE_OPTIONS)
@click.argument("name")
@values_argument
@file_option
@click.option("--remove", multiple=True, metavar="KEY", help="Take this value out.")
def update(name: str, keys: tuple[str, ...], from_file: Path | None, remove: tuple[str, ...]) -> None:
    """Change values of a secret, or add some; the others stay. Steps that use it run again.

    Example: mlstack secret update db password
    """
    from mlstack_nb.app import secrets

    values = _values(keys, from_file)
    if not values and not remove:
        raise UsageError("There is nothing to change.", f"Name a key: mlstack secret update {name} KEY")
    secrets.update(Workspace.find(), name, values, remove=remove)
    click.echo(f"Updated secret {name!r}.")


@secret.command()
@click.argument("name")
@click.argument("key", required=False)
@click.option("--show", is_flag=True, help="Print the values themselves.")
@json_option
def get(name: str, key: str | None, show: bool, as_json: bool) -> None:
    """Show a secret: its keys, and with --show its values. With KEY and --show that value alone.

    Example: mlstack secret get db password --show
    """
    from mlstack_nb.app import secrets

    found = secrets.get(Workspace.find(), name)
    if key is not None and key not in found.values:
        known = ", ".join(found.values) or "none"
        raise NotFoundError.of(f"key of secret {name!r}", key, found.values, f"Its keys are: {known}.")
    values = {one: value if show else MASKED for one, value in found.values.items() if key in (None, one)}
    if as_json:
        print_json({"name": found.name, "values": values})
    elif key is not None:
        click.echo(values[key])
    else:
        print_fields(values.items())


@secret.command("list")
@json_option
def list_secrets(as_json: bool) -> None:
    """List the secrets with their keys.

    Example: mlstack secret list
    """
    from mlstack_nb.app import secrets

    found = secrets.list_all(Workspace.find())
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "name": "name",
        "keys": lambda row: ", ".join(row["keys"]),
        "updated": lambda row: moment(row["updated_at"]),
    }
    print_table(found, columns, empty="No secrets.")


@secret.command()
@click.argument("name")
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give a secret that no component refers to another name.

    Example: mlstack secret rename db database
    """
    from mlstack_nb.app import secrets

    secrets.update(Workspace.find(), name, {}, new_name=new)
    click.echo(f"Renamed secret {name!r} to {new!r}.")


@secret.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a secret that no component refers to.

    Example: mlstack secret delete db
    """
    from mlstack_nb.app import secrets

    secrets.delete(Workspace.find(), name)
    click.echo(f"Deleted secret {name!r}.")


def _values(keys: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Of the file, and those that are typed; what has no value is asked for."""
    found: dict[str, Any] = _read(file) if file is not None else {}
    for argument in keys:
        key, has_value, value = argument.removeprefix("--").partition("=")
        found[key] = value if has_value else _asked(key)
    return found


def _asked(key: str) -> str:
    """Typed unseen on a terminal; else the next line of standard input."""
    if sys.stdin.isatty():
        typed: str = click.prompt(key, hide_input=True, confirmation_prompt=True)
        return typed
    line = sys.stdin.readline()
    if not line:
        raise UsageError(f"There is no value for {key!r}.", "Write a line for it to standard input.")
    return line.removesuffix("\n")


def _read(file: Path) -> dict[str, Any]:
    """The mapping in a file, of texts; a number in it is the text that it is written as."""
    is_input = str(file) == "-"
    place = "Standard input" if is_input else f"The file {str(file)!r}"
    try:
        found = _mapping(sys.stdin.read() if is_input else file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is no text.", "Write YAML, JSON or lines like: password=...") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"{place} has no values by key.", "Write YAML, JSON or lines like: password=...")
    return {str(key): value for key, value in found.items()}


def _mapping(text: str) -> Any:
    import yaml

    try:
        return json.loads(text)
    except ValueError:
        pass
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if lines and all("=" in line.partition(":")[0] for line in lines):
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes texts only, so 0123 stays what it is
    except yaml.YAMLError:
        return None
