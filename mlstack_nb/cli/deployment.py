"""`mlstack deployment`: models that answer under an address."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mlstack_nb.app.wording import moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, print_fields, print_json, print_table
from mlstack_nb.errors import UsageError

EXAMPLES = """\b
Examples:
  mlstack deployment list
  mlstack deployment predict fraud '[[0.1, 0.2, 0.3]]'
"""


@click.group(cls=Group, epilog=EXAMPLES)
def deployment() -> None:
    """Models that answer under an address. Steps make them: Client().active_stack.model_deployer.deploy_model(...)."""


@deployment.command("list")
@json_option
def list_deployments(as_json: bool) -> None:
    """List the deployments, each as it is now.

    Example: mlstack deployment list --json
    """
    from mlstack_nb.app import deployments

    found = [one.to_json() for one in deployments.list_all(Workspace.find())]
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "deployment": "name",
        "state": "status",
        "replicas": lambda row: f"{row['replicas']}/{row['wanted_replicas']}",
        "url": "prediction_url",
        "deployer": "deployer",
        "run": "run_id",
        "changed": lambda row: moment(row["updated_at"]),
    }
    print_table(found, columns, empty="No deployments.")


@deployment.command()
@click.argument("name")
@json_option
def describe(name: str, as_json: bool) -> None:
    """Show a deployment as it is now.

    Example: mlstack deployment describe fraud
    """
    from mlstack_nb.app import deployments

    found = deployments.find(Workspace.find(), name).to_json()
    if as_json:
        print_json(found)
        return
    made_by = f"step {found['step']} of run {found['run_id']}" if found["run_id"] else ""
    print_fields(
        [
            ("deployment", found["name"]),
            ("state", found["status"]),
            ("reason", found["reason"]),
            ("url", found["prediction_url"]),
            ("replicas", f"{found['replicas']} of {found['wanted_replicas']}"),
            ("model", found["model"]),
            ("deployer", found["deployer"]),
            ("deployed by", made_by),
            ("created", moment(found["created_at"])),
            ("changed", moment(found["updated_at"])),
        ]
    )


@deployment.command()
@click.argument("name")
@click.argument("data", required=False)
@click.option("-f", "--file", type=click.Path(path_type=Path), help="A JSON, CSV or parquet file; - is standard input.")
def predict(name: str, data: str | None, file: Path | None) -> None:
    """Ask a deployment: DATA is JSON, rows of numbers or what the server's protocol has. Prints JSON.

    Example: mlstack deployment predict fraud -f new_rows.csv
    """
    from mlstack_nb.app import deployments

    if (data is None) == (file is None):
        raise UsageError("Give the data either as JSON or by a file.", f"mlstack deployment predict {name} -f FILE")
    asked = _of_text(data) if data is not None else _of_file(Path(str(file)))
    print_json(deployments.predict(Workspace.find(), name, asked))


@deployment.command()
@click.argument("name")
def logs(name: str) -> None:
    """Print what a deployment's processes printed.

    Example: mlstack deployment logs fraud
    """
    from mlstack_nb.app import deployments

    click.echo(deployments.logs(Workspace.find(), name), nl=False)


@deployment.command()
@click.argument("name")
def start(name: str) -> None:
    """Bring a deployment up again that was stopped, or has failed.

    Example: mlstack deployment start fraud
    """
    from mlstack_nb.app import deployments

    click.echo(deployments.start(Workspace.find(), name))


@deployment.command()
@click.argument("name")
def stop(name: str) -> None:
    """Stop a deployment, once it has answered what it was asked.

    Example: mlstack deployment stop fraud
    """
    from mlstack_nb.app import deployments

    click.echo(deployments.stop(Workspace.find(), name))


@deployment.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Stop a deployment and remove what it kept.

    Example: mlstack deployment delete fraud --yes
    """
    from mlstack_nb.app import deployments

    if not yes:
        click.confirm(f"Delete deployment {name!r}?", abort=True)
    deployments.delete(Workspace.find(), name)
    click.echo(f"Deleted deployment {name!r}.")


def _of_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"The data is no JSON: {error}.", "For example: '[[0.1, 0.2, 0.3]]'") from error


def _of_file(place: Path) -> Any:
    if str(place) == "-":
        return _of_text(sys.stdin.read())
    if not place.is_file():
        raise UsageError(f"There is no file {place}.", "Check the path.")
    if place.suffix in (".csv", ".parquet"):
        import pandas as pd

        return pd.read_csv(place) if place.suffix == ".csv" else pd.read_parquet(place)
    return _of_text(place.read_text(encoding="utf-8"))
