"""The experiment tracker: records parameters and metrics of a step in a tool of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mlstack_nb.core.stack import Kind
from mlstack_nb.ports.component import StackComponent


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """`run_id` in the tracker's own words; `url` opens it; for an embedded tracker it is what its viewer takes."""

    run_id: str
    url: str = ""


class ExperimentTracker(StackComponent, ABC):
    kind: ClassVar[Kind] = Kind.EXPERIMENT_TRACKER

    @abstractmethod
    def track(
        self, *, step: str, pipeline: str, run_id: str, parameters: Mapping[str, Any]
    ) -> AbstractContextManager[TrackedRun]:
        """Enter: a tracker run named `step` is current, so that the tool's own calls in the step land in it.

        Exit: it is finished, or marked failed when the block raised. What was current before is current again.
        """

    @abstractmethod
    def attach(self, run_id: str) -> None:
        """Make a tracker run that another process entered the current one of this process, for as long as it lives.

        For a step that runs in a kernel of its own; the process that entered it finishes it.
        """

    @abstractmethod
    def log_params(self, params: Mapping[str, Any]) -> None:
        """Add parameters to the current run. This and the next three raise ConfigError where the tracker refuses."""

    @abstractmethod
    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Add values of metrics to the current run; those of one metric with other steps are its history."""

    @abstractmethod
    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Copy a file, or a folder with all below it, to the current run, there below `folder`."""

    @abstractmethod
    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Tag the current run."""

    @abstractmethod
    def metrics(self, run_id: str) -> dict[str, float]:
        """The last value of each metric in a tracker run. Raises ConfigError where that can not be reached."""
