from __future__ import annotations

from typing import Any


def test_runs_are_listed_for_people_and_programs(mlstack: Any, ran: Any) -> None:
    assert mlstack("runs", "list").out == "No runs.\n"
    first, second = ran(), ran()
    assert [row["id"] for row in mlstack("runs", "list", "--json").json] == [second.id, first.id]
    header, line, _ = mlstack("runs", "list").out.splitlines()
    assert header.split() == ["RUN", "PIPELINE", "STACK", "STATE", "STARTED", "TIME", "STEPS"]
    assert line.split()[:4] == [second.id, "adding", "default", "cached"]
    assert line.endswith("2 cached")
    assert len(mlstack("runs", "list", "--limit", 1, "--json").json) == 1


def test_runs_are_chosen_by_state(mlstack: Any, ran: Any) -> None:
    ran()
    assert mlstack("runs", "list", "--state", "failed", "--json").json == []
    assert mlstack("runs", "list", "--state", "fialed").err.endswith("Did you mean 'failed'?\n")


def test_a_run_is_shown_with_its_steps(mlstack: Any, ran: Any) -> None:
    done = ran()
    shown = mlstack("runs", "show").out
    assert shown.startswith(f"run         {done.id}\n")
    assert "parameters  depth=3" in shown
    assert "load   completed" in shown
    assert mlstack("runs", "show", done.id[:-2], "--json").json["id"] == done.id
    assert [step["step"] for step in mlstack("runs", "steps", "--json").json] == ["load", "total"]


def test_a_failed_step_says_why(mlstack: Any, ran: Any) -> None:
    ran(divisor=0)
    lines = mlstack("runs", "steps", "last").out.splitlines()
    assert lines[-1] == "Step 'total' failed: ZeroDivisionError: integer division or modulo by zero"


def test_an_unknown_run_says_where_to_look(mlstack: Any, ran: Any) -> None:
    ran()
    done = mlstack("runs", "show", "nope")
    assert done.code == 1
    assert done.err.endswith("  -> Run: mlstack runs list\n")
