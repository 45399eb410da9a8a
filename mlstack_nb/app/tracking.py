"""Where what a step tracks goes: to its experiment tracker, or, where it asks for none, to the metadata of the step."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mlstack_nb.core.notes import Notes, notes
from mlstack_nb.engine.tracking import current_tracker
from mlstack_nb.errors import NotFoundError, UsageError
from mlstack_nb.ports.experiment_tracker import ExperimentTracker

_told: set[tuple[str, str]] = set()


class Tracked(Protocol):
    """What a step tracks with."""

    def params(self, params: Mapping[str, Any]) -> None: ...

    def metrics(self, metrics: Mapping[str, Any], step: int | None) -> None: ...

    def artifact(self, path: Path, folder: str) -> None: ...

    def tags(self, tags: Mapping[str, Any]) -> None: ...


def of_this_step(function: str) -> Tracked:
    """Raises UsageError where no step runs; `function` is what was called, for the error."""
    tracker = current_tracker()
    if tracker is not None:
        return _InTracker(tracker)
    told = notes()
    if told is None:
        raise UsageError(
            f"track.{function}() was called where no step runs.", "Call it in the code of a step: @step, or %%step."
        )
    return _InMetadata(told)


class _InTracker:
    def __init__(self, tracker: ExperimentTracker) -> None:
        self._tracker = tracker

    def params(self, params: Mapping[str, Any]) -> None:
        self._tracker.log_params(_named(params))

    def metrics(self, metrics: Mapping[str, Any], step: int | None) -> None:
        self._tracker.log_metrics(_numbers(metrics), step=step)

    def artifact(self, path: Path, folder: str) -> None:
        self._tracker.log_artifact(_existing(path), folder)

    def tags(self, tags: Mapping[str, Any]) -> None:
        self._tracker.set_tags({name: str(value) for name, value in _named(tags).items()})


class _InMetadata:
    """Each name with its last value; metrics that were given steps with all of them, too, as `NAME by step`."""

    def __init__(self, told: Notes) -> None:
        self._notes = told
        place = (told.run_id, told.step.name)
        if place not in _told:
            _told.add(place)
            sys.stderr.write(
                f"step {told.step.name}: it asks for no experiment tracker; what it tracks is kept as its metadata\n"
            )

    def params(self, params: Mapping[str, Any]) -> None:
        self._notes.own.update({name: _plain(value) for name, value in _named(params).items()})

    def metrics(self, metrics: Mapping[str, Any], step: int | None) -> None:
        found = _numbers(metrics)
        self._notes.own.update(found)
        if step is not None:
            for name, value in found.items():
                self._notes.own.setdefault(f"{name} by step", {})[str(step)] = value

    def artifact(self, path: Path, folder: str) -> None:
        from mlstack_nb.app.runtime import Runtime
        from mlstack_nb.app.saved_artifacts import About, save

        told = self._notes
        name = "::".join((told.pipeline, told.step.name, *filter(None, folder.split("/")), path.name))
        save(Runtime.here(), _existing(path), name, About())

    def tags(self, tags: Mapping[str, Any]) -> None:
        self._notes.own.update({name: str(value) for name, value in _named(tags).items()})


def _named(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises UsageError unless it is values by name."""
    given: Any = values
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name for name in given):
        raise UsageError(f"{given!r} is not values by name.", 'Give a mapping: {"depth": 8}')
    return given


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """As plain numbers, also those of numpy and torch. Raises UsageError for what is none."""
    found = {}
    for name, value in _named(metrics).items():
        try:
            found[name] = value if type(value) in (int, float) else float(value)
        except (TypeError, ValueError, OverflowError):
            raise UsageError(
                f"Metric {name!r} is {value!r}, which is no number.",
                f"Track it as a parameter: log_param({name!r}, ...)",
            ) from None
    return found


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError(f"There is no file {str(path)!r} to track.", "Write it first, or correct its path.")
    return path
