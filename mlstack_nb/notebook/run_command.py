"""`%pipeline run`: in this kernel, or with options that a kernel can not follow, as `mlstack run` in a shell."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstack_nb.errors import UsageError
from mlstack_nb.notebook.line_words import options_of
from mlstack_nb.notebook.notebook_name import notebook_file
from mlstack_nb.notebook.run_view import Progress
from mlstack_nb.notebook.table import Line, Table

if TYPE_CHECKING:
    from mlstack_nb.app.launch import Launch
    from mlstack_nb.app.request import Request
    from mlstack_nb.core.run import Run
    from mlstack_nb.notebook.live import LiveNotebook

_VALUED = {
    "--from": "first",
    "--only": "only",
    "--until": "until",
    "--stack": "stack",
    "-p": "parameters",
    "--parameter": "parameters",
    "-f": "file",
    "--file": "file",
    "--timeout": "timeout_s",
    "--isolation": "isolation",
}
_FLAGS = ("--no-cache", "--fail-fast", "--whole", "--detach", "--dry-run", "--json")
_APART = ("--stack", "-p", "--parameter", "-f", "--file", "--timeout", "--isolation", "--whole", "--detach")


def run_pipeline(notebook: LiveNotebook, words: list[str]) -> Any:
    """Run steps below a table of them; then raise what the first failed one raised.

    Without a word that asks for more they run in this kernel, and what they give is bound in it.
    """
    __tracebackhide__ = True
    from mlstack_nb.app.runtime import Runtime

    options = options_of("pipeline", "run", words, _VALUED, flags=_FLAGS)
    if not any(word in _APART for word in words):
        if "--dry-run" in options:
            return _outlook(_prepared(notebook, options, words)[0])
        run, errors = (_by_engine if Runtime.current().is_remote else _here)(notebook, options, words)
    else:
        launch, told = _prepared(notebook, options, words)
        if "--dry-run" in options:
            return _outlook(launch)
        if "--detach" in options:
            return _detached(launch)
        sys.stdout.write(f"running {told}\n")
        run, errors = launch.run(_progress(notebook, launch), _print)
    if "--json" in options:
        sys.stdout.write(f"{json.dumps(run.to_json(), indent=2)}\n")
    for error in errors.values():
        raise error
    return None


def _here(notebook: LiveNotebook, options: Mapping[str, str], _words: list[str]) -> tuple[Run, Mapping[str, Any]]:
    session = notebook.session
    return session.run_all(
        notebook.execute,
        listener=Progress(notebook.shell, notebook.replay, session.course()),
        part={name: options[name] for name in ("first", "only", "until") if name in options},
        use_cache="--no-cache" not in options,
        fail_fast="--fail-fast" in options,
    )


def _by_engine(notebook: LiveNotebook, options: Mapping[str, str], words: list[str]) -> tuple[Run, Mapping[str, Any]]:
    """What it gives is bound here, too."""
    launch, told = _prepared(notebook, options, words)
    sys.stdout.write(f"running {told}\n")
    run, errors = launch.run(_progress(notebook, launch), _print)
    notebook.session.adopt(run)
    return run, errors


def _detached(launch: Launch) -> Line:
    from mlstack_nb.app.background_runs import begin

    if launch.is_remote:
        run_id = launch.submit().id
    elif launch.documents:
        raise UsageError("What was executed is not what is saved, and only a saved notebook runs detached.", "Save it.")
    else:
        launch.close()
        run_id = begin(launch.runtime.workspace, launch.request, folder=Path.cwd())
    return Line(f"run {run_id}: follow it with mlstack runs logs {run_id} -f")


def _prepared(notebook: LiveNotebook, options: Mapping[str, str], words: list[str]) -> tuple[Launch, str]:
    from mlstack_nb.app.live_launch import prepare_live

    try:
        file = notebook_file(notebook.shell.user_ns).absolute()
    except UsageError:
        file = None
    return prepare_live(notebook.session, _request(options, words), file)


def _request(options: Mapping[str, str], words: list[str]) -> Request:
    from mlstack_nb.app.parameters import read_file, read_pairs
    from mlstack_nb.app.request import Request

    pairs = [word for before, word in zip(["", *words], words, strict=False) if before in ("-p", "--parameter")]
    named: dict[str, Any] = {
        name: options[name] for name in ("first", "only", "until", "stack", "isolation") if name in options
    }
    if "timeout_s" in options:
        named["timeout_s"] = _seconds(options["timeout_s"])
    return Request(
        "",
        texts=read_pairs(pairs),
        values=read_file(Path(options["file"])) if "file" in options else {},
        use_cache="--no-cache" not in options,
        fail_fast="--fail-fast" in options,
        whole="--whole" in options,
        **named,
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise UsageError(f"%pipeline run --timeout {text!r} is no number of seconds.", "Write it so: --timeout 60")
    return seconds


def _progress(notebook: LiveNotebook, launch: Launch) -> Progress:
    from mlstack_nb.app.progress import course_of

    course = course_of(launch.pipeline.name, launch.runtime, launch.company)
    return Progress(notebook.shell, notebook.replay, course)


def _outlook(launch: Launch) -> Table:
    told = {"cached": "comes from the cache", "runs": "runs", "depends": "runs, if what it reads changes"}
    found = launch.execution().foresee()
    launch.close()
    steps = launch.pipeline.ordered()
    rows: list[list[Any]] = [[step.name, told[found[step.name]], ", ".join(step.needs)] for step in steps]
    return Table(
        ["step", "would", "needs"], rows, caption=f"pipeline {launch.pipeline.name}, not run", empty="No steps."
    )


def _print(step: str, text: str) -> None:
    for line in text.splitlines():
        sys.stdout.write(f"{step} | {line}\n")
