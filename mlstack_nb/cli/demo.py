"""`mlstack demo`: the product's main job, on real data."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", default="demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--no-run", is_flag=True, help="Only set the folder up: notebook, data, workspace, two stacks.")
def demo(folder: Path, no_run: bool) -> None:
    """Train a model on real data, in step cells.

    Runs a notebook in FOLDER (`demo` by default), runs it again from the cache, and once more on another stack.

    Example: mlstack demo
    """
    from mlstack_nb.app import demo as use_case

    if no_run:
        use_case.prepare(folder.absolute())
    else:
        use_case.main(folder)
