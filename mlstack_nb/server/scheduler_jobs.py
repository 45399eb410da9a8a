"""Jobs of jupyter-scheduler on our stacks: what it asks for environments, what it starts, and how that is stopped.

Other environments are jupyter-scheduler's own business, and stay so. Imported only where it is installed.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
from jupyter_scheduler.environments import CondaEnvironmentManager
from jupyter_scheduler.exceptions import SchedulerError
from jupyter_scheduler.executors import DefaultExecutionManager
from jupyter_scheduler.models import RuntimeEnvironment, Status
from jupyter_scheduler.orm import Job
from jupyter_scheduler.scheduler import Scheduler
from traitlets import Type

from mlstack_nb.app import stacks
from mlstack_nb.app.request import Request
from mlstack_nb.app.runtime import new_run_id
from mlstack_nb.app.workspace import DEFAULT, WORKSPACE_VARIABLE, Workspace
from mlstack_nb.errors import MlstackError, NotFoundError, StepError

if TYPE_CHECKING:
    from mlstack_nb.app.notebooks.compiled import CompiledNotebook
    from mlstack_nb.core.run import Run
    from mlstack_nb.server.site import Site

PREFIX = "stack: "
NOTEBOOK, RUN = "notebook", "run"
"""What is kept with a job beside its environment: the notebook's path, which jupyter-scheduler forgets, and our run."""
LONGEST_MESSAGE = 1000
_log = logging.getLogger(__name__)


def stack_of(environment: str | None) -> str | None:
    """The stack that an environment is; None for one that is none of ours."""
    return environment.removeprefix(PREFIX) if environment and environment.startswith(PREFIX) else None


def environments_of(site: Callable[[], Site]) -> type[CondaEnvironmentManager]:
    """jupyter-scheduler's environments, and the stacks of the workspaces that the server knows then."""

    class StackEnvironments(CondaEnvironmentManager):
        def list_environments(self) -> list[RuntimeEnvironment]:
            return [*super().list_environments(), *_environments(site())]

    return StackEnvironments


def _environments(site: Site) -> Iterator[RuntimeEnvironment]:
    described = {DEFAULT: "what every workspace has"}
    for workspace in (site.workspace(), *site.workspaces()):
        try:
            found = stacks.list_all(workspace) if workspace.root.is_dir() else []
        except MlstackError as error:
            _log.warning("mlstack_nb: the stacks of %s can not be listed: %s", workspace.root, error)
            continue
        described |= {one["name"]: ", ".join(f"{k} {v}" for k, v in one["components"].items()) for one in found}
    for name, components in described.items():
        label = f"{PREFIX}{name}"  # the dialog takes one for the other, so the name is the same
        told = f"mlstack runs it on its stack {name}: {components}"
        yield RuntimeEnvironment(
            name=label, label=label, description=told, file_extensions=["ipynb"], output_formats=["ipynb", "html"]
        )


class StackJob(DefaultExecutionManager):
    """One job, in a process of its own. On a stack it is `mlstack run`, in the folder and workspace of its notebook."""

    _is_stopped = False

    @property
    def _stack(self) -> str | None:
        return stack_of(self.model.runtime_environment_name)

    def before_start(self) -> None:
        if self._stack is not None:
            signal.signal(signal.SIGTERM, _interrupt)
        super().before_start()

    def execute(self) -> None:
        """Raises StepError for a run that does not end well, and what preparing one raises."""
        if self._stack is None:
            super().execute()
            return
        kept = self.model.runtime_environment_parameters or {}
        if NOTEBOOK not in kept:
            raise NotFoundError("It is not known where the notebook of this job stands.", "Create the job anew.")
        target, run_id = Path(kept[NOTEBOOK]), kept.get(RUN) or new_run_id()
        if not target.parent.is_dir():
            raise NotFoundError(f"The folder {target.parent} of the job's notebook is gone.", "Create the job anew.")
        try:
            with chdir(target.parent):
                self._run(Request(str(target), texts=self.model.parameters or {}, stack=self._stack, run_id=run_id))
        except KeyboardInterrupt:
            self._is_stopped = True
            raise StepError("The job was stopped.", f"Go on where it ended: mlstack resume {run_id}") from None

    def _run(self, request: Request) -> None:
        from mlstack_nb.app.cancelling import cancel
        from mlstack_nb.app.snapshots import prepare_snapshot

        workspace = Workspace.find()
        os.environ[WORKSPACE_VARIABLE] = str(workspace.root.absolute())
        snapshot = Path(self.staging_paths["input"])
        launch, notebook = prepare_snapshot(request, snapshot)
        try:
            run, errors = launch.run(lambda _event: None, lambda _step, _text: None)
        except KeyboardInterrupt:
            if launch.is_remote:  # only the watching has ended
                cancel(workspace, launch.request.run_id)
            raise
        self._leave_outputs(snapshot.read_bytes(), notebook, run, workspace=workspace)
        if errors:
            raise _failed(run, errors)

    def _leave_outputs(self, content: bytes, notebook: CompiledNotebook, run: Run, *, workspace: Workspace) -> None:
        from mlstack_nb.app.notebooks.executed import as_html
        from mlstack_nb.app.notebooks.filled import filled_notebook

        given = self.model.parameters or {}
        filled = filled_notebook(content, notebook, run, workspace=workspace, given=given)
        for form in self.model.output_formats or ():
            with fsspec.open(self.staging_paths[form], "wb") as file:
                file.write(as_html(filled).encode() if form == "html" else filled)

    def on_failure(self, e: Exception) -> None:
        if self._stack is None or not isinstance(e, MlstackError):
            super().on_failure(e)
            return
        told = f"{e.what} {e.hint}".strip()[:LONGEST_MESSAGE]
        status = Status.STOPPED if self._is_stopped else Status.FAILED
        with self.db_session() as session:
            found = session.query(Job).filter(Job.job_id == self.job_id)
            found.update({"status": status, "status_message": told, "end_time": int(time.time() * 1000)})
            session.commit()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _failed(run: Run, errors: Mapping[str, BaseException]) -> StepError:
    """What each step said, without the lines around: those are in the job's output."""
    told = [f"Step {step!r} failed: {_first_line(error)}" for step, error in errors.items()]
    return StepError(" ".join(told), f"When it is mended, go on with: mlstack resume {run.id}")


def _first_line(error: BaseException) -> str:
    text = error.what if isinstance(error, MlstackError) else f"{type(error).__name__}: {error}"
    line = text.partition("\n")[0]
    return line if line.endswith(".") else f"{line}."


class StackScheduler(Scheduler):
    """Remembers where the notebook of a job on a stack stands, and stops such a job so that its run is cancelled."""

    execution_manager_class = Type(
        default_value=StackJob, klass="jupyter_scheduler.executors.ExecutionManager", allow_none=True, config=True
    )

    def create_job(self, model: Any) -> str:
        if stack_of(model.runtime_environment_name) is not None:
            kept = dict(model.runtime_environment_parameters or {})
            if not model.job_definition_id:  # else its definition knows, and what it gives is a copy
                kept = self._kept(model)
            model.runtime_environment_parameters = {**kept, RUN: new_run_id()}
        job_id: str = super().create_job(model)
        return job_id

    def create_job_definition(self, model: Any) -> str:
        if stack_of(model.runtime_environment_name) is not None:
            model.runtime_environment_parameters = self._kept(model)
        definition_id: str = super().create_job_definition(model)
        return definition_id

    def update_job_definition(self, job_definition_id: str, model: Any) -> None:
        if model.input_uri:
            known = self.get_job_definition(job_definition_id)
            if stack_of(model.runtime_environment_name or known.runtime_environment_name) is not None:
                model.runtime_environment_parameters = {NOTEBOOK: self._place(model.input_uri)}
        super().update_job_definition(job_definition_id, model)

    def stop_job(self, job_id: str) -> None:
        job = self.get_job(job_id, job_files=False)
        if stack_of(job.runtime_environment_name) is None:
            super().stop_job(job_id)
            return
        with self.db_session() as session:
            found = session.query(Job).filter(Job.job_id == job_id)
            pid = found.one().pid
            if job.status == Status.IN_PROGRESS and pid in {child.pid for child in multiprocessing.active_children()}:
                found.update({"status": Status.STOPPING})
                session.commit()
                os.kill(pid, signal.SIGTERM)  # it says itself when it has stopped

    def _kept(self, model: Any) -> dict[str, Any]:
        """Raises SchedulerError."""
        if model.package_input_folder:
            raise SchedulerError(
                "On a stack a job runs in the folder of its notebook. Leave 'Run job with input folder' off."
            )
        return {**(model.runtime_environment_parameters or {}), NOTEBOOK: self._place(model.input_uri)}

    def _place(self, address: str) -> str:
        return os.path.abspath(Path(self.root_dir, address))  # noqa: PTH100 - a link stays a link
