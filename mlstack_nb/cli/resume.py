"""`mlstack resume` and `mlstack cancel`: going on with a run, and stopping one."""

from __future__ import annotations

from dataclasses import replace

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import coloured, json_option, print_json
from mlstack_nb.cli.run import carry_out
from mlstack_nb.cli.runs import run_argument


@click.command()
@run_argument
@click.option("--fail-fast", is_flag=True, help="Begin nothing more once a step has failed.")
@click.option("--run-id", default="", hidden=True)
@json_option
def resume(run: str, fail_fast: bool, run_id: str, as_json: bool) -> int:
    """Run what is missing of RUN, the last one by default: what failed, was skipped or cancelled, or has changed.

    Steps that ended well are not run again, not even those that are never cached. Parameters and stack are RUN's.

    Example: mlstack resume last
    """
    from mlstack_nb.app.launch import resumed

    request = resumed(Workspace.find(), run)
    return carry_out(replace(request, fail_fast=fail_fast, run_id=run_id), as_json=as_json)


@click.command()
@run_argument
@json_option
def cancel(run: str, as_json: bool) -> None:
    """Stop RUN, the last one by default, as Ctrl-C in its own terminal would. What ended well stays in the cache.

    Example: mlstack cancel last
    """
    from mlstack_nb.app.cancelling import cancel as use_case

    found = use_case(Workspace.find(), run)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo(f"Run {found.id} is {coloured(found.state)}.")
