from __future__ import annotations

from mlstack_nb.core.run import State
from mlstack_nb.notebook.table import Table


def test_columns_are_aligned_and_states_have_symbol_and_word() -> None:
    table = Table(["step", "state"], [["load", State.CACHED], ["evaluate", State.FAILED]], caption="all")
    assert table.text().splitlines() == [
        "all",
        "step      state",
        "load      ↺ cached",
        "evaluate  ✗ failed",
    ]


def test_a_table_without_rows_says_so() -> None:
    table = Table(["a"], [], empty="Nothing <yet>.")
    assert table.text() == "Nothing <yet>."
    assert "Nothing &lt;yet&gt;." in table.html()


def test_cells_are_escaped_and_shortened() -> None:
    html = Table(["<b>"], [["<script>" + "x" * 1000]]).html()
    assert "<script>" not in html
    assert "<b>" not in html
    assert len(html) < 2000
