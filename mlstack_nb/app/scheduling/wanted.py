"""What people type to make a schedule: target, name, zone and lengths of time, each checked before it is stored."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path

from mlstack_nb.app.names import check_name
from mlstack_nb.app.scheduling.times import SHORTEST_S, local_zone, seconds_of, times_of, zone_of
from mlstack_nb.core.schedule import CatchUp, Overlap, Schedule
from mlstack_nb.errors import NotFoundError, UsageError, nearest

RUNNABLE = (".ipynb", ".py")
SHORTEST_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a schedule is asked for; all but the target, and either `cron` or `every`, may be left to its default.

    `target` and `parameters` are what is typed for `mlstack run`; `every` and `grace` are times like `10m`. `zone` is
    the machine's by default, the name is made from the target, and `folder`, where it runs, is the working directory.
    """

    target: str
    cron: str | None = None
    every: str | None = None
    zone: str | None = None
    name: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    stack: str | None = None
    grace: str = "1m"
    catch_up: CatchUp = CatchUp.LAST
    overlap: Overlap = Overlap.SKIP
    note: str = ""
    is_paused: bool = False
    folder: Path = field(default_factory=Path.cwd)

    def checked(self) -> Schedule:
        """The schedule, from now on. Raises UsageError or NotFoundError for what can not be."""
        now = time.time()
        folder = self.folder.absolute()
        check_target(self.target, folder)
        schedule = Schedule(
            name=name_of(self.name, self.target),
            target=self.target,
            folder=str(folder),
            parameters=dict(self.parameters),
            stack=self.stack,
            cron=self.cron,
            every_s=interval_of(self.every) if self.every is not None else None,
            zone=zone_name(self.zone),
            grace_s=grace_of(self.grace),
            catch_up=self.catch_up,
            overlap=self.overlap,
            note=self.note,
            created_at=now,
            settled_until=now,
            paused_at=now if self.is_paused else None,
        )
        check_times(schedule)
        return schedule


def check_target(target: str, folder: Path) -> None:
    """Raises NotFoundError for a file, or the package of a module, that is not there; nothing is imported."""
    place = target.partition(":")[0]
    path = folder / place
    if place.endswith(RUNNABLE):
        is_there = path.is_file()
    else:
        package = place.partition(".")[0]
        is_there = "/" not in place and PathFinder.find_spec(package, [str(folder), *sys.path]) is not None
    if not is_there:
        what = "file" if "/" in place or place.endswith(RUNNABLE) else "notebook and no module"
        raise NotFoundError(f"There is no {what} {place!r} in {folder}.", _nearby(path))


def check_times(schedule: Schedule) -> None:
    """Raises UsageError unless it fires, by a cron or in intervals."""
    if (schedule.cron is None) == (schedule.every_s is None):
        raise UsageError(
            "A schedule needs either a cron or an interval.",
            f'Write: mlstack schedule add {schedule.target} "0 6 * * 1-5", or: --every 10m',
        )
    if next(times_of(schedule).after(schedule.created_at), None) is None:
        raise UsageError(f"The cron {schedule.cron!r} fires never in 50 years.", "Check its days and months.")


def name_of(name: str | None, target: str) -> str:
    """The name itself when it is fit for one, else one that is made from the target."""
    if name is None:
        place, _, pipeline = target.partition(":")
        name = pipeline or (Path(place).stem if place.endswith(RUNNABLE) else place.rpartition(".")[2])
        name = re.sub(r"\s+", "-", name.strip())
    check_name("schedule", name)
    return name


def zone_name(zone: str | None) -> str:
    """The zone when there is such a one; the machine's for None."""
    name = zone if zone is not None else local_zone()
    zone_of(name)
    return name


def interval_of(text: str) -> float:
    every_s = seconds_of(text, of="--every")
    if every_s < SHORTEST_S:
        raise UsageError(f"An interval of {text} is too short.", f"{SHORTEST_S:g}s is the shortest.")
    return every_s


def grace_of(text: str) -> float:
    grace_s = seconds_of(text, of="--grace")
    if grace_s < SHORTEST_GRACE_S:
        raise UsageError(
            f"With a grace of {text} every firing would be too late.", f"{SHORTEST_GRACE_S:g}s is the shortest."
        )
    return grace_s


def _nearby(path: Path) -> str:
    folder = path.parent
    files = sorted(file.name for file in folder.iterdir() if file.suffix in RUNNABLE) if folder.is_dir() else []
    near = nearest(path.name, files) or nearest(path.name, [Path(file).stem for file in files])
    if near:
        return f"Did you mean {next(file for file in files if file == near or Path(file).stem == near)}?"
    return f"Notebooks and modules there: {', '.join(files) or 'none'}."
