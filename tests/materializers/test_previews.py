"""Previews never turn data into markup."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from mlstack_nb.materializers import choose
from mlstack_nb.materializers.previews import MAX_COLUMNS, html_table

SCRIPT = "<script>alert('&')</script>"


def test_every_text_in_a_table_is_escaped() -> None:
    table = html_table([SCRIPT], [[SCRIPT]], SCRIPT)
    assert "<script" not in table
    assert table.count("&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;") == 3


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({SCRIPT: [SCRIPT]}, index=[SCRIPT]),
        pd.Series([SCRIPT], name=SCRIPT, index=[SCRIPT]),
        pd.DataFrame([[SCRIPT]], columns=pd.MultiIndex.from_tuples([(SCRIPT, SCRIPT)])),
        pl.DataFrame({SCRIPT: [SCRIPT]}),
        pl.Series(SCRIPT, [SCRIPT]),
    ],
)
def test_labels_and_cells_of_frames_are_escaped(frame: pd.DataFrame) -> None:
    bundle = choose(frame)().preview(frame)
    assert bundle is not None
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]


def test_previews_of_large_frames_are_small() -> None:
    wide = pd.DataFrame({f"column {number}": ["x" * 10_000] * 1000 for number in range(200)})
    html = choose(wide)().preview(wide)["text/html"]  # type: ignore[index]
    assert len(html) < 20_000
    assert html.count("<th>") == MAX_COLUMNS


def test_cells_that_fail_to_print_do_not_fail_the_preview() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError

    assert "&lt;Hostile&gt;" in html_table(["\ud800"], [[Hostile()]], "")
