"""`mlstack model`: models and their versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mlstack_nb.app.wording import moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, pairs, print_fields, print_json, print_table
from mlstack_nb.core.model import ABOUT
from mlstack_nb.errors import UsageError

EXAMPLES = """\b
Examples:
  mlstack model show fraud production
  mlstack model promote fraud 7 production --force
"""
VERSION_COLUMNS: Columns = {
    "version": "version",
    "stage": "stage",
    "tags": lambda row: ", ".join(row["tags"]),
    "metadata": lambda row: pairs(row["metadata"]),
    "created": lambda row: moment(row["created_at"]),
}


@click.group(cls=Group, epilog=EXAMPLES)
def model() -> None:
    """Models: what runs make again and again, in versions. VERSION is a number, a name, a stage, or `latest`."""


def _about_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for field in reversed(ABOUT):
        command = click.option(f"--{field.replace('_', '-')}", field, help="What to say of the model.")(command)
    return command


@model.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List the models, and which versions are in which stage.

    Example: mlstack model list --json
    """
    from mlstack_nb.app.models import listing

    found = listing.list_all(Workspace.find())
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "model": "name",
        "versions": "version_count",
        "latest": "latest",
        "production": lambda row: row["stages"].get("production", ""),
        "staging": lambda row: row["stages"].get("staging", ""),
        "tags": lambda row: ", ".join(row["tags"]),
        "created": lambda row: moment(row["created_at"]),
    }
    print_table(found, columns, empty="No models. Give a pipeline one: @pipeline(model=Model(NAME))")


@model.command()
@click.argument("name")
@click.argument("version", required=False)
@json_option
def show(name: str, version: str | None, as_json: bool) -> None:
    """Show a model, or one version of it: what belongs to it, and what was told of it.

    Example: mlstack model show fraud production
    """
    from mlstack_nb.app.models import listing

    if version is not None:
        _show_version(listing.show_version(Workspace.find(), name, version), as_json)
        return
    found = listing.show(Workspace.find(), name)
    if as_json:
        print_json(found)
        return
    said = [(field.replace("_", " "), found[field]) for field in ABOUT]
    print_fields([("model", found["name"]), *said, ("tags", ", ".join(found["tags"]))])
    click.echo()
    print_table(found["versions"], VERSION_COLUMNS, empty="It has no version yet.")


@model.command()
@click.argument("name")
@json_option
def versions(name: str, as_json: bool) -> None:
    """List the versions of a model, newest first.

    Example: mlstack model versions fraud
    """
    from mlstack_nb.app.models import listing

    found = listing.versions(Workspace.find(), name)
    if as_json:
        print_json(found)
    else:
        print_table(found, VERSION_COLUMNS, empty="It has no version yet.")


@model.command()
@click.argument("name")
@click.argument("version")
@click.argument("stage")
@click.option("--force", is_flag=True, help="Move the version that has the stage to the archive.")
def promote(name: str, version: str, stage: str, force: bool) -> None:
    """Put a version in a stage: staging, production, archived, or none.

    Example: mlstack model promote fraud 7 production --force
    """
    from mlstack_nb.app.models.versions import update_version

    changed = update_version(Workspace.find(), name, version, stage=stage, force=force)
    click.echo(f"Version {changed.name} of model {name!r} is now in stage {changed.stage.value!r}.")


@model.command()
@click.argument("name")
@click.argument("version", required=False)
@click.option("--name", "new", help="Another name, of the version where one is given.")
@_about_options
@click.option("-t", "--tag", "add_tags", multiple=True, help="Put this tag on it.")
@click.option("--remove-tag", "remove_tags", multiple=True, help="Take this tag off it.")
def update(
    name: str,
    version: str | None,
    new: str | None,
    add_tags: tuple[str, ...],
    remove_tags: tuple[str, ...],
    **about: str | None,
) -> None:
    """Change what is said of a model, or of one version of it; what is not given stays.

    Example: mlstack model update fraud 7 --description "the first with the new features" -t reviewed
    """
    from mlstack_nb.app.models import versions

    tags: dict[str, Any] = {"add_tags": add_tags, "remove_tags": remove_tags}
    said = {field: text for field, text in about.items() if text is not None}
    if not (new or said or add_tags or remove_tags):
        raise UsageError("There is nothing to change.", "Give an option: mlstack model update --help")
    if version is None:
        versions.update_model(Workspace.find(), name, new=new, about=said, **tags)
        click.echo(f"Updated model {new or name!r}.")
        return
    if said.keys() - {"description"}:
        raise UsageError(f"A version has no {next(iter(said.keys() - {'description'}))}.", "Say it of the model.")
    changed = versions.update_version(
        Workspace.find(), name, version, name=new, description=said.get("description"), **tags
    )
    click.echo(f"Updated version {changed.name} of model {name!r}.")


@model.command()
@click.argument("name")
@click.argument("version", required=False)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(name: str, version: str | None, yes: bool) -> None:
    """Delete a model with its versions, or one version; runs, artifacts and deployments stay.

    Example: mlstack model delete fraud 3 --yes
    """
    from mlstack_nb.app.models import versions

    what = f"model {name!r} with all its versions" if version is None else f"version {version} of model {name!r}"
    if not yes:
        click.confirm(f"Delete {what}?", abort=True)
    if version is None:
        versions.delete_model(Workspace.find(), name)
    else:
        versions.delete_version(Workspace.find(), name, version)
    click.echo(f"Deleted {what}.")


@model.command()
@click.argument("name")
@click.argument("version", required=False)
def sync(name: str, version: str | None) -> None:
    """Bring the active stack's model registry up to date with a model, or one version of it.

    Example: mlstack model sync fraud
    """
    from mlstack_nb.app.models.mirror import sync_all

    for synced, entries in sync_all(Workspace.find(), name, version):
        found = ", ".join(entry.uri for entry in entries) or "nothing to register: no artifact of it is a model"
        click.echo(f"Version {synced.name} of model {name!r}: {found}")


def _show_version(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("model", found["model"]),
            ("version", found["version"]),
            ("stage", found["stage"]),
            ("description", found["description"]),
            ("tags", ", ".join(found["tags"])),
            ("metadata", pairs(found["metadata"])),
            ("created", moment(found["created_at"])),
            ("runs", ", ".join(found["runs"])),
            ("deployments", ", ".join(found["deployments"])),
            ("registered", ", ".join(found["registered"] or ())),
        ]
    )
    click.echo()
    columns: Columns = {
        "artifact": "name",
        "version": "version",
        "kind": lambda row: row["kind"].removesuffix("Artifact").lower(),
        "type": lambda row: row["type"].rpartition(".")[2],
        "step": "step",
        "run": "run_id",
    }
    print_table(found["artifacts"], columns, empty="No artifact belongs to it.")
