"""`mlstack runs notebook` and `mlstack debug`: the notebooks that steps were executed as."""

from __future__ import annotations

from pathlib import Path

import click

from mlstack_nb.app.workspace import Workspace

_force = click.option("--force", is_flag=True, help="Overwrite a file that is there.")


@click.command()
@click.argument("run")
@click.argument("step")
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write it there; - prints it.")
@click.option("--html", is_flag=True, help="Write a page that a browser shows.")
@_force
def notebook(run: str, step: str, output: Path | None, html: bool, force: bool) -> None:
    """Write the notebook that a step was executed as, with plots and traceback; by default STEP.ipynb.

    Example: mlstack runs notebook last train --html
    """
    from mlstack_nb.app.notebooks import executed as run_notebooks

    content = run_notebooks.notebook_of(Workspace.find(), run, step)
    if html:
        content = run_notebooks.as_html(content).encode()
    path = output or Path(f"{step}.{'html' if html else 'ipynb'}")
    if str(path) == "-":
        click.echo(content.decode(), nl=False)
        return
    run_notebooks.write(content, path, force=force)
    click.echo(f"Wrote {path}.")


@click.command()
@click.argument("run")
@click.argument("step")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="By default debug-STEP.ipynb.")
@_force
def debug(run: str, step: str, output: Path | None, force: bool) -> None:
    """Write a notebook with that step's parameters, inputs and code as they were, ready at the cell that failed.

    Example: mlstack debug last train
    """
    from mlstack_nb.app.notebooks import executed as run_notebooks

    path = output or Path(f"debug-{step}.ipynb")
    run_notebooks.write(run_notebooks.debug_notebook(Workspace.find(), run, step), path, force=force)
    click.echo(f"Wrote {path}. Open it in JupyterLab, and run its cells from the top.")
