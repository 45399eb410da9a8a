"""The steps of a run over HTTP: logs, executed notebooks, notebooks to debug in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlstack_nb.app.launch import launch_of
from mlstack_nb.app.new_files import write_new
from mlstack_nb.app.notebooks.executed import debug_notebook, notebook_of
from mlstack_nb.app.remote.refreshing import find_run
from mlstack_nb.app.run_logs import logs
from mlstack_nb.server.route import Call, Wanted

MOST_CHARACTERS = 1_000_000


class DebugWanted(Wanted):
    """`folder` is where the notebook is written; by default beside the notebook that ran."""

    folder: str | None = None


def log(call: Call) -> dict[str, Any]:
    """Of a very long one the end."""
    text = "".join(piece for _, piece in logs(call.workspace, call.words["id"], call.words["step"]))
    return {"text": text[-MOST_CHARACTERS:], "is_cut": len(text) > MOST_CHARACTERS}


def notebook(call: Call) -> Any:
    return json.loads(notebook_of(call.workspace, call.words["id"], call.words["step"]))


def debug(call: Call, wanted: DebugWanted) -> dict[str, Any]:
    """Never over a file that is there."""
    step = call.words["step"]
    content = debug_notebook(call.workspace, call.words["id"], step)
    folder = call.site.path_of(wanted.folder) if wanted.folder is not None else _folder(call)
    written = write_new(content, folder / f"debug-{step.replace('/', '_')}.ipynb")
    return {"path": call.site.address_of(written)}


def _folder(call: Call) -> Path:
    """That of what ran, where it is known and the server shows it; else that of the notebook which asks, and so on."""
    request = launch_of(call.workspace, find_run(call.workspace, call.words["id"]))
    begun_in = Path(request.target).parent if request is not None else None
    for folder in (begun_in, call.folder, call.workspace.root.parent):
        if folder is not None and folder.is_relative_to(call.site.root) and folder.is_dir():
            return folder
    return call.site.root
