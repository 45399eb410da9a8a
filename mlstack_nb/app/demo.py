"""The demo: a fraud-detection notebook on real data, run, run again from the cache, and moved to another stack."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.wording import artifact_line, duration
from mlstack_nb.app.workspace import FOLDER, Workspace
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.run import LAST
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import NotFoundError, StepError
from mlstack_nb.ports.registry import missing_package

NOTEBOOK = "fraud_detection.ipynb"
STACKS = ("local-mlflow", "second-local")
TRACKER = "mlflow_tracker"

Say = Callable[[str], None]


def main(folder: Path, *, say: Say = print) -> None:
    """Set up `folder` as a project with a workspace of its own, and run its notebook three times.

    What is there already stays: an edited notebook is run as it is. Raises StepError when a step fails.
    """
    folder = folder.absolute()
    _check_packages()
    workspace = prepare(folder)
    first, second = STACKS
    say(f"A notebook with five %%step cells, and its own workspace, in {_short(folder)}")
    stacks.activate(workspace, first)
    _run(folder, workspace, f"1. Run it on the stack {first!r}: local, with an embedded MLflow", say)
    _run(folder, workspace, "2. Run it again: nothing has changed, so every step comes from the cache", say)
    stacks.activate(workspace, second)
    _run(folder, workspace, f"3. %stack set {second}: another store, the same cells, not one character changed", say)
    stacks.activate(workspace, first)
    say("")
    say("Next:")
    say(f"  make lab      opens {_short(folder / NOTEBOOK)} in JupyterLab")
    say(f"  cd {_short(folder)} && {_command(folder)} runs list      what was run; `artifacts list`: what was made")


def prepare(folder: Path) -> Workspace:
    """The demo project: notebook, data, workspace and two stacks. Does nothing that is done already."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / NOTEBOOK).exists():
        shutil.copy(_shipped(), folder / NOTEBOOK)
    write_features(folder / "data" / "features.parquet")
    workspace = Workspace(folder / FOLDER)
    workspace.ensure()
    for name in STACKS:
        _stack(workspace, name, store=str(folder / FOLDER / name))
    if not workspace.stored_stack_name():
        stacks.activate(workspace, STACKS[0])
    return workspace


def _check_packages() -> None:
    """Raises MissingPackageError before anything runs: the notebook's own imports would fail in the middle."""
    if find_spec("mlflow") is None:
        raise missing_package("The demo", ModuleNotFoundError(name="mlflow"), "demo")


def _stack(workspace: Workspace, name: str, *, store: str) -> None:
    known = {stack["name"] for stack in stacks.list_all(workspace)}
    if name in known:
        return
    components.register(workspace, Kind.ARTIFACT_STORE, name, flavor="local", configuration={"path": store})
    try:
        components.describe(workspace, Kind.EXPERIMENT_TRACKER, TRACKER)
    except NotFoundError:
        components.register(workspace, Kind.EXPERIMENT_TRACKER, TRACKER, flavor="mlflow", configuration={})
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: name, Kind.EXPERIMENT_TRACKER: TRACKER}
    stacks.register(workspace, name, parts)


def _run(folder: Path, workspace: Workspace, title: str, say: Say) -> None:
    """Execute the notebook in a new kernel and print its run."""
    say("")
    say(title)
    began = time.monotonic()
    _execute(folder)
    run = runs.show(workspace, LAST)
    for line in _table(run["steps"]):
        say(f"   {line}")
    say(f"   {time.monotonic() - began:.1f} s with the start of the kernel; run {run['id']}")


def _execute(folder: Path) -> None:
    # importing papermill takes a second or two
    import papermill
    from papermill.exceptions import PapermillExecutionError

    # the kernel takes the active stack from the demo's workspace, whatever this shell has set
    for variable in ("MLSTACK_STACK", "MLSTACK_WORKSPACE"):
        os.environ.pop(variable, None)
    executed = folder / "executed" / NOTEBOOK
    executed.parent.mkdir(exist_ok=True)
    try:
        papermill.execute_notebook(
            folder / NOTEBOOK,
            executed,
            cwd=folder,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            # without it each kernel writes a warning about its transport, which is this machine's loopback
            extra_arguments=["--log-level=ERROR"],
        )
    except PapermillExecutionError as error:
        raise StepError(
            f"The demo notebook failed in cell {error.exec_count}: {error.ename}: {error.evalue}",
            f"Open {executed} to see where.",
        ) from error


def _table(steps: list[dict[str, Any]]) -> list[str]:
    rows = [("step", "state", "time", "artifacts")]
    rows += [(step["step"], step["state"], _time(step), _artifacts(step["outputs"])) for step in steps]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]


def _time(step: dict[str, Any]) -> str:
    if step["state"] == "cached":
        return f"saved {duration(step['saved_s'])}"
    return duration(step["duration_s"])


def _artifacts(outputs: dict[str, Any]) -> str:
    return ", ".join(artifact_line(Artifact.from_json(artifact), name) for name, artifact in outputs.items())


def _shipped() -> Path:
    """The notebook as it came: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parent.parent
    beside = package.parent / "notebooks" / NOTEBOOK
    return beside if beside.exists() else package / "notebooks" / NOTEBOOK


def _command(folder: Path) -> str:
    """How `mlstack` is called from `folder`: by its path where the environment is not activated."""
    beside = Path(sys.executable).with_name("mlstack")
    return "mlstack" if shutil.which("mlstack") or not beside.exists() else os.path.relpath(beside, folder)


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def write_features(path: Path) -> Path:
    """Write the breast-cancer table of UCI, which scikit-learn ships, as Parquet to `path`; the same bytes each time.

    569 rows: `user_id` counts from 1, `feature_1` to `feature_30` are float64 in the order of scikit-learn's
    `feature_names`, `label` is 1 for the rarer class (malignant, 212 rows). Raises MissingPackageError without
    scikit-learn.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ModuleNotFoundError as error:
        raise missing_package("The demo", error, "demo") from error

    data, target = load_breast_cancer(return_X_y=True, as_frame=True)
    data.columns = [f"feature_{number}" for number in range(1, data.shape[1] + 1)]
    data.insert(0, "user_id", range(1, len(data) + 1))
    data["label"] = 1 - target
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    data.to_parquet(staged, index=False)
    return staged.replace(path)
