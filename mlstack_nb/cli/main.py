"""The `mlstack` command: finds the command, and is the one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from mlstack_nb import __version__
from mlstack_nb.cli.groups import LazyGroup
from mlstack_nb.errors import MlstackError, UsageError, nearest

COMMANDS = {
    "artifacts": ("mlstack_nb.cli.artifacts:artifacts", "What steps made: list, versions, lineage, download, prune."),
    "cancel": ("mlstack_nb.cli.resume:cancel", "Stop a run."),
    "component": ("mlstack_nb.cli.component:component", "The parts stacks are made of: register, list, change."),
    "debug": ("mlstack_nb.cli.run_notebooks:debug", "Write a notebook that opens where a step failed."),
    "demo": ("mlstack_nb.cli.demo:demo", "Train a model on real data, twice, on two stacks."),
    "deployment": ("mlstack_nb.cli.deployment:deployment", "Models that answer: list, predict, logs, stop."),
    "doctor": ("mlstack_nb.cli.doctor:doctor", "Check this installation and workspace."),
    "export": ("mlstack_nb.cli.export:export", "Write a notebook as a module, or as a workflow."),
    "integration": ("mlstack_nb.cli.integration:integration", "Packages that flavors need: list, install."),
    "lint": ("mlstack_nb.cli.lint:lint", "Check notebooks and modules: portable, reproducible, cached rightly?"),
    "model": ("mlstack_nb.cli.model:model", "Models and their versions: list, show, promote."),
    "resume": ("mlstack_nb.cli.resume:resume", "Run what is missing of a run."),
    "run": ("mlstack_nb.cli.run:run", "Run a notebook or a pipeline, whole or in part."),
    "runs": ("mlstack_nb.cli.runs:runs", "What has been run: list, show, steps."),
    "schedule": ("mlstack_nb.cli.schedule:schedule", "Run pipelines by themselves: add, list, pause, trigger."),
    "scheduler": ("mlstack_nb.cli.scheduler:scheduler", "The process that starts what is scheduled."),
    "secret": ("mlstack_nb.cli.secret:secret", "Values for components and steps, encrypted: create, list, get."),
    "stack": ("mlstack_nb.cli.stack:stack", "Where pipelines run: register, set, import, export."),
    "tag": ("mlstack_nb.cli.tag:tag", "Words on runs, pipelines and artifacts: list, register, add, remove."),
    "why": ("mlstack_nb.cli.why:why", "Why a step ran, or came from the cache."),
}

EXAMPLES = """\b
Examples:
  mlstack stack list          the stacks of this workspace, the active one marked
  mlstack stack set NAME      run everything on another stack from now on
  mlstack runs show last      the last run and its steps
  mlstack why last train      what had changed, so that step train ran
"""


@click.group(cls=LazyGroup, table=COMMANDS, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlstack-nb")
def root() -> None:
    """Write pipeline steps in notebook cells; run them, unchanged, on any stack."""


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0, 1 for what failed, 2 for a wrong command line.

    A reader of a pipe that leaves early is left to click: it ends the process with 1, silently.
    """
    try:
        code = root.main(
            list(arguments),
            prog_name="mlstack",
            standalone_mode=False,
            color=_colour(),
        )
    except MlstackError as error:
        return _report(error.what, error.hint, code=2 if isinstance(error, UsageError) else 1)
    except click.ClickException as error:
        return _report_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return _report("Interrupted.", "", code=1)
    except OSError as error:
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        return _report(what, "Check the path and its permissions.", code=1)
    return code if isinstance(code, int) else 0


def _report_usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    near = getattr(error, "possibilities", None)
    hint = f"Run: {context.command_path} --help" if context is not None else ""
    if isinstance(error, click.NoSuchOption):
        what = f"{context.command_path if context else 'mlstack'} has no option {error.option_name}."
        return _report(
            what, f"Did you mean {nearest(error.option_name, near) or near[0]}?" if near else hint, code=error.exit_code
        )
    return _report(error.format_message(), hint, code=error.exit_code)


def _report(what: str, hint: str, *, code: int) -> int:
    click.echo(f"{click.style('Error:', fg='red')} {what}", err=True, color=_colour())
    if hint:
        click.echo(f"  -> {hint}", err=True)
    return code


def _colour() -> bool | None:
    """None leaves it to click: colours on a terminal only."""
    return False if os.environ.get("NO_COLOR") else None
