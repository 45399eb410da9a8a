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
  mlstack artifacts download trained_model model.zip
"""


@click.group(cls=Group, epilog=EXAMPLES)
def artifacts() -> None:
    """What steps made: named artifacts, each with its versions and its lineage."""


@artifacts.command("list")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.option("--tag", help="Only those of which a version, or all of which, has this tag.")
@json_option
def list_artifacts(limit: int | None, tag: str | None, as_json: bool) -> None:
    """List the newest version of each artifact.

    Example: mlstack artifacts list --tag production
    """
    from mlstack_nb.app import artifacts

    _print_versions(artifacts.list_all(Workspace.find(), limit=limit, tag=tag), as_json)


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
@click.option("--version", help="Its number, or its name; the newest one by default.")
@json_option
def show(name: str, version: str | None, as_json: bool) -> None:
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
            ("made by", _maker(made_by)),
            ("tags", ", ".join(found["tags"])),
            ("metadata", pairs(found["metadata"])),
        ]
    )
    click.echo()
    columns: Columns = {"read by": "step", "as": "input", "run": "run_id", "state": "state", "at": _started}
    print_table(found["read_by"], columns, empty="No step has read it.")


@artifacts.command()
@click.argument("name")
@click.argument("path", type=click.Path(dir_okay=False))
@click.option("--version", help="Its number, or its name; the newest one by default.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def download(name: str, path: str, version: str | None, overwrite: bool) -> None:
    """Write the files of a version into a zip archive.

    Example: mlstack artifacts download trained_model model.zip --version 3
    """
    from mlstack_nb.client import Client

    found = Client().get_artifact_version(name, version)
    found.download_files(path, overwrite=overwrite)
    click.echo(f"Wrote version {found.version} of artifact {name!r} to {path}.")


@artifacts.command()
@click.argument("name")
@click.argument("tags", nargs=-1, required=True)
@click.option("--version", help="Of this version; of the artifact as a whole by default.")
@click.option("--remove", is_flag=True, help="Take them off.")
def tag(name: str, tags: tuple[str, ...], version: str | None, remove: bool) -> None:
    """Put tags on an artifact, or on one version of it.

    Example: mlstack artifacts tag trained_model production --version 3
    """
    from mlstack_nb.app import tags as use_cases

    workspace = Workspace.find()
    named = {"artifact": name} if version is None else {"name": name, "version": version}
    subject = use_cases.subject_of(workspace, **named)
    (use_cases.detach if remove else use_cases.attach)(workspace, tags, *subject)
    of = f"artifact {name!r}" if version is None else f"version {version} of artifact {name!r}"
    click.echo(f"{'Took off' if remove else 'Tagged'} {of}: {', '.join(tags)}.")


@artifacts.command()
@click.argument("name")
@click.option("--version", help="Its number, or its name; the newest one by default.")
@click.option("--files-only", is_flag=True, help="Keep its entry: the step that makes it runs again.")
@click.option("--keep-files", is_flag=True, help="Only its entry goes.")
def delete(name: str, version: str | None, files_only: bool, keep_files: bool) -> None:
    """Delete a version: its files and its entry. A used one keeps its entry: --files-only.

    Example: mlstack artifacts delete draft --version 2
    """
    from mlstack_nb.app import deletion
    from mlstack_nb.app.artifact_names import find_version
    from mlstack_nb.errors import UsageError

    if files_only and keep_files:
        raise UsageError("Neither its files nor its entry are to be deleted.", "Leave out one: --keep-files")
    workspace = Workspace.find()
    found = find_version(workspace, name, version)
    deletion.delete_version(workspace, found, metadata=not files_only, from_store=not keep_files)
    click.echo(f"Deleted {'the files of ' * files_only}version {found.version} of artifact {name!r}.")


@artifacts.command()
@click.option("--files", is_flag=True, help="Delete their files, too.")
@json_option
def prune(files: bool, as_json: bool) -> None:
    """Delete every version that no run made or read, and no model has.

    Example: mlstack artifacts prune --files
    """
    from mlstack_nb.app import artifacts, deletion

    gone = artifacts.as_dicts(deletion.prune(Workspace.find(), from_store=files))
    if as_json:
        print_json(gone)
        return
    for row in gone:
        click.echo(f"Deleted version {row['version']} of artifact {row['name']!r}.")
    if not gone:
        click.echo("Every version is used.")


def _maker(made_by: dict[str, Any]) -> str:
    if not made_by["run_id"]:
        return "hand, outside of steps"
    how = f"output {made_by['output']} of" if made_by["output"] else "hand, in"
    return f"{how} step {made_by['step']}, run {made_by['run_id']}"


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
