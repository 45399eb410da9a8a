"""`mlstack run`: a pipeline, whole or in part, on a stack."""

from __future__ import annotations

import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import Columns, json_option, print_json, print_table
from mlstack_nb.errors import MlstackError, StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlstack_nb.app.launch import Launch, Request
    from mlstack_nb.core.run import Run


@click.command()
@click.argument("target")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option(
    "-f", "--file", type=click.Path(path_type=Path, dir_okay=False), help="Parameters from YAML; -p goes before it."
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
@click.option("--detach", is_flag=True, help="Run in the background; print the run's id.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--run-id", default="", hidden=True)
@json_option
def run(
    *,
    target: str,
    pairs: tuple[str, ...],
    file: Path | None,
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
    """  # noqa: D301 - click reads the \b
    from mlstack_nb.app.launch import Request
    from mlstack_nb.app.parameters import read_file, read_pairs

    values = read_file(file) if file is not None else {}
    request = Request(target, texts=read_pairs(pairs), values=values, **options)
    if detach:
        return _detached()
    return carry_out(request, dry_run=dry_run, as_json=as_json)


def carry_out(request: Request, *, dry_run: bool = False, as_json: bool = False) -> int:
    """Run it, with progress on stderr and the result on stdout; the exit code."""
    from mlstack_nb.app.launch import prepare

    _stop_on_sigterm()
    launch = prepare(request)
    if dry_run:
        _show_outlook(launch, as_json=as_json)
        return 0
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
    from mlstack_nb.cli.progress import Progress

    progress = Progress({} if is_quiet else launch.usual_times())
    try:
        if is_quiet:
            return launch.run(lambda _event: None, lambda _step, _text: None)
        return launch.run(progress, progress.print)
    except KeyboardInterrupt:
        raise StepError("The run was interrupted.", "Go on where it ended: mlstack resume last") from None


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
    from mlstack_nb.app.outward import outward

    for step, error in errors.items():
        click.echo(f"\n{click.style('Error:', fg='red')} step {step!r} failed:", err=True)
        if isinstance(error, MlstackError):
            click.echo(f"{error.what}\n  -> {error.hint}" if error.hint else error.what, err=True)
        else:
            click.echo("".join(traceback.format_exception(outward(error))).rstrip(), err=True)
    click.echo(f"\nWhen it is mended, go on with: mlstack resume {run.id}", err=True)


def _detached() -> int:
    """The same command line in a process of its own, which nobody waits for."""
    from mlstack_nb.app.runtime import new_run_id

    run_id = new_run_id()
    workspace = Workspace.find()
    workspace.ensure()
    folder = workspace.root / "logs" / run_id
    folder.mkdir(parents=True, mode=0o700)
    arguments = [word for word in sys.argv[1:] if word != "--detach"]
    with (folder / "run.log").open("wb") as log:
        subprocess.Popen(  # noqa: S603 - the command line that was typed, without a shell
            [sys.executable, "-m", "mlstack_nb.cli", *arguments, "--run-id", run_id],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    click.echo(run_id)
    click.echo(f"Follow it: mlstack runs logs {run_id} -f", err=True)
    return 0
