from __future__ import annotations

import pytest

from mlstack_nb.app.wording import duration, moment, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 ms"),
        (0.0004, "0.4 ms"),
        (0.0042, "4.2 ms"),
        (0.043, "43 ms"),
        (0.9999, "1.0 s"),
        (1.24, "1.2 s"),
        (59.96, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.7, "1 h 0 min"),
        (3780, "1 h 3 min"),
    ],
)
def test_a_duration_reads_in_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (143_210, "143 kB"), (999_600, "1.0 MB"), (5 * 10**15, "5000 TB")],
)
def test_a_size_reads_in_decimal_units(count: int, text: str) -> None:
    assert size(count) == text


def test_no_time_reads_as_nothing() -> None:
    assert moment(None) == ""
