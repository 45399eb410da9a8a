from __future__ import annotations

import itertools
import os
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack_nb.app.scheduling.times import Cron, Interval, newest, seconds_of, span, zone_of
from mlstack_nb.errors import UsageError


def epoch(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def fires(cron: str, zone: str, *, after: str, count: int) -> list[str]:
    """Moments in UTC, from a local time on."""
    found = itertools.islice(Cron(cron, zone).after(epoch(after, zone)), count)
    return [f"{datetime.fromtimestamp(moment, UTC):%m-%d %H:%M}" for moment in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # the clock goes from 02:00 to 03:00, which is 01:00 in UTC
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:30"]),
        ("30 2 * * *", "America/New_York", "2026-03-07 12:00", ["03-08 07:00", "03-09 06:30"]),
        # half an hour: from 02:00 to 02:30, which is 15:30 in UTC
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", ["10-03 15:30", "10-04 15:15"]),
        # midnight itself is skipped
        ("0 0 * * *", "Africa/Cairo", "2026-04-23 12:00", ["04-23 22:00", "04-24 21:00"]),
    ],
)
def test_a_time_that_the_clock_skips_fires_once_right_after(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert fires(cron, zone, after=after, count=2) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        ("30 1 * * *", "America/New_York", "2026-10-31 12:00", ["11-01 05:30", "11-02 06:30"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00", ["04-04 14:45", "04-05 15:15"]),
    ],
)
def test_a_time_that_the_clock_repeats_fires_once(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert fires(cron, zone, after=after, count=2) == expected


def test_who_starts_in_the_repeated_hour_does_not_fire_for_the_first_one() -> None:
    in_second = epoch("2026-10-25 01:10")  # 02:10 in Berlin, for the second time
    assert next(Cron("30 2 * * *", "Europe/Berlin").after(in_second)) == epoch("2026-10-26 01:30")


@pytest.mark.parametrize("after", ["2026-03-28 23:00", "2026-10-24 23:00"])
def test_what_fires_every_quarter_of_an_hour_does_so_through_both_changes(after: str) -> None:
    start = epoch(after)
    found = list(itertools.islice(Cron("*/15 * * * *", "Europe/Berlin").after(start), 24))
    assert found == [start + 900 * number for number in range(1, 25)]


def test_two_skipped_times_are_one_firing() -> None:
    assert fires("15,45 2 * * *", "Europe/Berlin", after="2026-03-28 12:00", count=2) == ["03-29 01:00", "03-30 00:15"]


def test_leap_days_and_long_months() -> None:
    leap = list(itertools.islice(Cron("0 0 29 2 *", "UTC").after(epoch("2026-03-01")), 2))
    assert leap == [epoch("2028-02-29"), epoch("2032-02-29")]
    months = ["03-31 00:00", "05-31 00:00", "07-31 00:00", "08-31 00:00"]
    assert fires("0 0 31 * *", "UTC", after="2026-03-01", count=4) == months
    assert fires("0 0 L 2 *", "UTC", after="2027-03-01", count=1) == ["02-29 00:00"]


def test_weekdays_are_counted_from_sunday() -> None:
    found = itertools.islice(Cron("0 6 * * 1-5", "Europe/Berlin").after(epoch("2026-03-27 12:00")), 5)
    assert [f"{datetime.fromtimestamp(moment, UTC):%a}" for moment in found] == ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert fires("0 0 * * 0", "UTC", after="2026-03-23", count=1) == fires(
        "0 0 * * 7", "UTC", after="2026-03-23", count=1
    )


def test_aliases_stand_for_a_cron() -> None:
    assert fires("@daily", "Europe/Berlin", after="2026-01-05", count=1) == ["01-05 23:00"]
    assert Cron("@Weekly", "UTC").words() == "At 00:00 on Sunday"


def test_a_cron_is_told_in_words() -> None:
    assert Cron("0 6 * * 1-5", "UTC").words() == "At 06:00 on Monday through Friday"
    assert Interval(5400, 0).words() == "Every 1h30m"


@pytest.mark.parametrize(
    ("cron", "what", "hint"),
    [
        ("61 6 * * *", "The minute '61' of the cron '61 6 * * *' can not be: minutes are 0 to 59.", '"30 6 * * *"'),
        ("0 24 * * *", "The hour '24'", '"0 6 * * *"'),
        ("0 0 32 * *", "The day of month '32'", '"0 0 1 * *"'),
        ("0 0 30 2 *", "must be in the month", '"0 0 1 2 *"'),
        ("0 0 * 13 *", "The month '13'", '"0 0 * 1 *"'),
        ("0 0 * * MOON", "The day of week 'MOON'", '"0 0 * * 1-5"'),
        ("*/0 * * * *", "The minute '*/0'", "30"),
        ("5-1 * * * *", "The minute '5-1'", "30"),
        ("0 6 * *", "has 4 fields, not five", "in quotes"),
        ("0 0 6 * * *", "has 6 fields, not five", "in quotes"),
        ("", "has 0 fields", "in quotes"),
        ("@dayly", "'@dayly' is no time to run at.", "Did you mean @daily?"),
        ("@reboot", "no time", "@hourly"),
    ],
)
def test_a_wrong_cron_names_the_field_and_a_right_one(cron: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        Cron(cron, "UTC").words()
    assert what in error.value.what
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Berlin", "Did you mean Europe/Berlin?"),
        ("europe/berlin", "Did you mean Europe/Berlin?"),
        ("Europe/Berln", "Did you mean Europe/Berlin?"),
        ("New_York", "Did you mean America/New_York?"),
        ("", "Zones are called like"),
        ("../../etc/passwd", "Zones are called like"),
        ("/etc/passwd", "Zones are called like"),
    ],
)
def test_an_unknown_zone_offers_the_nearest(zone: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        zone_of(zone)
    assert hint in error.value.hint


def test_the_machines_zone_is_one_by_name() -> None:
    code = "from mlstack_nb.app.scheduling.times import local_zone; print(local_zone())"
    environment = {**os.environ, "TZ": "America/New_York"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "America/New_York\n"


@given(
    anchor=st.floats(0, 2e9),
    every_s=st.floats(0.1, 1e6),
    ahead=st.floats(-1e6, 1e7),
)
def test_an_interval_gives_the_same_moments_wherever_it_is_entered(anchor: float, every_s: float, ahead: float) -> None:
    interval = Interval(every_s, anchor)
    first, second = itertools.islice(interval.after(anchor + ahead), 2)
    assert anchor < first < second and first > anchor + ahead
    assert next(interval.after(first)) == second
    assert first <= max(anchor, anchor + ahead) + every_s * 1.001


@given(
    after=st.floats(epoch("2026-01-01"), epoch("2027-01-01")),
    width=st.floats(0, 40 * 86400),
    times=st.sampled_from(
        [Cron("7 */3 * * *", "Europe/Berlin"), Cron("30 2 * * 0", "America/New_York"), Interval(5000, 1e9)]
    ),
)
def test_the_newest_moment_is_the_last_of_all(after: float, width: float, times: Cron | Interval) -> None:
    every = list(itertools.takewhile(lambda moment: moment <= after + width, times.after(after)))
    assert newest(times, after=after, until=after + width) == (every[-1] if every else None)


def test_lengths_of_time_are_read_and_written() -> None:
    texts = {"0.3s": 0.3, "10m": 600, "1h30m": 5400, "2d": 172800, "1d1h1m1.5s": 90061.5, "90s": 90}
    assert {text: seconds_of(text, of="--every") for text in texts} == texts
    assert [span(seconds) for seconds in (0.3, 600, 5400, 172800, 90)] == ["0.3s", "10m", "1h30m", "2d", "1m30s"]
    for text in ("", "10", "m", "10x", "-5m", "1h30"):
        with pytest.raises(UsageError, match="--every takes a time like 10m"):
            seconds_of(text, of="--every")
