"""`mlstack tag`: words on runs, pipelines and artifacts."""

from __future__ import annotations

from typing import Any

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, print_json, print_table

EXAMPLES = """\b
Examples:
  mlstack tag register production --exclusive --color red
  mlstack tag add production --run last
  mlstack tag list
"""
_exclusive = click.option(
    "--exclusive/--no-exclusive", default=None, help="One run of a pipeline, one version of an artifact has it."
)
_cascade = click.option("--cascade/--no-cascade", default=None, help="A run hands it on to the artifacts it makes.")
_color = click.option("--color", help="grey, red, green, ...")


@click.group(cls=Group, epilog=EXAMPLES)
def tag() -> None:
    """Words on runs, pipelines and artifacts, to find them again."""


def _on(command: Any) -> Any:
    """The options that say what has a tag, or is to have it."""
    for option in (
        click.option("--run", help="A run: its id, the beginning of one, its name, or `last`."),
        click.option("--pipeline", help="A pipeline."),
        click.option("--artifact", help="An artifact, with all its versions."),
        click.option("--artifact-version", help="A version of an artifact: NAME, NAME:VERSION."),
    ):
        command = option(command)
    return command


@tag.command("list")
@json_option
def list_tags(as_json: bool) -> None:
    """List the tags.

    Example: mlstack tag list --json
    """
    from mlstack_nb.app import tags

    found = tags.list_all(Workspace.find())
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "tag": "name",
        "color": "color",
        "exclusive": lambda row: "yes" if row["exclusive"] else "",
        "cascades": lambda row: "yes" if row["cascade"] else "",
        "uses": "uses",
    }
    print_table(found, columns, empty="No tags.")


@tag.command()
@click.argument("name")
@_color
@_exclusive
@_cascade
@json_option
def register(name: str, color: str | None, exclusive: bool | None, cascade: bool | None, as_json: bool) -> None:
    """Make a tag. One that is put on something is made by itself, without these options.

    Example: mlstack tag register production --exclusive
    """
    from mlstack_nb.app import tags
    from mlstack_nb.core.tag import Tag

    made = tags.register(Workspace.find(), Tag(name=name, color=color, exclusive=exclusive, cascade=cascade))
    _print(tags.as_dict(made), as_json, f"Registered tag {name!r}.")


@tag.command()
@click.argument("name")
@click.option("--name", "new", help="Another name.")
@_color
@_exclusive
@_cascade
@json_option
def update(
    name: str, *, new: str | None, color: str | None, exclusive: bool | None, cascade: bool | None, as_json: bool
) -> None:
    """Change a tag; what has it keeps it.

    Example: mlstack tag update production --color red
    """
    from mlstack_nb.app import tags

    found = tags.update(Workspace.find(), name, new=new, color=color, exclusive=exclusive, cascade=cascade)
    _print(tags.as_dict(found), as_json, f"Changed tag {found.name!r}.")


@tag.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a tag; whatever has it loses it.

    Example: mlstack tag delete draft
    """
    from mlstack_nb.app import tags

    tags.delete(Workspace.find(), name)
    click.echo(f"Deleted tag {name!r}.")


@tag.command()
@click.argument("names", nargs=-1, required=True)
@_on
def add(names: tuple[str, ...], **on: str | None) -> None:
    """Put tags on one thing.

    Example: mlstack tag add production checked --run last
    """
    from mlstack_nb.app import tags

    workspace = Workspace.find()
    tags.attach(workspace, names, *_subject(workspace, on))
    click.echo(f"Tagged {_called(on)}: {', '.join(names)}.")


@tag.command()
@click.argument("names", nargs=-1, required=True)
@_on
def remove(names: tuple[str, ...], **on: str | None) -> None:
    """Take tags off one thing.

    Example: mlstack tag remove production --artifact-version model:3
    """
    from mlstack_nb.app import tags

    workspace = Workspace.find()
    tags.detach(workspace, names, *_subject(workspace, on))
    click.echo(f"Took off {_called(on)}: {', '.join(names)}.")


def _subject(workspace: Workspace, on: dict[str, str | None]) -> tuple[str, str]:
    from mlstack_nb.app import tags
    from mlstack_nb.errors import UsageError

    if not any(on.values()):
        raise UsageError("It is not said what is tagged.", "Say it: --run last, --pipeline NAME, --artifact NAME")
    named = on["artifact_version"]
    name, version = split_version(named) if named else (None, None)
    return tags.subject_of(
        workspace, pipeline=on["pipeline"], run=on["run"], artifact=on["artifact"], name=name, version=version
    )


def split_version(text: str) -> tuple[str, str | None]:
    """`NAME:VERSION`, or `NAME` alone; a name that steps get by themselves has colons of its own."""
    name, colon, version = text.rpartition(":")
    if not colon or name.endswith(":") or not name:
        return text, None
    return name, version


def _called(on: dict[str, str | None]) -> str:
    kind, name = next((kind, name) for kind, name in on.items() if name)
    return f"{kind.replace('_', ' ')} {name!r}"


def _print(found: dict[str, Any], as_json: bool, said: str) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(said)
