"""What a time to run at means, before there is a schedule."""

from __future__ import annotations

import itertools
import time
from datetime import datetime
from typing import Any

from mlstack_nb.app.scheduling.schedules import SHOWN_TIMES
from mlstack_nb.app.scheduling.times import Cron, Interval, Times, zone_of
from mlstack_nb.app.scheduling.wanted import interval_of, zone_name
from mlstack_nb.errors import UsageError


def preview(*, cron: str | None = None, every: str | None = None, zone: str | None = None) -> dict[str, Any]:
    """`words` for people and the `next` five times. Raises UsageError for what is no time, or never comes."""
    if (cron is None) == (every is None):
        raise UsageError("A time needs either a cron or an interval.", 'Give cron="0 6 * * 1-5", or every="10m".')
    name, now = zone_name(zone), time.time()
    times: Times = Interval(interval_of(every), now) if every is not None else Cron(cron or "", name)
    moments = list(itertools.islice(times.after(now), SHOWN_TIMES))
    if not moments:
        raise UsageError(f"The cron {cron!r} fires never in 50 years.", "Check its days and months.")
    following = [datetime.fromtimestamp(moment, zone_of(name)).isoformat() for moment in moments]
    return {"words": times.words(), "zone": name, "next": following}
