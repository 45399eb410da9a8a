"""The numbers of a run that goes on, at moments that the tests choose."""

from __future__ import annotations

import pytest

from mlstack_nb.app.progress import AtWork, Course, Headway, rate_words, time_left
from mlstack_nb.core.events import RunStarted, StepEnded, StepStarted
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import Run, State, StepRun
from mlstack_nb.core.stack import Stack
from mlstack_nb.core.step import Fingerprint, Step

CHAIN = {"a": (), "b": ("a",), "c": ("b",)}
FAN = {"load": (), "one": ("load",), "two": ("load",), "three": ("load",), "join": ("one", "two", "three")}


def left(
    needs: dict[str, tuple[str, ...]], durations: dict[str, float], *, workers: int | None = 1, **of: object
) -> float:
    ended = of.get("ended", {})
    return time_left(needs, durations, ended=ended, spent=of.get("spent", {}), workers=workers)  # type: ignore[arg-type]


def test_one_worker_takes_the_sum() -> None:
    assert left(FAN, {"load": 1, "one": 2, "two": 3, "three": 4, "join": 5}) == 15


def test_many_workers_take_the_longest_way_through_the_graph() -> None:
    assert left(FAN, {"load": 1, "one": 2, "two": 3, "three": 4, "join": 5}, workers=None) == 10


def test_two_workers_take_steps_in_the_order_of_the_plan() -> None:
    # one and two run from 1 to 3 and 4, three from 3 to 7, join from 7 to 12
    assert left(FAN, {"load": 1, "one": 2, "two": 3, "three": 4, "join": 5}, workers=2) == 12


def test_what_runs_has_the_rest_of_its_time_left() -> None:
    assert left(CHAIN, {"a": 5, "b": 2, "c": 1}, spent={"a": 3}) == 5


def test_what_takes_longer_than_it_did_is_about_to_end() -> None:
    assert left(CHAIN, {"a": 5, "b": 2, "c": 1}, spent={"a": 60}) == 3


def test_what_has_ended_takes_no_time_and_what_needs_a_failed_step_never_runs() -> None:
    assert left(CHAIN, {"a": 5, "b": 2, "c": 1}, ended={"a": State.CACHED}) == 3
    assert left(FAN, dict.fromkeys(FAN, 2.0), ended={"load": State.COMPLETED, "one": State.FAILED}) == 4


def test_a_large_graph_is_counted_as_well() -> None:
    needs: dict[str, tuple[str, ...]] = {f"s{number}": () for number in range(2000)}
    needs["end"] = tuple(needs)
    assert left(needs, dict.fromkeys(needs, 1.0), workers=8) == 251


def course(needs: dict[str, tuple[str, ...]], usual: dict[str, float], *, workers: int | None = 1) -> Course:
    steps = tuple(Step(name, {}, (), Fingerprint(""), after=after) for name, after in needs.items())
    made = Course(usual, workers=workers)
    run = Run("r", "p", "default", State.RUNNING, started_at=100.0)
    made.note(RunStarted(run, Plan("r", "p", Stack("default", ()), steps)))
    return made


def started(step: str, at: float) -> StepStarted:
    return StepStarted(StepRun("r", step, State.RUNNING, started_at=at))


def ended(step: str, begin: float, end: float, state: State = State.COMPLETED) -> StepEnded:
    return StepEnded(StepRun("r", step, state, started_at=begin, ended_at=end))


def test_a_run_without_history_promises_nothing() -> None:
    going = course(CHAIN, {})
    going.note(started("a", 100.0))
    assert going.headway(103.0) == Headway(0, 3, 1, is_least=True)
    assert going.headway(103.0).words() == "0/3 steps"
    assert [one.words() for one in going.at_work(103.0)] == ["a 3 s"]


def test_a_run_with_history_tells_rate_and_time_left() -> None:
    going = course(FAN, {"load": 2, "one": 9, "two": 9, "three": 9, "join": 1}, workers=2)
    for event in (started("load", 100.0), ended("load", 100.0, 102.0), started("one", 102.0), started("two", 102.0)):
        going.note(event)
    assert going.headway(105.0).words() == "1/5 steps, 2 running, 12 steps/min, about 16 s left"
    assert [one.words() for one in going.at_work(105.0)] == ["one 3 s of about 9 s", "two 3 s of about 9 s"]


def test_time_left_is_a_lower_bound_where_a_step_was_never_timed() -> None:
    going = course(CHAIN, {"a": 5, "c": 4})
    going.note(started("a", 100.0))
    assert going.headway(102.0).words() == "0/3 steps, at least 7 s left"


def test_a_run_learns_from_its_own_steps() -> None:
    needs: dict[str, tuple[str, ...]] = {f"s{number}": () for number in range(10)}
    going = course(needs, {})
    for number in range(3):
        going.note(started(f"s{number}", 100.0 + 2 * number))
        going.note(ended(f"s{number}", 100.0 + 2 * number, 102.0 + 2 * number))
    assert going.headway(106.0).words() == "3/10 steps, 0.5 steps/s, about 14 s left"


def test_steps_from_the_cache_count_as_ended_and_not_in_the_rate() -> None:
    going = course(CHAIN, {"a": 50, "b": 3, "c": 4})
    going.note(ended("a", 100.0, 100.0, State.CACHED))
    going.note(started("b", 100.0))
    assert going.headway(102.0).words() == "1/3 steps, about 5 s left"


def test_an_old_pace_is_forgotten() -> None:
    needs: dict[str, tuple[str, ...]] = {f"s{number}": () for number in range(100)}
    going = course(needs, {})
    for number in range(30):
        begin = 100.0 + (60 * number if number < 10 else 600 + number)
        going.note(ended(f"s{number}", begin, begin + 1))
    assert going.headway(730.0).rate == 1.0


def test_a_step_that_takes_longer_than_usual_says_so() -> None:
    assert AtWork("train", 12.4, 9.0).words() == "train 12 s, usually 9 s"
    assert AtWork("train", 150.0, 9.0).words() == "train 2 min 30 s, usually 9 s"
    assert AtWork("train", 0.4, 9.0).words() == "train"
    assert AtWork("train", 4.0, 0.2).words() == "train 4 s"


@pytest.mark.parametrize(
    ("per_second", "words"),
    [
        (123.4, "123 steps/s"),
        (12.04, "12 steps/s"),
        (2.0, "2 steps/s"),
        (0.84, "0.8 steps/s"),
        (0.1, "6 steps/min"),
        (0.0021, "7.6 steps/h"),
    ],
)
def test_rates_are_told_in_the_unit_that_reads_well(per_second: float, words: str) -> None:
    assert rate_words(per_second) == words
