"""Schedules over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from mlstack_nb.app.scheduling import schedules
from mlstack_nb.app.scheduling.preview import preview as preview_of
from mlstack_nb.app.scheduling.wanted import Wanted as ScheduleAsked
from mlstack_nb.app.started_runs import as_texts
from mlstack_nb.core.schedule import CatchUp, Overlap
from mlstack_nb.server.route import Call, Wanted
from mlstack_nb.server.runs import target_of


class ScheduleWanted(Wanted):
    """`target` as for a run; `tz` is a zone's name, `every` and `grace` are times like `10m`."""

    target: str
    cron: str | None = None
    every: str | None = None
    tz: str | None = None
    name: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    stack: str | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LAST
    grace: str = "1m"
    note: str = ""


class TimeWanted(Wanted):
    cron: str | None = None
    every: str | None = None
    tz: str | None = None


def listing(call: Call) -> dict[str, Any]:
    return {"scheduler": schedules.scheduler(call.workspace), "schedules": schedules.list_all(call.workspace)}


def add(call: Call, wanted: ScheduleWanted) -> dict[str, Any]:
    target = Path(target_of(call, wanted.target))
    asked = ScheduleAsked(
        target.name,
        cron=wanted.cron,
        every=wanted.every,
        zone=wanted.tz,
        name=wanted.name,
        parameters=as_texts(wanted.parameters),
        stack=wanted.stack,
        grace=wanted.grace,
        catch_up=wanted.catch_up,
        overlap=wanted.overlap,
        note=wanted.note,
        folder=target.parent,
    )
    return schedules.add(call.site.workspace(target.parent), asked)


def preview(_call: Call, wanted: TimeWanted) -> dict[str, Any]:
    return preview_of(cron=wanted.cron, every=wanted.every, zone=wanted.tz)


def remove(call: Call) -> dict[str, Any]:
    """`going_on` are the ids of its runs that are not stopped."""
    return {"going_on": schedules.remove(call.workspace, call.words["name"])}


def pause(call: Call) -> dict[str, Any]:
    schedules.pause(call.workspace, call.words["name"])
    return schedules.show(call.workspace, call.words["name"])


def resume(call: Call) -> dict[str, Any]:
    schedules.resume(call.workspace, call.words["name"])
    return schedules.show(call.workspace, call.words["name"])


def trigger(call: Call) -> dict[str, Any]:
    return schedules.trigger(call.workspace, call.words["name"])
