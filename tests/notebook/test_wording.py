from __future__ import annotations

from mlstack_nb.core.run import State
from mlstack_nb.notebook.wording import LOOKS, shortened


def test_a_long_or_broken_text_becomes_one_short_line() -> None:
    assert shortened("a\nb\x1b[31m" + "c" * 500, 10) == "a b [31mc" + "…"


def test_every_state_has_a_symbol_of_its_own() -> None:
    assert len({look.symbol for look in LOOKS.values()}) == len(State)
