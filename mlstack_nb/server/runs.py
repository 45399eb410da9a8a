"""Runs over HTTP: started as `mlstack run` in processes of their own, looked at in the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from mlstack_nb.app import runs
from mlstack_nb.app.cancelling import cancel as cancel_run
from mlstack_nb.app.request import Request
from mlstack_nb.app.run_differences import compare
from mlstack_nb.app.scheduling.wanted import RUNNABLE
from mlstack_nb.app.started_runs import as_texts, check_request
from mlstack_nb.app.targets import is_notebook
from mlstack_nb.errors import NotFoundError, UsageError
from mlstack_nb.server.route import Call, Wanted

MOST = 1000


class RunsWanted(Wanted):
    pipeline: str | None = None
    stack: str | None = None
    state: str | None = None
    limit: int = Field(default=50, ge=1, le=MOST)


class RunWanted(Wanted):
    """`target` is the path of a notebook, or `PATH.py:PIPELINE`."""

    target: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    stack: str | None = None
    first: str | None = None
    only: str | None = None
    until: str | None = None
    use_cache: bool = True
    whole: bool = False
    fail_fast: bool = False


def listing(call: Call, wanted: RunsWanted) -> list[dict[str, Any]]:
    return runs.list_all(call.workspace, **wanted.model_dump())


def start(call: Call, wanted: RunWanted) -> dict[str, Any]:
    target = target_of(call, wanted.target)
    workspace = call.site.workspace(Path(target).parent)
    request = Request(
        target,
        texts=as_texts(wanted.parameters),
        stack=wanted.stack,
        first=wanted.first or "",
        only=wanted.only or "",
        until=wanted.until or "",
        use_cache=wanted.use_cache,
        whole=wanted.whole,
        fail_fast=wanted.fail_fast,
    )
    with call.site.reading:
        pipeline = check_request(workspace, request)
    return {"id": call.site.runs.start(workspace, request, pipeline=pipeline)}


def show(call: Call) -> dict[str, Any]:
    """A run that has not come as far as the catalog is pending, or has failed: then `failure` says why."""
    try:
        return runs.show(call.workspace, call.words["id"])
    except NotFoundError:
        begun = call.site.runs.unrecorded(call.workspace, call.words["id"])
        if begun is None:
            raise
        return begun


def cancel(call: Call) -> dict[str, Any]:
    try:
        return runs.show(call.workspace, cancel_run(call.workspace, call.words["id"]).id)
    except NotFoundError:
        if not call.site.runs.stop(call.workspace, call.words["id"]):
            raise
        return show(call)


def resume(call: Call) -> dict[str, Any]:
    folders = [folder for folder in (call.folder, call.workspace.root.parent) if folder is not None]
    return {"id": call.site.runs.resume(call.workspace, call.words["id"], folders=folders)}


def diff(call: Call) -> dict[str, Any]:
    return compare(call.workspace, call.words["id"], call.words["other"]).to_json()


def target_of(call: Call, address: str) -> str:
    """What `mlstack run` is given for it: an absolute path, so that the run can be resumed from anywhere.

    Raises UsageError for another kind of file, NotFoundError for what is outside the server's folder.
    """
    place, colon, name = (address, "", "") if is_notebook(address) else address.partition(":")
    if not place.endswith(RUNNABLE):
        raise UsageError(f"{address!r} is no notebook and no Python file.", "Give the path of an .ipynb or a .py file.")
    return f"{call.site.path_of(place)}{colon}{name}"
