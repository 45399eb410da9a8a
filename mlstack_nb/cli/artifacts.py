"""`mlstack artifacts`: what steps made, and where it went."""

from __future__ import annotations

from typing import Any

import click

from mlstack_nb.app.wording import moment, size
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, pairs, print_fields, print_json, print_table

EXAMPLES = """\b
Examples:
  mlstack artifacts list
  mlstack artifacts show trained_model --version 3
"""


@click.group(cls=Group, epilog=EXAMPLES)
def artifacts() -> None:
    """What steps made: named artifacts, each with its versions and its lineage."""


@artifacts.command("list")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@json_option
def list_artifacts(limit: int | None, as_json: bool) -> None:
    """List the newest version of each artifact.

    Example: mlstack artifacts list --json
    """
    from mlstack_nb.app import artifacts

    _print_versions(artifacts.list_all(Workspace.find(), limit=limit), as_json)


@artifacts.command()
@click.argument("name")
@json_option
def versions(name: str, as_json: bool) -> None:
    """List every version of an artifact, newest first.

    Example: mlstack artifacts versions trained_model
    """
    from mlstack_nb.app import artifacts

    _print_versions(artifacts.versions(Workspace.find(), name), as_json)


@artifacts.command()
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="The newest one by default.")
@json_option
def show(name: str, version: int | None, as_json: bool) -> None:
    """Show one version: what it is, who made it, who read it.

    Example: mlstack artifacts show trained_model --version 3
    """
    from mlstack_nb.app import artifacts

    found = artifacts.show(Workspace.find(), name, version=version)
    if as_json:
        print_json(found)
        return
    made_by = found["made_by"]
    print_fields(
        [
            ("artifact", found["name"]),
            ("version", found["version"]),
            ("type", found["type"]),
            ("kind", found["kind"]),
            ("size", size(found["size_bytes"])),
            ("digest", found["digest"]),
            ("created", moment(found["created_at"])),
            ("made by", f"output {made_by['output']} of step {made_by['step']}, run {made_by['run_id']}"),
            ("metadata", pairs(found["metadata"])),
        ]
    )
    click.echo()
    columns: Columns = {"read by": "step", "as": "input", "run": "run_id", "state": "state", "at": _started}
    print_table(found["read_by"], columns, empty="No step has read it.")


def _started(row: Any) -> str:
    return moment(row["started_at"])


def _print_versions(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "artifact": "name",
        "version": "version",
        "type": lambda row: row["type"].rpartition(".")[2],
        "size": lambda row: size(row["size_bytes"]),
        "step": "step",
        "run": "run_id",
        "created": lambda row: moment(row["created_at"]),
    }
    print_table(found, columns, empty="No artifacts.")
