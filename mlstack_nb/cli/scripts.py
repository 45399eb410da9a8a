"""`mlstack run --zenml FILE.py`: a script that calls its pipelines itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mlstack_nb.app.workspace import STACK_VARIABLE
from mlstack_nb.errors import MlstackError, UsageError

_TAKEN = ("compat", "run_id", "stack", "use_cache")


def run_zenml_script(file: Path, words: Sequence[str], options: Mapping[str, Any]) -> int:
    """The exit code. Of the options of `mlstack run` a script is given the stack, and whether the cache is used.

    Raises UsageError for others, and what the script raises of ours.
    """
    from mlstack_nb.app.outward import told
    from mlstack_nb.app.scripts import run_script

    for name, value in options.items():
        if value and name not in _TAKEN:
            option = name if name.startswith("-") else f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{file} calls its pipelines itself, so it can not be given {option}.",
                f"Name a pipeline of it: mlstack run --zenml {file}:PIPELINE {option} ...",
            )
    _switch_on()
    if options["stack"]:
        os.environ[STACK_VARIABLE] = options["stack"]
    if not options["use_cache"]:
        os.environ["MLSTACK_CACHE"] = "off"
    try:
        return run_script(file, words)
    except MlstackError:
        raise
    except Exception as error:  # noqa: BLE001 - the script's own, as Python would tell it
        click.echo(told(error), err=True)
        return 1


def _switch_on() -> None:
    from mlstack_nb.ports.registry import load_target

    load_target("mlstack_nb.compat:switch_on")("zenml")  # beside this floor: known by its name
