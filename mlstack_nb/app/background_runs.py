"""Runs in processes of their own, which nobody waits for: `mlstack run`, started with what a request says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.app.runtime import new_run_id
from mlstack_nb.app.workspace import WORKSPACE_VARIABLE

if TYPE_CHECKING:
    from mlstack_nb.app.request import Request
    from mlstack_nb.app.workspace import Workspace

LOG = "run.log"


def begin(workspace: Workspace, request: Request, *, folder: Path) -> str:
    """Start the run with `folder` as its working directory; returns its id. What it prints is in the workspace's logs.

    It is in the catalog when its process has come so far, a moment later.
    """
    run_id = request.run_id or new_run_id()
    start_process(workspace, arguments_of(workspace, replace(request, run_id=run_id)), run_id, folder)
    return run_id


def arguments_of(workspace: Workspace, request: Request) -> list[str]:
    """The words of `mlstack run` that ask for the same, but for the run's id; values go by a file beside its log."""
    return ["run", *_words(request, _folder(workspace, request.run_id)), "--", request.target]


def start_process(workspace: Workspace, words: Sequence[str], run_id: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start `mlstack WORDS`, a command that takes `--run-id`; it outlives this process. Raises OSError."""
    command, *rest = words
    with (_folder(workspace, run_id) / LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command; `-P`, as the folder may hold any module
            [sys.executable, "-P", "-m", "mlstack_nb.cli", command, "--run-id", run_id, *rest],
            cwd=folder,
            env={**os.environ, WORKSPACE_VARIABLE: str(workspace.root.absolute())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def said(workspace: Workspace, run_id: str) -> str:
    """What the process of a run has printed itself, in place of the run's steps."""
    return (_folder(workspace, run_id) / LOG).read_text(encoding="utf-8", errors="replace")


def _folder(workspace: Workspace, run_id: str) -> Path:
    workspace.ensure()
    place = workspace.root / "logs" / run_id
    place.mkdir(parents=True, mode=0o700, exist_ok=True)
    return place


def _words(request: Request, place: Path) -> list[str]:
    """The options of `mlstack run` that ask for the same; values with a type go by a file in the folder `place`."""
    named = {
        "--stack": request.stack,
        "--from": request.first,
        "--only": request.only,
        "--until": request.until,
        "--isolation": request.isolation,
        "--timeout": "" if request.timeout_s is None else str(request.timeout_s),
    }
    flags = {
        "--no-cache": not request.use_cache,
        "--fail-fast": request.fail_fast,
        "--whole": request.whole,
        "--zenml": request.compat == "zenml",
    }
    words = [word for name, text in request.texts.items() for word in ("-p", f"{name}={text}")]
    words += [word for option, text in named.items() if text for word in (option, text)]
    words += [option for option, is_set in flags.items() if is_set]
    if request.values:
        values = place / "parameters.json"
        values.write_text(json.dumps(dict(request.values)), encoding="utf-8")
        words += ["-f", str(values)]
    if request.configuration:
        options = place / "options.json"
        options.write_text(json.dumps(dict(request.configuration)), encoding="utf-8")
        words += ["-c", str(options)]
    return words
