from __future__ import annotations

from typing import Any


def test_a_step_is_explained_for_people_and_programs(mlstack: Any, ran: Any) -> None:
    first, second = ran(), ran()
    assert mlstack("why", "last", "total").out.splitlines() == [
        f"step total came from the cache in run {second.id}, compared with run {first.id}",
        f"  - from the cache: nothing changed since run {first.id}",
    ]
    found = mlstack("why", first.id[:-1], "total", "--json").json
    assert found == {
        "pipeline": "adding",
        "step": "total",
        "run": first.id,
        "state": "completed",
        "compared_with": None,
        "reasons": [
            {"kind": "first", "name": "", "text": "never run before", "before": None, "after": None, "diff": ""}
        ],
    }


def test_a_step_that_failed_before_says_so(mlstack: Any, ran: Any) -> None:
    ran(divisor=0)
    assert mlstack("why", "last", "total").out.splitlines()[1] == "  - never run before"
    ran(divisor=0)
    assert "its run before failed (ZeroDivisionError)" in mlstack("why", "last", "total").out


def test_unknown_runs_and_steps_say_where_to_look(mlstack: Any, ran: Any) -> None:
    assert mlstack("why", "last", "total").err.startswith("Error: There is no run yet.")
    ran()
    assert mlstack("why", "nope", "total").err.endswith("  -> Run: mlstack runs list\n")
    done = mlstack("why", "last", "totl")
    assert (done.code, done.err.splitlines()[1]) == (1, "  -> Did you mean 'total'?")


def test_both_words_are_needed(mlstack: Any) -> None:
    done = mlstack("why", "last")
    assert done.code == 2
    assert "STEP" in done.err
