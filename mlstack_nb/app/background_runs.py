"""Runs in processes of their own, which nobody waits for: `mlstack run`, started with what a request says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlstack_nb.app.runtime import new_run_id
from mlstack_nb.app.workspace import WORKSPACE_VARIABLE

if TYPE_CHECKING:
    from mlstack_nb.app.request import Request
    from mlstack_nb.app.workspace import Workspace


def begin(workspace: Workspace, request: Request, *, folder: Path) -> str:
    """Start the run with `folder` as its working directory; returns its id. What it prints is in the workspace's logs.

    It is in the catalog when its process has come so far, a moment later.
    """
    run_id = request.run_id or new_run_id()
    workspace.ensure()
    place = workspace.root / "logs" / run_id
    place.mkdir(parents=True, mode=0o700)
    words = [*_words(request), "--run-id", run_id]
    if request.values:
        values = place / "parameters.json"
        values.write_text(json.dumps(dict(request.values)), encoding="utf-8")
        words += ["-f", str(values)]
    with (place / "run.log").open("wb") as log:
        subprocess.Popen(  # noqa: S603 - our own command; `-P`, as the folder may hold any module
            [sys.executable, "-P", "-m", "mlstack_nb.cli", "run", *words, "--", request.target],
            cwd=folder,
            env={**os.environ, WORKSPACE_VARIABLE: str(workspace.root.absolute())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return run_id


def _words(request: Request) -> list[str]:
    """The options of `mlstack run` that ask for the same."""
    named = {
        "--stack": request.stack,
        "--from": request.first,
        "--only": request.only,
        "--until": request.until,
        "--isolation": request.isolation,
        "--timeout": "" if request.timeout_s is None else str(request.timeout_s),
    }
    flags = {"--no-cache": not request.use_cache, "--fail-fast": request.fail_fast, "--whole": request.whole}
    words = [word for name, text in request.texts.items() for word in ("-p", f"{name}={text}")]
    words += [word for option, text in named.items() if text for word in (option, text)]
    return words + [option for option, is_set in flags.items() if is_set]
