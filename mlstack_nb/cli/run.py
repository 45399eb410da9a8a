"""`mlstack run`: a pipeline, whole or in part, on a stack."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import Columns, json_option, print_json, print_table
from mlstack_nb.core.run import REMOTE
from mlstack_nb.errors import StepError, UsageError
from mlstack_nb.ports.orchestrator import Company

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlstack_nb.app.launch import Launch
    from mlstack_nb.app.request import Request
    from mlstack_nb.core.run import Run


@click.command()
@click.argument("target")
@click.argument("words", nargs=-1)
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option(
    "-f", "--file", type=click.Path(path_type=Path, dir_okay=False), help="Parameters from YAML; -p goes before it."
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Options and parameters of this run from YAML; what is given here goes before it.",
)
@click.option("--stack", help="Run on this stack instead of the active one.")
@click.option("--from", "first", default="", metavar="STEP", help="Begin here: what is before it comes from the cache.")
@click.option("--only", default="", metavar="STEP", help="Run this step alone.")
@click.option("--until", default="", metavar="STEP", help="End with this step.")
@click.option(
    "--no-cache", "use_cache", flag_value=False, default=True, help="Run the steps even if nothing has changed."
)
@click.option("--fail-fast", is_flag=True, help="Begin nothing more once a step has failed.")
@click.option("--whole", is_flag=True, help="Run a notebook as one step, from top to bottom.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), help="Seconds for a cell.")
@click.option("--isolation", default="", metavar="thread|process|kernel", help="What keeps a step's code apart.")
@click.option("--zenml", is_flag=True, help="TARGET imports `zenml`; a FILE.py is run as python would, with WORDS.")
@click.option("--detach", is_flag=True, help="Run in the background; print the run's id.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--run-id", default="", hidden=True)
@json_option
def run(
    *,
    target: str,
    words: tuple[str, ...],
    zenml: bool,
    pairs: tuple[str, ...],
    file: Path | None,
    config: Path | None,
    detach: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Run TARGET: a notebook, `file.py:pipeline` or `package.module:pipeline`.

    What has not changed comes from the cache. The exit code is 1 when a step failed.

    \b
    Example: mlstack run train.ipynb -p depth=6
             mlstack run train.py --from features --no-cache
             mlstack run package.pipelines:training -f params.yaml --detach
             mlstack run --zenml run.py -- --epochs 3
    """  # noqa: D301 - click reads the \b
    from mlstack_nb.app.parameters import read_file, read_pairs
    from mlstack_nb.app.request import Request
    from mlstack_nb.cli.scripts import run_zenml_script

    if zenml:
        options["compat"] = "zenml"
    if zenml and target.endswith(".py"):
        given = {**options, "-p": pairs, "-f": file, "-c": config, "--detach": detach, "--dry-run": dry_run}
        return run_zenml_script(Path(target), words, {**given, "--json": as_json})
    if words:
        raise UsageError(f"TARGET is followed by {words[0]!r}.", "Give parameters so: -p NAME=VALUE")
    values = read_file(file) if file is not None else {}
    if config is not None:
        options |= {"configuration": read_file(config), "configured_by": str(config)}
    request = Request(target, texts=read_pairs(pairs), values=values, **options)
    return carry_out(request, dry_run=dry_run, detach=detach, as_json=as_json)


def carry_out(request: Request, *, dry_run: bool = False, detach: bool = False, as_json: bool = False) -> int:
    """Run it, with progress on stderr and the result on stdout; the exit code."""
    from mlstack_nb.app.launch import prepare

    _stop_on_sigterm()
    launch = prepare(request)
    if dry_run:
        _show_outlook(launch, as_json=as_json)
        return 0
    if detach:
        return _submitted(launch) if launch.is_remote else _detached(launch)
    run, errors = _run(launch, is_quiet=as_json)
    if as_json:
        print_json(run.to_json())
    if errors:
        _explain(run, errors)
        return 1
    return 0


def _stop_on_sigterm() -> None:
    """As on Ctrl-C, which a process in the background may not get."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _run(launch: Launch, *, is_quiet: bool) -> tuple[Run, Mapping[str, BaseException]]:
    from mlstack_nb.app.progress import course_of
    from mlstack_nb.cli.progress import Progress

    try:
        if is_quiet:
            return launch.run(lambda _event: None, lambda _step, _text: None)
        progress = Progress(course_of(launch.pipeline.name, launch.runtime, launch.company))
        return launch.run(progress, progress.print)
    except KeyboardInterrupt:
        raise _interrupted(launch) from None


def watch(reference: str) -> int:
    """Follow a run that an engine outside carries out, with progress on stderr; the exit code."""
    from mlstack_nb.app.progress import course_of
    from mlstack_nb.app.remote.refreshing import find_run
    from mlstack_nb.app.remote.watch import watch as look
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.cli.progress import Progress

    workspace = Workspace.find()
    run = find_run(workspace, reference)
    if run.mode != REMOTE:
        what = f"Run {run.id} is not carried out by an engine outside."
        raise UsageError(what, f"Follow what it prints: mlstack runs logs {run.id} -f")
    runtime = Runtime.current(workspace=workspace, stack=run.stack)
    progress = Progress(course_of(run.pipeline, runtime, Company.APART))
    try:
        run, errors = look(runtime, run.id, progress, progress.print)
    except KeyboardInterrupt:
        raise _unwatched(run.id) from None
    if errors:
        _explain(run, errors)
    return 0 if run.state.is_good else 1


def _unwatched(run_id: str) -> StepError:
    what = f"Run {run_id} goes on without being watched."
    return StepError(what, f"Watch it again: mlstack runs watch {run_id}, or stop it: mlstack cancel {run_id}")


def _interrupted(launch: Launch) -> StepError:
    if not launch.is_remote:
        return StepError("The run was interrupted.", "Go on where it ended: mlstack resume last")
    return _unwatched(launch.request.run_id)


def _show_outlook(launch: Launch, *, as_json: bool) -> None:
    found = launch.execution().foresee()
    rows: list[dict[str, Any]] = [
        {
            "step": step.name,
            "would": str(found[step.name]),
            "needs": list(step.needs),
            "outputs": [output.name for output in step.outputs],
        }
        for step in launch.pipeline.ordered()
    ]
    if as_json:
        print_json(rows)
        return
    told = {"cached": "come from the cache", "runs": "run", "depends": "run, if what it reads changes"}
    columns: Columns = {
        "step": "step",
        "would": lambda row: told[row["would"]],
        "needs": lambda row: ", ".join(row["needs"]),
        "outputs": lambda row: ", ".join(row["outputs"]),
    }
    print_table(rows, columns, empty="No steps.")


def _explain(run: Run, errors: Mapping[str, BaseException]) -> None:
    """What each failed step raised, where, and how to go on."""
    from mlstack_nb.app.outward import told

    for step, error in errors.items():
        click.echo(f"\n{click.style('Error:', fg='red')} step {step!r} failed:", err=True)
        click.echo(told(error), err=True)
    click.echo(f"\nWhen it is mended, go on with: mlstack resume {run.id}", err=True)


def _submitted(launch: Launch) -> int:
    """In the hands of the stack's engine, which nobody waits for."""
    run = launch.submit()
    click.echo(run.id)
    click.echo(f"Follow it: mlstack runs watch {run.id}", err=True)
    return 0


def _detached(launch: Launch) -> int:
    """In a process of its own, which nobody waits for."""
    from mlstack_nb.app.background_runs import begin

    launch.close()
    run_id = begin(launch.runtime.workspace, launch.request, folder=Path.cwd())
    click.echo(run_id)
    click.echo(f"Follow it: mlstack runs logs {run_id} -f", err=True)
    return 0
