"""What a run reports while it goes on. Listeners are called in order, in the thread that runs the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, StepRun
from mlstack_nb.core.step import Step


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Sent again when a run that ended goes on (cells run one by one); `run.steps` then holds what ran before."""

    run: Run
    plan: Plan


@dataclass(frozen=True, slots=True)
class StepsAdded:
    """Steps that nobody knew of when the run started, before the first of them begins or ends."""

    run_id: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Sent only when the step's code is about to run: never for a cached step."""

    step: StepRun


@dataclass(frozen=True, slots=True)
class StepEnded:
    step: StepRun


@dataclass(frozen=True, slots=True)
class RunEnded:
    """`run.steps` holds every step run, in the order they ended."""

    run: Run


Event = RunStarted | StepsAdded | StepStarted | StepEnded | RunEnded
Listener = Callable[[Event], None]
