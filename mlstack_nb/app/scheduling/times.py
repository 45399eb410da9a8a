"""When a schedule fires: cron expressions in a time zone, as Debian's cron reads them, and intervals."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mlstack_nb.errors import UsageError, nearest

if TYPE_CHECKING:
    from cronsim import CronSim

    from mlstack_nb.core.schedule import Schedule

ALIASES = {
    "@annually": "0 0 1 1 *",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@midnight": "0 0 * * *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@yearly": "0 0 1 1 *",
}
# as the library calls it -> the field's values, and one that is right
FIELDS = {
    "minute": ("minutes are 0 to 59", "30"),
    "hour": ("hours are 0 to 23", "6"),
    "day-of-month": ("days are 1 to 31, or L for the last one, and must be in the month", "1"),
    "month": ("months are 1 to 12, or JAN to DEC", "1"),
    "day-of-week": ("weekdays are 0 (Sunday) to 6, or SUN to SAT", "1-5"),
}
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SHORTEST_S = 0.1


class Times(Protocol):
    def after(self, moment: float) -> Iterator[float]:
        """The moments later than `moment`, in order, as epoch seconds; none, where none comes in 50 years."""
        ...

    def words(self) -> str:
        """For people: `At 06:00 on Monday through Friday`."""
        ...


@dataclass(frozen=True, slots=True)
class Cron:
    """A local time that the clock skips in spring comes right after the gap; one that it repeats counts once.

    Expressions whose minute or hour begins with `*` follow the hours as they pass instead.
    """

    expression: str
    zone: str

    def after(self, moment: float) -> Iterator[float]:
        for found in self._from(datetime.fromtimestamp(moment, zone_of(self.zone))):
            # several skipped local times are one moment; in a repeated hour the library looks back to the first one
            if found.timestamp() > moment:
                moment = found.timestamp()
                yield moment

    def words(self) -> str:
        return self._from(datetime.now(UTC)).explain()

    def _from(self, start: datetime) -> CronSim:
        from cronsim import CronSim, CronSimError

        fields = ALIASES.get(self.expression.lower(), self.expression).split()
        if self.expression.startswith("@") and len(fields) == 1:
            near = nearest(self.expression.lower(), ALIASES)
            raise UsageError(
                f"{self.expression!r} is no time to run at.",
                f"Did you mean {near}?" if near else f"Write five fields, or one of: {' '.join(ALIASES)}",
            )
        if len(fields) != len(FIELDS):
            raise UsageError(
                f"The cron {self.expression!r} has {len(fields)} field{'' if len(fields) == 1 else 's'}, not five.",
                'Write minute, hour, day of month, month and weekday, in quotes: "0 6 * * 1-5"',
            )
        try:
            return CronSim(" ".join(fields), start)
        except CronSimError as error:
            raise _wrong_field(self.expression, fields, str(error).removeprefix("Bad ")) from None


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds of passing time, counted from `anchor`, whatever the clocks do."""

    every_s: float
    anchor: float

    def after(self, moment: float) -> Iterator[float]:
        first = max(1, int((moment - self.anchor) / self.every_s))
        times = (self.anchor + number * self.every_s for number in itertools.count(first))
        return itertools.dropwhile(lambda found: found <= moment, times)

    def words(self) -> str:
        return f"Every {span(self.every_s)}"


def times_of(schedule: Schedule) -> Times:
    if schedule.every_s is not None:
        return Interval(schedule.every_s, schedule.created_at)
    return Cron(schedule.cron or "", schedule.zone)


def newest(times: Times, *, after: float, until: float) -> float | None:
    """The last moment later than `after` and not later than `until`; cheap also where millions lie between."""
    window = 60.0
    while True:
        begin = max(after, until - window)
        found = list(itertools.takewhile(lambda moment: moment <= until, times.after(begin)))
        if found or begin == after:
            return found[-1] if found else None
        window *= 2


def zone_of(name: str) -> ZoneInfo:
    """Raises UsageError with the nearest zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    known = available_timezones()
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(known)}
    near = cities.get(name.rpartition("/")[2].lower()) or nearest(name, known)
    raise UsageError(
        f"There is no time zone {name!r}.",
        f"Did you mean {near}?" if near else "Zones are called like Europe/Berlin, America/New_York or UTC.",
    )


def local_zone() -> str:
    """The machine's zone by its IANA name, UTC where it has none. Raises UsageError where its settings disagree."""
    from tzlocal import get_localzone_name

    try:
        return get_localzone_name() or "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"The machine's time zone can not be told: {error}", "Name one: --tz Europe/Berlin") from error


def seconds_of(text: str, *, of: str) -> float:
    """`10m`, `1h30m`, `0.5s` in seconds. Raises UsageError that names `of`."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", compact)
    if not parts or "".join(map("".join, parts)) != compact:
        raise UsageError(
            f"{of} takes a time like 10m, not {text!r}.", "Write numbers with s, m, h or d: 90s, 1h30m, 2d"
        )
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def span(seconds: float) -> str:
    """What `seconds_of` reads: `1h30m`."""
    parts = []
    for unit in "dhm":
        count, seconds = divmod(seconds, SECONDS[unit])
        if count:
            parts.append(f"{count:.0f}{unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g}s")
    return "".join(parts)


def _wrong_field(expression: str, fields: list[str], name: str) -> UsageError:
    position = list(FIELDS).index(name)
    values, example = FIELDS[name]
    mended = " ".join([*fields[:position], example, *fields[position + 1 :]])
    return UsageError(
        f"The {name.replace('-', ' ')} {fields[position]!r} of the cron {expression!r} can not be: {values}.",
        f'Write for example: "{mended}"',
    )
