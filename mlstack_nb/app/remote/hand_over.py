"""A `@pipeline` that a process calls, handed over to the engine of its stack."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.pipeline_wiring import PipelineWiring
    from mlstack_nb.core.events import Event
    from mlstack_nb.core.run import Run


def run_function(function: PipelineWiring[Any], values: Mapping[str, Any]) -> tuple[Run, Mapping[str, BaseException]]:
    """Run a `@pipeline` on the active stack's engine, and wait for it; what its steps print is printed here.

    Raises UsageError for one that a node could not import, or values that can not travel.
    """
    return prepare(Request(target_of(function), values=values)).run(_listen, _print)


def target_of(function: PipelineWiring[Any]) -> str:
    """`file.py:name`, or `package.module:name`. Raises UsageError where the function has no such place."""
    module = sys.modules.get(function.function.__module__)
    names = [name for name, value in vars(module).items() if value is function] if module else []
    file = getattr(module, "__file__", None)
    if not names or file is None:
        raise UsageError(
            f"Pipeline {function.name!r} can not be found by another process: it is not at the top level of a module.",
            "Put it there; in a notebook, run the notebook: %pipeline run",
        )
    return f"{file if module is sys.modules['__main__'] else function.function.__module__}:{names[0]}"


def _listen(_event: Event) -> None:
    pass


def _print(step: str, text: str) -> None:
    for line in text.splitlines():
        sys.stdout.write(f"{step} | {line}\n")
