"""Runs told as events, the way the engine tells them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.catalog.database import Catalog
from mlstack_nb.catalog.recorder import Recorder
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.digest import digest
from mlstack_nb.core.events import RunEnded, RunStarted, StepEnded, StepStarted
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Reason, Run, State, StepRun
from mlstack_nb.core.stack import Stack
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step


def artifact_of(value: Any, name: str) -> Artifact:
    return Artifact(
        name=name,
        type="builtins.int",
        materializer="somewhere:Json",
        digest=digest(value),
        size_bytes=1,
        inline=repr(value),
        metadata={"value": value},
        preview={"text/plain": repr(value)},
    )


@dataclass
class Story:
    """A run of pipeline `p`: a chain of steps, each reading output `y` of the one before as its input `x`."""

    recorder: Recorder
    id: str
    names: tuple[str, ...] = ("load", "train")
    steps: list[StepRun] = field(default_factory=list)

    def begin(self, **changes: Any) -> Run:
        self.run = Run(self.id, "p", "default", State.RUNNING, time.time(), parameters={"depth": 3})
        self.run = replace(self.run, **changes)
        before = (None, *self.names)
        steps = tuple(
            Step(name, {"x": FromStep(previous, "y")} if previous else {}, (Output("y"),), Fingerprint("f"))
            for previous, name in zip(before, self.names, strict=False)
        )
        self.recorder(RunStarted(self.run, Plan(self.id, "p", Stack("default", ()), steps)))
        return self.run

    def start(self, step: str, *, value: Any = 1, **changes: Any) -> StepRun:
        began = self._step(step, value, State.RUNNING, **changes)
        self.recorder(StepStarted(began))
        return began

    def execute(self, step: str, *, value: Any = 1, name: str = "", **changes: Any) -> StepRun:
        """One execution that makes `value`; `changes` are for the step run as it ends."""
        began = self.start(step, value=value, key=changes.get("key", f"key of {step}"))
        outputs = {"y": artifact_of(value, name or f"p::{step}::y")}
        return self.end(began, **{"outputs": outputs, "state": State.COMPLETED, **changes})

    def reuse(self, step: str, *, value: Any = 1, name: str = "", **changes: Any) -> StepRun:
        outputs = {"y": artifact_of(value, name or f"p::{step}::y")}
        began = self._step(step, value, State.RUNNING)
        return self.end(began, **{"outputs": outputs, "state": State.CACHED, "saved_s": 2.5, "reason": None, **changes})

    def end(self, began: StepRun, **changes: Any) -> StepRun:
        ended = replace(began, ended_at=time.time(), **changes)
        self.steps.append(ended)
        self.recorder(StepEnded(ended))
        return ended

    def finish(self, state: State = State.COMPLETED) -> Run:
        self.run = replace(self.run, state=state, ended_at=time.time(), steps=tuple(self.steps))
        self.recorder(RunEnded(self.run))
        return self.run

    def _step(self, step: str, value: Any, state: State, **changes: Any) -> StepRun:
        first = step == self.names[0]
        began = StepRun(
            self.id,
            step,
            state,
            key=f"key of {step}",
            started_at=time.time(),
            fingerprint={"body": "b", "function clean": "c"},
            inputs={} if first else {"x": digest(value)},
            parameters={"rate": 0.5},
            reason=Reason.NO_ENTRY,
            code="f" * 64,
        )
        return replace(began, **changes)


Tell = Callable[..., Story]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    opened = Catalog.open(path)
    yield opened
    opened.close()


@pytest.fixture
def recorder(catalog: Catalog) -> Recorder:
    return Recorder(catalog)


@pytest.fixture
def tell(recorder: Recorder) -> Tell:
    """A story by the fixture's recorder, or another's."""

    def make(run_id: str, *, by: Recorder = recorder, names: tuple[str, ...] = ("load", "train")) -> Story:
        return Story(by, run_id, names)

    return make
