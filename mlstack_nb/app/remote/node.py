"""One step of a run, on a node: needs the store, and nothing else of where the run was submitted.

The project's files are unpacked into a folder of the node's own, with a workspace that has the run's stack. There the
target is compiled again, so that the step's key tells what really runs here: this code, with this node's packages.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.launch import Launch, prepare
from mlstack_nb.app.names import check_name
from mlstack_nb.app.remote.asides import aside_of
from mlstack_nb.app.remote.code import unpack_code
from mlstack_nb.app.remote.earlier import Recall
from mlstack_nb.app.remote.submission import RUN_VARIABLE, STORE_VARIABLE, Submission, stack_of
from mlstack_nb.app.request import Request
from mlstack_nb.app.secrets import SecretSource, resolved
from mlstack_nb.app.workspace import FOLDER, STACK_VARIABLE, WORKSPACE_VARIABLE, Workspace
from mlstack_nb.catalog import stacks as rows
from mlstack_nb.core.events import Event, RunStarted, StepEnded, StepStarted
from mlstack_nb.core.run import REMOTE, Run, State, StepRun
from mlstack_nb.core.stack import Kind, Stack
from mlstack_nb.core.step import Step
from mlstack_nb.engine.masking import failure_of
from mlstack_nb.engine.store import Store
from mlstack_nb.errors import ConfigError
from mlstack_nb.flavors import registry

if TYPE_CHECKING:
    from mlstack_nb.app.runtime import Runtime
    from mlstack_nb.app.step_output import Show


def run_node(run_id: str, step: str, *, show: Show) -> tuple[State, BaseException | None]:
    """Run a step and leave its record in the store; returns how it ended, and what it raised. `show` gets its text.

    Raises ConfigError or NotFoundError where the run can not be found, and StoreError.
    """
    with tempfile.TemporaryDirectory(prefix="mlstack-node-") as folder, _back_afterwards():
        store = _store(Path(folder))
        run_id = _own_run(store, run_id)
        if (done := store.step(run_id, step)) is not None and done.state.is_good:
            return done.state, None  # an engine that lost the word of it asks again
        try:
            launch = _launch(store, run_id, Path(folder))
            return _run(launch, step, store, show)
        except Exception as error:
            if (known := store.step(run_id, step)) is None or not known.state.is_final:
                now = time.time()
                failed = StepRun(run_id, step, State.FAILED, started_at=now, ended_at=now, failure=failure_of(error))
                store.put_step(failed)
            raise


def _run(launch: Launch, step: str, store: Store, show: Show) -> tuple[State, BaseException | None]:
    names = [one.name for one in launch.pipeline.ordered()]
    ended = {name: found for name in names if name != step and (found := store.step(launch.request.run_id, name))}
    if _is_not_to_run(launch, step, ended):
        now = time.time()
        store.put_step(StepRun(launch.request.run_id, step, State.SKIPPED, started_at=now, ended_at=now))
        return State.SKIPPED, None
    recorded = _Records(store, launch.request.run_id, step, launch.runtime)
    state, errors = launch.run_one(step, ended, recorded, show)
    return state, errors.get(step)


def _is_not_to_run(launch: Launch, step: str, ended: Mapping[str, StepRun]) -> bool:
    """Engines see exit codes; that a step was skipped is told by its record."""
    needs = launch.pipeline.step(step).needs
    if any(name in ended and ended[name].state.is_final and not ended[name].state.is_good for name in needs):
        return True
    return launch.request.fail_fast and any(found.state is State.FAILED for found in ended.values())


class _Records:
    """Listens to the one step, and keeps its record in the store up to date; attempts are counted across processes."""

    def __init__(self, store: Store, run_id: str, step: str, runtime: Runtime) -> None:
        before = store.step(run_id, step)
        self._runtime = runtime
        self._attempt = before.attempt + 1 if before is not None else 1
        self._store = store

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._store.put_step(replace(event.step, attempt=self._attempt))
        elif isinstance(event, StepEnded):
            self._runtime.recorder.flush()
            aside = aside_of(self._runtime.catalog, event.step.run_id, event.step.step)
            self._store.put_step(replace(event.step, attempt=self._attempt, aside=aside))


def _launch(store: Store, run_id: str, folder: Path) -> Launch:
    """The run as it was asked for, prepared from the files that travelled; the process works among them from now on."""
    submission = Submission.read(store, run_id)
    code = folder / "code"
    code.mkdir()
    unpack_code(store, submission.code, code)
    _settle(folder / "workspace" / FOLDER, stack_of(submission.stack))
    here = code / submission.folder  # an empty folder does not travel
    here.mkdir(parents=True, exist_ok=True)
    os.chdir(here)
    plan = store.plan(run_id)
    request = replace(Request.from_json(plan.launch), run_id=run_id, stack=plan.stack.name)
    is_file = submission.target.partition(":")[0].endswith((".py", ".ipynb"))
    target = str(code / submission.target) if is_file else submission.target
    launch = prepare(replace(request, target=target))
    runtime = launch.runtime
    runtime.engine = replace(runtime.engine, recall=Recall(runtime, run_id, submission.recalled))
    steps = tuple(map(_once, launch.pipeline.steps))  # the engine tries again
    launch = replace(launch, pipeline=replace(launch.pipeline, steps=steps))
    run = Run(run_id, plan.pipeline, plan.stack.name, State.RUNNING, time.time(), mode=REMOTE)
    launch.runtime.engine.emit(RunStarted(run, plan))
    return launch


def _once(step: Step) -> Step:
    return replace(step, settings=replace(step.settings, retries=0))


def _settle(root: Path, stack: Stack) -> None:
    """Make the workspace, with that stack in it, and let this process and what it starts use them."""
    workspace = Workspace(root)
    with workspace.catalog.write() as connection:
        for part in stack.components:
            known = rows.find_component(connection, part.kind, part.name)
            (rows.change_component if known else rows.add_component)(connection, part)
        rows.put_stack(connection, stack)
    workspace.close()
    os.environ[WORKSPACE_VARIABLE] = str(root)
    os.environ[STACK_VARIABLE] = stack.name


def _store(folder: Path) -> Store:
    """The store that the environment names."""
    text = os.environ.get(STORE_VARIABLE)
    if text is None:
        raise ConfigError(
            f"This node does not know the run's store: {STORE_VARIABLE} is not set.",
            f'Set it to JSON: {STORE_VARIABLE}=\'{{"flavor": "local", "configuration": {{"path": ...}}}}\'',
        )
    try:
        data: dict[str, Any] = json.loads(text)
        flavor = registry().load(Kind.ARTIFACT_STORE, data["flavor"])
        given = resolved(data.get("configuration", {}), SecretSource(), place=STORE_VARIABLE)
        configuration = flavor.Config(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{STORE_VARIABLE} does not describe an artifact store: {error}.", "See docs/orchestrators.md"
        ) from error
    return Store(flavor(data.get("name", "store"), configuration, folder / FOLDER))


def _own_run(store: Store, run_id: str) -> str:
    """The id of the run that this node is in; one that an engine began by itself gets the plan that was submitted."""
    own = os.environ.get(RUN_VARIABLE) or run_id
    if own != run_id:
        check_name("run", own)
        plan = json.loads(store.files.read(f"runs/{run_id}/plan.json"))
        store.files.write(f"runs/{own}/plan.json", json.dumps({**plan, "run_id": own}).encode(), if_absent=True)
        replace(Submission.read(store, run_id), run_id=own).write(store)
    return own


@contextmanager
def _back_afterwards() -> Iterator[None]:
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)
