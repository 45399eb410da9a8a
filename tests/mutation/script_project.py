"""Running the `main` of a project's `script.py`, fresh from its file."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from live import Project, forget_modules

from mlstack_nb.core.run import Run, State, StepRun


def run_main(project: Project) -> dict[str, StepRun]:
    """Import the script anew, as a new process would, and run its pipeline."""
    forget_modules(project.folder)
    main = importlib.import_module("script").main
    run: Run = main()
    return {step.step: step for step in run.steps}


def executed(runs: Mapping[str, StepRun]) -> list[str]:
    return sorted(name for name, run in runs.items() if run.state is State.COMPLETED)
