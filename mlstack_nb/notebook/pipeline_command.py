"""`%pipeline`: the graph of the notebook's steps, running it whole, its states and its earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mlstack_nb.app.wording import duration, moment
from mlstack_nb.core.run import State
from mlstack_nb.errors import UsageError
from mlstack_nb.notebook.graph_view import GraphView
from mlstack_nb.notebook.line_words import command_of, no_more, options_of
from mlstack_nb.notebook.notebook_name import notebook_file
from mlstack_nb.notebook.run_command import run_pipeline
from mlstack_nb.notebook.run_view import status
from mlstack_nb.notebook.table import Line, Table
from mlstack_nb.notebook.widget.opening import panel

if TYPE_CHECKING:
    from mlstack_nb.app.session import Session
    from mlstack_nb.notebook.live import LiveNotebook

HISTORY_LENGTH = 20
SUMMARY = "The pipeline that the step cells of this notebook make."
COMMANDS = {
    "show": "The graph of the steps, coloured by state. So does %pipeline alone.",
    "run [OPTIONS]": "Run every step, in the order they need each other; what did not change comes from the cache. "
    "--from STEP, --only STEP, --until STEP choose some; --no-cache runs them even so. With -p NAME=VALUE, -f FILE, "
    "--stack NAME, --whole, --timeout S or --detach they run apart from this kernel; --dry-run says what would run.",
    "panel": "The live panel: the graph as it runs, a button to run it, the stack and its components.",
    "status": "A table of the steps: state, whether that is fresh, stale or never run, time, outputs.",
    "debug STEP": "Write a notebook with what a step was given in the last run, ready where it failed.",
    'schedule "CRON" [OPTIONS]': "Run the saved notebook by itself, as long as a process `mlstack scheduler` runs. "
    "--tz ZONE, --stack NAME, --name NAME, -p NAME=VALUE; --every 10m instead of a cron.",
    "why STEP": "Why a step ran or came from the cache, and what would make it run again.",
    "history": f"The last {HISTORY_LENGTH} runs of this pipeline.",
    "forget NAME": "Take a step out whose cell is no longer there.",
    "name [NAME]": "Name the pipeline, or say its name.",
}


def run(notebook: LiveNotebook, line: str) -> Any:
    """What a `%pipeline` line shows. Raises UsageError for a word it does not know."""
    __tracebackhide__ = True
    command, words = command_of("pipeline", line, COMMANDS, default="show")
    if command == "run":
        return run_pipeline(notebook, words)
    if command == "schedule":
        return _schedule(notebook, words)
    no_more("pipeline", command, words[1:] if command in ("name", "forget", "why", "debug") else words)
    if command == "panel":
        return panel()
    session = notebook.session
    if command == "forget":
        session.forget(words[0] if words else "")
        return Line(f"step {words[0]} is forgotten")
    if command == "name":
        session.name = words[0] if words else session.name
        return Line(f"pipeline {session.name}")
    if command == "show":
        pipeline = session.pipeline()
        pipeline.check()  # here, since IPython shows the whole view beside an error that displaying it raises
        items = {name: session.items(name) for name in session.steps}
        return GraphView(pipeline, dict(session.states), _stale(session), items)
    if command == "status":
        steps = [step.name for step in session.pipeline().ordered()]
        items = {name: session.items(name) for name in steps}
        return status(session.name, steps, session.states, marks=session.freshness(), items=items)
    if command == "why":
        return _why(session, words)
    if command == "history":
        return history(session.name)
    return _debug(session, words)


def _why(session: Session, words: list[str]) -> Line:
    from mlstack_nb.app.explain import why_live

    if not words:
        raise UsageError("%pipeline why needs a step.", f"Steps so far: {', '.join(session.steps) or 'none yet'}.")
    return Line("\n".join(line for found in why_live(session, words[0]) for line in found.lines()))


def _stale(session: Session) -> list[str]:
    from mlstack_nb.app.freshness import Freshness

    return [name for name, freshness in session.freshness().items() if freshness is Freshness.STALE]


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


_SCHEDULE = {"--tz": "zone", "--stack": "stack", "--name": "name", "--every": "every", "-p": "parameters"}


def _schedule(notebook: LiveNotebook, words: list[str]) -> Line:
    from mlstack_nb.app.parameters import read_pairs
    from mlstack_nb.app.scheduling import schedules
    from mlstack_nb.app.scheduling.wanted import Wanted
    from mlstack_nb.app.workspace import Workspace

    cron = words.pop(0) if words and not words[0].startswith("-") else None
    pairs = [word for before, word in zip(["", *words], words, strict=False) if before == "-p"]
    options: dict[str, Any] = options_of("pipeline", "schedule", words, _SCHEDULE, flags=())
    options["parameters"] = read_pairs(pairs)
    file = notebook_file(notebook.shell.user_ns).absolute()
    wanted = Wanted(file.name, cron=cron, folder=file.parent, **options)
    with closing(Workspace.find()) as workspace:
        added = schedules.add(workspace, wanted)
        nobody = schedules.scheduler(workspace) is None
    times = ", ".join(moment(time) for time in added["next"][:3])
    told = f"schedule {added['name']}: {added['words']}, {added['zone']}; next {times}"
    return Line(f"{told}\nnobody schedules yet: run `mlstack scheduler` in a shell" if nobody else told)


def _debug(session: Session, words: list[str]) -> Line:
    """Write the notebook of a step as it was in the last run of it, wherever that was."""
    from pathlib import Path

    from mlstack_nb.app.notebooks import executed as run_notebooks
    from mlstack_nb.app.workspace import Workspace

    if not words:
        raise UsageError("%pipeline debug needs a step.", f"Steps so far: {', '.join(session.steps) or 'none yet'}.")
    path = Path(f"debug-{words[0]}.ipynb")
    with closing(Workspace.find()) as workspace:
        content = run_notebooks.debug_notebook_of_session(workspace, session, words[0])
        run_notebooks.write(content, path, force=True)
    return Line(f"wrote {path}: open it, and run its cells from the top")


def _run_row(run: Mapping[str, Any]) -> list[str | State]:
    steps = ", ".join(f"{count} {state}" for state, count in run["step_counts"].items())
    time = duration(run["duration_s"])
    return [run["id"], State(run["state"]), moment(run["started_at"]), time, run["stack"], steps]
