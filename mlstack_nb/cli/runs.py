"""`mlstack runs`: what has been run."""

from __future__ import annotations

from typing import Any

import click

from mlstack_nb.app.wording import duration, moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, counts, json_option, pairs, print_fields, print_json, print_table
from mlstack_nb.cli.run_notebooks import notebook

run_argument = click.argument("run", default="last")
STEP_COLUMNS: Columns = {
    "step": "step",
    "state": "state",
    "time": lambda row: duration(row["duration_s"]),
    "saved": lambda row: duration(row["saved_s"]) if row["saved_s"] else "",
    "artifacts": lambda row: ", ".join(row["outputs"]),
}

EXAMPLES = """\b
Examples:
  mlstack runs list --limit 5
  mlstack runs show last
"""


@click.group(cls=Group, epilog=EXAMPLES)
def runs() -> None:
    """What has been run. RUN is an id, the beginning of one, or `last`."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--stack", help="Only runs on this stack.")
@click.option("--state", help="Only runs in this state: completed, cached, failed, ...")
@json_option
def list_runs(limit: int, pipeline: str | None, stack: str | None, state: str | None, as_json: bool) -> None:
    """List the runs, newest first.

    Example: mlstack runs list --state failed --limit 5
    """
    from mlstack_nb.app import runs

    found = runs.list_all(Workspace.find(), pipeline=pipeline, stack=stack, state=state, limit=limit)
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "run": "id",
        "pipeline": "pipeline",
        "stack": "stack",
        "state": "state",
        "started": lambda row: moment(row["started_at"]),
        "time": lambda row: duration(row["duration_s"]) if row["ended_at"] else "",
        "steps": lambda row: counts(row["step_counts"]),
    }
    print_table(found, columns, empty="No runs.")


@runs.command()
@run_argument
@json_option
def show(run: str, as_json: bool) -> None:
    """Show a run and its steps; the last one by default.

    Example: mlstack runs show last
    """
    from mlstack_nb.app import runs

    found = runs.show(Workspace.find(), run)
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("run", found["id"]),
            ("pipeline", found["pipeline"]),
            ("stack", found["stack"]),
            ("state", found["state"]),
            ("started", moment(found["started_at"])),
            ("time", duration(found["duration_s"]) if found["ended_at"] else ""),
            ("parameters", pairs(found["parameters"])),
            ("models", ", ".join(f"{one['model']} {one['version']}" for one in found["models"])),
        ]
    )
    click.echo()
    _print_steps(found["steps"])


@runs.command()
@run_argument
@json_option
def steps(run: str, as_json: bool) -> None:
    """List the steps of a run; of the last one by default.

    Example: mlstack runs steps last --json
    """
    from mlstack_nb.app import runs

    found = runs.steps(Workspace.find(), run)
    if as_json:
        print_json(found)
    else:
        _print_steps(found)


@runs.command()
@click.argument("before")
@click.argument("after", default="last")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what differs between two runs: stack, parameters, code, packages, inputs, results.

    Example: mlstack runs diff 20261121-0930 last
    """
    from mlstack_nb.app.run_differences import compare

    found = compare(Workspace.find(), before, after)
    if as_json:
        print_json(found.to_json())
    else:
        click.echo("\n".join(found.lines()))


@runs.command()
@run_argument
def watch(run: str) -> int:
    """Follow a run that an engine outside carries out, until it ends; the exit code is 1 when a step failed.

    Example: mlstack runs watch last
    """
    from mlstack_nb.cli.run import watch as follow

    return follow(run)


@runs.command()
@run_argument
@click.argument("step", default="")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
def logs(run: str, step: str, follow: bool) -> None:
    """Print what the steps of a run printed, or one of them; of the last run by default.

    Example: mlstack runs logs last train -f
    """
    from mlstack_nb.app.run_logs import logs as use_case

    for name, text in use_case(Workspace.find(), run, step, follow=follow):
        if step:
            click.echo(text, nl=False)
        else:
            for line in text.splitlines():
                click.echo(f"{click.style(f'{name} |', dim=True)} {line}")


def _print_steps(found: list[dict[str, Any]]) -> None:
    print_table(found, STEP_COLUMNS, empty="No step of this run has started.")
    for step in found:
        told = {name: value for name, value in step["logged"].items() if not isinstance(value, list | dict)}
        if told:
            click.echo(f"\nStep {step['step']!r} logged: {pairs(told)}")
    for step in found:
        if step["failure"]:
            click.echo(f"\nStep {step['step']!r} failed: {step['failure']['type']}: {step['failure']['message']}")


runs.add_command(notebook)
