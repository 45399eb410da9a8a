"""Steps that ask for an experiment tracker: whether the stack has it, and running inside its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mlstack_nb.core.step import Step
from mlstack_nb.errors import ConfigError
from mlstack_nb.ports.experiment_tracker import ExperimentTracker

_here: ContextVar[ExperimentTracker | None] = ContextVar("mlstack_tracker", default=None)
_of_process: ExperimentTracker | None = None


def current_tracker() -> ExperimentTracker | None:
    """The tracker in whose run the step is whose code runs here; None outside of such a step."""
    return _here.get() or _of_process


def track_in_process(tracker: ExperimentTracker, run_id: str) -> None:
    """Make a tracker's run the current one of this process, which runs the code of one step only."""
    global _of_process
    tracker.attach(run_id)
    _of_process = tracker


def check_tracker(step: Step, tracker: ExperimentTracker | None) -> None:
    """Raises ConfigError when `step` asks for another tracker than `tracker`, which is the active stack's own."""
    wanted = step.settings.tracker
    if wanted is None or (tracker is not None and wanted in ("", tracker.name)):
        return
    what = f"Step {step.name!r} asks for " + (
        f"the experiment tracker {wanted!r}" if wanted else "an experiment tracker"
    )
    if tracker is None:
        raise ConfigError(
            f"{what}, but the active stack has none.",
            "Register one: mlstack component register experiment_tracker NAME --flavor mlflow",
        )
    raise ConfigError(f"{what}; the active stack's tracker is {tracker.name!r}.", f"Ask for {tracker.name!r}.")


@contextmanager
def tracked(
    step: Step, tracker: ExperimentTracker | None, *, pipeline: str, run_id: str, parameters: Mapping[str, Any]
) -> Iterator[dict[str, str] | None]:
    """Inside the tracker's run when the step asks for one; yields what links to it."""
    check_tracker(step, tracker)
    if step.settings.tracker is None or tracker is None:
        yield None
        return
    before = _here.get()
    with tracker.track(step=step.name, pipeline=pipeline, run_id=run_id, parameters=parameters) as run:
        _here.set(tracker)
        try:
            yield {"name": tracker.name, "run_id": run.run_id, "url": run.url}
        finally:
            _here.set(before)
