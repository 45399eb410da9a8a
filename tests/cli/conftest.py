"""The command line as a person uses it: words in; exit code, standard output and standard error out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli import main
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import Run
from mlstack_nb.core.step import Fingerprint, FromStep, Output, Step


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)


Mlstack = Callable[..., Done]


@pytest.fixture
def mlstack(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Mlstack:
    def run(*words: object) -> Done:
        code = main.run([str(word) for word in words])
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def ran(workspace: Path) -> Callable[..., Run]:
    """Runs a pipeline of two steps on the local stack; the second divides, by zero when told so."""

    def run(divisor: int = 1) -> Run:
        steps = (
            Step("load", {}, (Output("numbers", "numbers"),), Fingerprint("a" * 64)),
            Step("total", {"items": FromStep("load", "numbers")}, (Output("sum"),), Fingerprint("b" * 64)),
        )
        bodies = {
            "load": lambda _inputs: {"numbers": [1, 2, 3]},
            "total": lambda inputs: {"sum": sum(inputs["items"]) // divisor},
        }
        runtime = Runtime.current(workspace=Workspace(workspace))
        return runtime.execute(Pipeline("adding", steps, {"depth": 3}), bodies)[0]

    return run
