"""`mlstack why`: what made a step run."""

from __future__ import annotations

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import json_option, print_json


@click.command()
@click.argument("run")
@click.argument("step")
@json_option
def why(run: str, step: str, as_json: bool) -> None:
    """Say why a step ran, or did not, against its last run before.

    RUN is an id, the beginning of one, or `last`.

    Example: mlstack why last train
    """
    from mlstack_nb.app import explain

    found = explain.why(Workspace.find(), step, run)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo("\n".join(found.lines()))
