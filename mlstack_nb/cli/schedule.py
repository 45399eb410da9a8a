"""`mlstack schedule`: pipelines that run by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from mlstack_nb.app.wording import duration, moment
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.groups import Group
from mlstack_nb.cli.output import Columns, json_option, pairs, print_fields, print_json, print_table
from mlstack_nb.core.schedule import CatchUp, Overlap

EXAMPLES = """\b
Examples:
  mlstack schedule add train.ipynb "0 6 * * 1-5" --tz Europe/Berlin
  mlstack schedule list
  mlstack scheduler
"""
NOBODY = "Nobody schedules, so nothing runs by itself. Start one: mlstack scheduler"


@click.group(cls=Group, epilog=EXAMPLES)
def schedule() -> None:
    """Pipelines that run by themselves, as long as a process `mlstack scheduler` runs."""


@schedule.command()
@click.argument("target")
@click.argument("cron", required=False)
@click.option("--every", metavar="TIME", help="Run it in such intervals, instead of a cron: 10m, 1h30m, 2d.")
@click.option("--tz", "zone", metavar="ZONE", help="The cron's time zone, as Europe/Berlin; the machine's by default.")
@click.option("--name", help="What to call the schedule; by default it is made from the target.")
@click.option("-p", "--parameter", "texts", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--stack", help="Run on this stack; by default on the one that is active at the time.")
@click.option("--grace", default="1m", show_default=True, help="A firing that starts later than this is missed.")
@click.option(
    "--catch-up",
    type=click.Choice([choice.value for choice in CatchUp]),
    default=CatchUp.LAST.value,
    show_default=True,
    help="Which missed firings still run, for example after a night without a scheduler.",
)
@click.option(
    "--overlap",
    type=click.Choice([choice.value for choice in Overlap]),
    default=Overlap.SKIP.value,
    show_default=True,
    help="What becomes of a firing while the one before it still runs.",
)
@click.option("--note", default="", help="A line for who reads the listing.")
@click.option("--paused", is_flag=True, help="Do not fire before: mlstack schedule resume")
@json_option
def add(
    *,
    target: str,
    cron: str | None,
    texts: tuple[str, ...],
    catch_up: str,
    overlap: str,
    paused: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run TARGET, which is what `mlstack run` takes, at the times of CRON or in intervals.

    CRON is minute, hour, day of month, month and weekday, in quotes, or @hourly, @daily, @weekly, @monthly, @yearly.

    \b
    Example: mlstack schedule add train.ipynb "0 6 * * 1-5" --tz Europe/Berlin -p depth=6
             mlstack schedule add package.pipelines:training @daily --stack production --catch-up none
             mlstack schedule add report.ipynb --every 10m --overlap queue
    """  # noqa: D301 - click reads the \b
    from mlstack_nb.app.parameters import read_pairs
    from mlstack_nb.app.scheduling import schedules
    from mlstack_nb.app.scheduling.wanted import Wanted

    workspace = Workspace.find()
    added = schedules.add(
        workspace,
        Wanted(
            target,
            cron=cron,
            parameters=read_pairs(texts),
            catch_up=CatchUp(catch_up),
            overlap=Overlap(overlap),
            is_paused=paused,
            **options,
        ),
    )
    if as_json:
        print_json(added)
        return
    click.echo(f"Added schedule {added['name']!r}: {added['words']}, {added['zone']}.")
    for time in added["next"]:
        click.echo(f"  {_clock(time)}")
    if schedules.scheduler(workspace) is None:
        click.echo(NOBODY, err=True)


@schedule.command("list")
@json_option
def list_schedules(as_json: bool) -> None:
    """List the schedules, and who starts them.

    Example: mlstack schedule list
    """
    from mlstack_nb.app.scheduling import schedules

    workspace = Workspace.find()
    found = schedules.list_all(workspace)
    leader = schedules.scheduler(workspace)
    if as_json:
        print_json({"scheduler": leader, "schedules": found})
        return
    columns: Columns = {
        "name": "name",
        "target": "target",
        "when": "words",
        "zone": "zone",
        "next": lambda row: "paused" if row["paused_at"] else _clock(row["next"][0]) if row["next"] else "never",
        "last": lambda row: row["last"]["state"] if row["last"] else "",
        "note": "note",
    }
    print_table(found, columns, empty="No schedules. Add one: mlstack schedule add NOTEBOOK --every 1h")
    if leader is not None:
        click.echo(f"\nProcess {leader['pid']} on {leader['host']} schedules since {moment(leader['since'])}.")
    elif found:
        click.echo(f"\n{NOBODY}")


@schedule.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show a schedule: what it runs, its next times, its last firing.

    Example: mlstack schedule show train
    """
    from mlstack_nb.app.scheduling import schedules

    found = schedules.show(Workspace.find(), name)
    if as_json:
        print_json(found)
        return
    last = found["last"]
    print_fields(
        [
            ("schedule", found["name"]),
            ("target", found["target"]),
            ("folder", found["folder"]),
            ("parameters", pairs(found["parameters"])),
            ("stack", found["stack"] or "the one that is active at the time"),
            ("when", found["words"]),
            ("cron", found["cron"]),
            ("zone", found["zone"]),
            ("grace", duration(found["grace_s"])),
            ("catch-up", found["catch_up"]),
            ("overlap", found["overlap"]),
            ("note", found["note"]),
            ("paused", moment(found["paused_at"])),
            ("last", last and f"{last['state']} at {moment(last['moment'])} {last['run_id'] or ''}".rstrip()),
            *(("" if number else "next", _clock(time)) for number, time in enumerate(found["next"])),
        ]
    )


@schedule.command()
@click.argument("name")
def pause(name: str) -> None:
    """Let a schedule rest. A run that goes on is not stopped.

    Example: mlstack schedule pause train
    """
    from mlstack_nb.app.scheduling import schedules

    schedules.pause(Workspace.find(), name)
    click.echo(f"Paused schedule {name!r}. Go on: mlstack schedule resume {name}")


@schedule.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let a paused schedule fire again. What would have fired in the pause is not caught up.

    Example: mlstack schedule resume train
    """
    from mlstack_nb.app.scheduling import schedules

    workspace = Workspace.find()
    schedules.resume(workspace, name)
    found = schedules.show(workspace, name)
    click.echo(f"Resumed schedule {name!r}. Next: {_clock(found['next'][0])}")


@schedule.command()
@click.argument("name")
@json_option
def trigger(name: str, as_json: bool) -> None:
    """Run what a schedule runs now, also while it is paused and whatever else of it runs.

    Example: mlstack schedule trigger train
    """
    from mlstack_nb.app.scheduling import schedules

    firing = schedules.trigger(Workspace.find(), name)
    if as_json:
        print_json(firing)
    else:
        click.echo(firing["run_id"])
        click.echo(f"See it: mlstack schedule runs {name}", err=True)


@schedule.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a schedule. Its runs stay, and one that goes on is not stopped.

    Example: mlstack schedule remove train
    """
    from mlstack_nb.app.scheduling import schedules

    going_on = schedules.remove(Workspace.find(), name)
    click.echo(f"Removed schedule {name!r}.")
    for run_id in going_on:
        click.echo(f"Run {run_id} goes on. To stop it: mlstack cancel {run_id}", err=True)


@schedule.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@json_option
def runs(name: str, limit: int, as_json: bool) -> None:
    """List what became of a schedule's firings, newest first.

    Example: mlstack schedule runs train --limit 5
    """
    from mlstack_nb.app.scheduling import schedules

    found = schedules.runs(Workspace.find(), name, limit=limit)
    if as_json:
        print_json(found)
        return
    columns: Columns = {
        "moment": lambda row: moment(row["moment"]),
        "origin": "origin",
        "state": "state",
        "run": "run_id",
        "late": lambda row: "" if row["lateness_s"] is None else duration(row["lateness_s"]),
        "time": lambda row: "" if row["duration_s"] is None else duration(row["duration_s"]),
        "reason": "reason",
    }
    print_table(found, columns, empty=f"Schedule {name!r} has not fired yet.")


def _clock(iso: str) -> str:
    """`Mon 2026-03-30 06:00:00 +02:00`, in the schedule's zone."""
    found = datetime.fromisoformat(iso)
    offset = found.strftime("%z")
    return f"{found:%a %Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"
