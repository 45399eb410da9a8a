"""Times in words before there is a schedule."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest

from mlstack_nb.app.scheduling.preview import preview
from mlstack_nb.errors import UsageError


def test_a_cron_has_words_and_five_times_in_its_zone() -> None:
    found = preview(cron="30 6 * * *", zone="Asia/Kolkata")
    assert (found["words"], found["zone"]) == ("At 06:30 every day", "Asia/Kolkata")
    times = [datetime.fromisoformat(moment) for moment in found["next"]]
    assert [(one.hour, one.minute, one.strftime("%z")) for one in times] == [(6, 30, "+0530")] * 5
    assert times == sorted(set(times))


def test_an_interval_counts_from_now() -> None:
    times = [datetime.fromisoformat(moment).timestamp() for moment in preview(every="10m", zone="UTC")["next"]]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(times)] == [600] * 4


@pytest.mark.parametrize(
    "asked", [{}, {"cron": "@daily", "every": "1h"}, {"cron": "0 0 31 2 *"}, {"every": "0s"}, {"cron": "x"}]
)
def test_what_is_no_time_is_refused(asked: Any) -> None:
    with pytest.raises(UsageError):
        preview(**asked)
