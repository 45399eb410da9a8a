"""Run as a process of its own: kills a run at its k-th change to the disk, for every k, and runs it again.

Prints one JSON line for each k. Children are forked after the imports, so that each costs milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from mlstack_nb import pipeline, step
from mlstack_nb.app import runs
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.workspace import Workspace

CHANGES = ("open", "write", "mkdir", "rename", "replace", "link", "unlink", "chmod")


@step
def numbers(start: int) -> np.ndarray:
    return np.arange(start, start + 100_000.0)


@step
def total(values: np.ndarray) -> float:
    return float(values.sum())


@pipeline(name="sums")
def sums(start: int):
    total(numbers(start))


EXPECTED = float(np.arange(7, 100_007.0).sum())


def die_at(change: int) -> None:
    """SIGKILL this process just before its `change`-th call that changes the disk."""
    counted = 0

    def counting(name, real):
        def call(*args, **kwargs):
            nonlocal counted
            reads = name == "open" and not (len(args) > 1 and args[1] & (os.O_CREAT | os.O_WRONLY))
            counted += not reads
            if counted == change and not reads:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for name in CHANGES:
        setattr(os, name, counting(name, getattr(os, name)))


def in_child(work) -> int:
    """Run `work` in a forked process; returns its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (a forked child must not return into pytest)
            print(f"child: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def again(report: Path) -> None:
    before = [run["state"] for run in runs.list_all(Workspace.find())]
    pipelines, bodies = sums.build(7)
    execution = Runtime.current().execution(pipelines, bodies)
    run = execution.run()
    store = Path(".mlstack/store")
    report.write_text(
        json.dumps(
            {
                "before": before,
                "states": [step.state.value for step in run.steps],
                "total": execution.results["total"].outputs["output"].get(),
                "left": sorted(path.name for path in (store / "staging").iterdir()),
                "objects": len(list((store / "objects").glob("*/*"))),
            }
        )
    )


def main(folder: Path) -> None:
    for change in range(1, 1000):
        workspace = folder / str(change)
        (workspace / ".mlstack").mkdir(parents=True)
        os.chdir(workspace)
        in_child(lambda: Workspace.find().catalog)  # the catalog is made before, by somebody else

        def crash(change=change):
            die_at(change)
            sums(7)

        status = in_child(crash)
        if not os.WIFSIGNALED(status):
            print(json.dumps({"done": change, "exit": os.waitstatus_to_exitcode(status)}))
            return
        report = workspace / "report.json"
        status = in_child(lambda report=report: again(report))
        print(
            json.dumps({"change": change, "exit": os.waitstatus_to_exitcode(status), **json.loads(report.read_text())})
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
