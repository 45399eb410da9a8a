"""`mlstack demo`: the product's main job, on real data."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def demo(folder: Path | None) -> None:
    """Train a model on real data, in step cells.

    Runs a notebook in FOLDER (`demo` by default), runs it again from the cache, and once more on another stack.

    Example: mlstack demo
    """
    from mlstack_nb.app.demo import main

    main(folder)
