"""Steps that are functions, each in a process of its own: `python -m mlstack_nb.app.process_steps FOLDER` is one.

The folder is private and passes files: `call`, a pickle of the function with what it is called with, `kept` with the
artifacts that it gave, `told` with what it told of itself, and `failure`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import STACK_VARIABLE, WORKSPACE_VARIABLE
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.hooks import NO_HOOKS
from mlstack_nb.core.notes import Notes, take_notes_in_process
from mlstack_nb.core.run import Failure
from mlstack_nb.core.step import Body, Produced, Step
from mlstack_nb.engine.awaiting import awaited
from mlstack_nb.engine.environment import in_environment, variables_of
from mlstack_nb.engine.mapping import running_item
from mlstack_nb.engine.masking import failure_of
from mlstack_nb.engine.saving import noted, save_outputs
from mlstack_nb.engine.tracking import track_in_process
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import FailedElsewhereError, StepTimeoutError

if TYPE_CHECKING:
    from mlstack_nb.engine.calls import Handed

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """Bodies for the steps of one run; when `stop` is set, what runs is ended."""

    runtime: Runtime
    pipeline: str
    stop: threading.Event

    def body(self, step: Step, function: Body) -> Body:
        def run(inputs: dict[str, Any]) -> Produced:
            with tempfile.TemporaryDirectory(prefix="mlstack-step-") as scratch:
                item = running_item.get()
                return self._run(step if item is None else item.step, function, inputs, Path(scratch))

        return run

    def _run(self, step: Step, function: Body, inputs: dict[str, Any], folder: Path) -> Produced:
        import cloudpickle  # type: ignore[import-untyped]

        given = {name: value.artifact for name, value in inputs.items() if isinstance(value, Value)}
        plain = {name: value for name, value in inputs.items() if name not in given}
        shape = (step.name, step.outputs, replace(step.settings, hooks=NO_HOOKS))
        handed = cast("Handed", inputs)
        place = (handed.notes.run_id, self.pipeline, handed.tracker)
        (folder / "call").write_bytes(cloudpickle.dumps((function, shape, given, plain, place)))
        self._wait(step, self._started(folder))
        if (folder / "told").exists():
            handed.notes.own.update(json.loads((folder / "told").read_text()))
        if (folder / "failure").exists():
            failure = Failure(**json.loads((folder / "failure").read_text()))
            what = f"{failure.type}: {failure.message}\n{failure.traceback.rstrip()}"
            raise FailedElsewhereError(what, "Mend the function, and run it again.", failure)
        if not (folder / "kept").exists():
            raise FailedElsewhereError(
                f"The process of step {step.name!r} ended without a word.",
                "Look for what ends the process in it: os._exit(), a crash of compiled code, too little memory.",
                Failure("ProcessEnded", "the process of the step ended"),
            )
        kept = json.loads((folder / "kept").read_text())
        codec = self.runtime.engine.codec
        return Produced({name: Value(Artifact.from_json(one), codec) for name, one in kept.items()})

    def _started(self, folder: Path) -> subprocess.Popen[str]:
        variables = {
            WORKSPACE_VARIABLE: str(self.runtime.workspace.root.absolute()),
            STACK_VARIABLE: self.runtime.stack.name,
            "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
            "PYTHONUNBUFFERED": "1",
        }
        return subprocess.Popen(  # noqa: S603 - this module, with a folder of our own
            [sys.executable, "-m", __name__, str(folder)],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def _wait(self, step: Step, process: subprocess.Popen[str]) -> None:
        """Print what it prints until it ends. Raises StepTimeoutError, or KeyboardInterrupt when all is to stop."""
        watch = _Watch(process, self.stop, step.settings.timeout_s)
        watch.start()
        try:
            with process:
                for line in process.stdout or ():
                    sys.stdout.write(line)
        finally:
            process.kill()
            watch.join()
        if watch.is_stopped:
            raise KeyboardInterrupt
        if watch.is_late:
            what = f"Step {step.name!r} ran longer than its timeout of {step.settings.timeout_s:g} s."
            raise StepTimeoutError(what, "Give it more time: timeout_s=SECONDS of its @step.")


class _Watch(threading.Thread):
    """Kills a process when `stop` is set, or its time is up."""

    def __init__(self, process: subprocess.Popen[str], stop: threading.Event, limit_s: float | None) -> None:
        super().__init__(daemon=True)
        self.is_stopped = self.is_late = False
        self._process = process
        self._stop_all = stop
        self._deadline = None if limit_s is None else time.monotonic() + limit_s

    def run(self) -> None:
        while self._process.poll() is None:
            self.is_stopped = self._stop_all.wait(POLL_S)
            self.is_late = self._deadline is not None and time.monotonic() > self._deadline
            if self.is_stopped or self.is_late:
                self._process.kill()
                return


def main(folder: Path) -> int:
    """Carry out the call in `folder`."""
    import cloudpickle

    try:
        called = cloudpickle.loads((folder / "call").read_bytes())
        function, (name, outputs, settings), given, plain, (run_id, pipeline, link) = called
        engine = Runtime.current().engine
        codec, shape = engine.codec, _shape(name, outputs, settings)
        read = {key: Value(artifact, codec) for key, artifact in given.items()}
        inputs = {key: value.get() for key, value in read.items()}
        if link is not None and engine.tracker is not None:
            track_in_process(engine.tracker, link["run_id"])
        told = Notes(run_id, pipeline, shape, inputs=read)
        take_notes_in_process(told)
        try:
            with in_environment(variables_of(shape, engine.secret_of)):
                produced = awaited(function({**inputs, **plain}))
        finally:
            (folder / "told").write_text(json.dumps(told.own))
        values = save_outputs(shape, Produced.of(produced).names, codec, pipeline=pipeline)
        values = {key: noted(key, value, told) for key, value in values.items()}
        (folder / "kept").write_text(json.dumps({key: value.artifact.to_json() for key, value in values.items()}))
    except BaseException as error:  # noqa: BLE001 - it is raised again in the process that waits
        (folder / "failure").write_text(json.dumps(asdict(failure_of(error))))
        return 1
    return 0


def _shape(name: str, outputs: Any, settings: Any) -> Step:
    from mlstack_nb.core.step import Fingerprint

    return Step(name, {}, outputs, Fingerprint(""), settings)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
