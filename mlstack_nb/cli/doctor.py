"""`mlstack doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click

from mlstack_nb.cli.output import coloured, json_option, print_json


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this installation and workspace.

    The exit code is 1 when something fails.

    Example: mlstack doctor
    """
    from mlstack_nb.app.doctor import Verdict, examine

    checks = examine()
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            click.echo(f"{coloured(check.verdict.ljust(4))}  {check.name.ljust(width)}  {check.detail}")
            if check.hint:
                click.echo(f"      -> {check.hint}")
    if any(check.verdict is Verdict.FAIL for check in checks):
        context.exit(1)
