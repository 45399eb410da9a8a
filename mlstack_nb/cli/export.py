"""`mlstack export`: a notebook as a module of step functions, or as a workflow that runs it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import json_option, print_json
from mlstack_nb.errors import UsageError

_MODULE, _STDOUT = Path("pipeline.py"), "-"


@click.command()
@click.argument("notebook")
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write it there; - prints it.")
@click.option("--ci", type=click.Choice(["github"]), help="Write a workflow that runs the notebook on every push.")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="With --ci: of its runs.")
@click.option("--stack", help="With --ci: the stack of its runs.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@json_option
def export(
    *,
    notebook: str,
    output: Path | None,
    ci: str | None,
    pairs: tuple[str, ...],
    stack: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write NOTEBOOK as a module of `@step` functions with a `@pipeline`, by default pipeline.py.

    The module has the notebook's cache keys: what one of them has run, the other need not.

    \b
    Example: mlstack export train.ipynb -o train_pipeline.py
             mlstack export train.ipynb --ci github -p depth=6
    """  # noqa: D301 - click reads the \b
    from mlstack_nb.app.parameters import read_pairs

    if as_json and str(output) == _STDOUT:
        raise UsageError("With `-o -` the file itself is printed, and there is no room for JSON.", "Leave --json out.")
    if ci is None:
        if pairs or stack:
            raise UsageError("-p and --stack are for runs of a workflow.", "Add --ci github, or leave them out.")
        _module(notebook, output or _MODULE, force=force, as_json=as_json)
        return
    from mlstack_nb.app.export.workflow import export_workflow

    made = export_workflow(notebook, parameters=read_pairs(pairs), stack=stack)
    _write(made.text, output or made.path, force=force, as_json=as_json, steps=list(made.steps), notices=[])


def _module(notebook: str, path: Path, *, force: bool, as_json: bool) -> None:
    from mlstack_nb.app.export.notebook_export import export_module

    target = None if str(path) == _STDOUT else path
    made = export_module(notebook, workspace=Workspace.find(), target=target)
    for notice in () if as_json else made.notices:
        click.echo(notice, err=True)
    facts = {"pipeline": made.pipeline, "steps": list(made.steps), "notices": list(made.notices)}
    _write(made.text, path, force=force, as_json=as_json, **facts)


def _write(text: str, path: Path, *, force: bool, as_json: bool, **facts: Any) -> None:
    from mlstack_nb.app.notebooks.executed import write

    if str(path) == _STDOUT:
        click.echo(text, nl=False)
        return
    with suppress(OSError):  # what is wrong with it, writing tells
        path.parent.mkdir(parents=True, exist_ok=True)
    write(text.encode(), path, force=force)
    if as_json:
        print_json({"path": str(path), **facts})
    else:
        click.echo(f"Wrote {path}.")
