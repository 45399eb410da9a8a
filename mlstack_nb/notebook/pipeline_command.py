"""`%pipeline`: the graph of the notebook's steps, running it whole, its states and its earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.wording import artifact_line, duration, moment
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.notebook.graph_view import GraphView
from mlstack_nb.notebook.line_words import command_of, no_more
from mlstack_nb.notebook.table import Line, Table

if TYPE_CHECKING:
    from mlstack_nb.notebook.live import LiveNotebook

HISTORY_LENGTH = 20
SUMMARY = "The pipeline that the step cells of this notebook make."
COMMANDS = {
    "show": "The graph of the steps, coloured by state. So does %pipeline alone.",
    "run": "Run every step, in the order they need each other; what did not change comes from the cache.",
    "status": "A table of the steps: state, time, outputs.",
    "history": f"The last {HISTORY_LENGTH} runs of this pipeline.",
    "forget NAME": "Take a step out whose cell is no longer there.",
    "name [NAME]": "Name the pipeline, or say its name.",
}


def run(notebook: LiveNotebook, line: str) -> Any:
    """What a `%pipeline` line shows. Raises UsageError for a word it does not know."""
    __tracebackhide__ = True
    command, words = command_of("pipeline", line, COMMANDS, default="show")
    no_more("pipeline", command, words[1:] if command in ("name", "forget") else words)
    session = notebook.session
    if command == "forget":
        session.forget(words[0] if words else "")
        return Line(f"step {words[0]} is forgotten")
    if command == "name":
        session.name = words[0] if words else session.name
        return Line(f"pipeline {session.name}")
    if command == "show":
        return GraphView(session.pipeline(), dict(session.states))
    if command == "status":
        return status(session.pipeline().name, [step.name for step in session.pipeline().ordered()], session.states)
    if command == "history":
        return history(session.name)
    return _run_all(notebook)


def status(pipeline: str, steps: list[str], runs: Mapping[str, StepRun], *, about: str = "") -> Table:
    """The steps with their last step runs."""
    return Table(
        ["step", "state", "time", "outputs"],
        [_step_row(name, runs.get(name)) for name in steps],
        caption=f"pipeline {pipeline}{about}",
        empty="This notebook has no step yet: run a cell that starts with %%step NAME.",
    )


def history(pipeline: str) -> Table:
    """The latest runs of a pipeline, newest first."""
    from mlstack_nb.app import runs
    from mlstack_nb.app.workspace import Workspace

    with closing(Workspace.find()) as workspace:
        found = runs.list_all(workspace, pipeline=pipeline, limit=HISTORY_LENGTH)
    return Table(
        ["run", "state", "started", "time", "stack", "steps"],
        [_run_row(run) for run in found],
        caption=f"runs of pipeline {pipeline}",
        empty=f"Pipeline {pipeline!r} has no run yet.",
    )


def _run_all(notebook: LiveNotebook) -> None:
    """Run all steps and show the table; then raise what the first failed step raised."""
    __tracebackhide__ = True
    run, errors = notebook.session.run_all(notebook.execute)
    runs = {step.step: step for step in run.steps}
    notebook.show(status(run.pipeline, list(runs), runs, about=f", run {run.id} on stack {run.stack}: {run.state}"))
    for error in errors.values():
        raise error


def _step_row(name: str, run: StepRun | None) -> list[str | State]:
    if run is None:
        return [name, State.PENDING, "", ""]
    took = duration(run.duration_s) if run.started_at else ""
    time = f"saved {duration(run.saved_s)}" if run.state is State.CACHED else took
    return [name, run.state, time, ", ".join(artifact_line(found, output) for output, found in run.outputs.items())]


def _run_row(run: Mapping[str, Any]) -> list[str | State]:
    steps = ", ".join(f"{count} {state}" for state, count in run["step_counts"].items())
    time = duration(run["duration_s"])
    return [run["id"], State(run["state"]), moment(run["started_at"]), time, run["stack"], steps]
