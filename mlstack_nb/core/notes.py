"""What the code of a step tells while it runs: metadata and tags of its outputs, metadata of its own.

They wait here until the step has succeeded, then they are kept with its results; those of a failed step's code are
kept, too, as far as they are about the step itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mlstack_nb.core.run import StepRun
from mlstack_nb.core.step import Step


@dataclass(slots=True)
class Notes:
    """Of one execution of a step. `outputs` and `tags` are by output name; `own` is about the step run.

    `run` and `inputs`, which are values that know their artifacts, are there where the step runs in the run's process.
    """

    run_id: str
    pipeline: str
    step: Step
    stack: str = ""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    run: StepRun | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def add_to_output(self, output: str, metadata: Mapping[str, Any]) -> None:
        self.outputs.setdefault(output, {}).update(metadata)

    def tag_output(self, output: str, tags: list[str]) -> None:
        known = self.tags.setdefault(output, [])
        known += [tag for tag in tags if tag not in known]


_here: ContextVar[Notes | None] = ContextVar("mlstack_notes", default=None)
_of_process: Notes | None = None


def notes() -> Notes | None:
    """Those of the step whose code runs here; None outside of steps."""
    return _here.get() or _of_process


def take_notes(begun: Notes | None) -> None:
    """From now on `notes` gives these, in this thread of execution."""
    _here.set(begun)


def take_notes_in_process(begun: Notes | None) -> None:
    """The same for a whole process, which runs the code of one step only."""
    global _of_process
    _of_process = begun
