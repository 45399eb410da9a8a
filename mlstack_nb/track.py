"""What a step's code tells an experiment tracker, whichever the stack has; nothing here names a tool.

    from mlstack_nb import track

    track.log_params({"depth": 8})
    track.log_metric("accuracy", 0.93)

It lands in the run that the tracker has for the step. Where the step asks for no tracker, it is kept as metadata of the
step, and files as artifacts: `mlstack runs show` tells of them, and `mlstack runs diff` compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlstack_nb.app import tracking

__all__ = ["log_artifact", "log_metric", "log_metrics", "log_param", "log_params", "set_tags"]


def log_param(name: str, value: Any) -> None:
    """One parameter; see `log_params`."""
    log_params({name: value})


def log_params(params: Mapping[str, Any]) -> None:
    """What the step was done with. Raises UsageError outside of a step, ConfigError where the tracker refuses."""
    tracking.of_this_step("log_params").params(params)


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """One metric; see `log_metrics`."""
    log_metrics({name: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """What came out. `step` counts epochs or the like: with it each value is kept, and the last one counts.

    Raises UsageError outside of a step and for what is no number, ConfigError where the tracker refuses.
    """
    tracking.of_this_step("log_metrics").metrics(metrics, step)


def log_artifact(path: str | Path, folder: str = "") -> None:
    """A file or a folder, below `folder` in the tracker's run. Raises UsageError outside of a step, NotFoundError."""
    tracking.of_this_step("log_artifact").artifact(Path(path), folder)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Words by which the tracker's run is found again. Raises UsageError outside of a step, ConfigError."""
    tracking.of_this_step("set_tags").tags(tags)
