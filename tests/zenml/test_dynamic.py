"""Dynamic pipelines as ZenML has them: notes on 0.98, tables 1.7 and 7 (14, 15)."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import pytest
from zenml import pipeline, step, unmapped


@step
def numbers(count: int = 3) -> list[int]:
    return list(range(count))


@step
def square(n: int) -> int:
    return n * n


@step
def plus(a: int, b: int) -> int:
    return a + b


@step
def total(items: list[int]) -> int:
    return sum(items)


@step
def both(n: int) -> tuple[Annotated[int, "same"], Annotated[int, "next"]]:
    return n, n + 1


def dynamic(function: Any) -> Any:
    return pipeline(dynamic=True)(function)


found: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_found() -> None:
    found.clear()


def test_values_decide_what_runs() -> None:
    @dynamic
    def deciding() -> None:
        n = square(3)
        if n.load() > 5:
            total([n, n])

    assert list(deciding().steps) == ["square", "total"]


def test_a_loop_calls_a_step_as_often_as_it_goes_round() -> None:
    @dynamic
    def looping() -> None:
        for n in range(3):
            square(n)

    assert list(looping().steps) == ["square", "square_2", "square_3"]


def test_map_runs_once_for_each_item_and_fans_in_as_a_list() -> None:
    @dynamic
    def mapping() -> None:
        squares = square.map(numbers(4))
        found.extend(squares.load())
        total(squares)

    run = mapping()
    assert found == [0, 1, 4, 9]
    assert run.steps["total"].output.load() == 14


def test_map_walks_lists_together_and_refuses_other_lengths() -> None:
    @dynamic
    def zipped(right: list[int]) -> None:
        found.extend(plus.map([1, 2], right).load())

    zipped([10, 20])
    assert found == [11, 22]
    with pytest.raises(RuntimeError, match="2"):
        zipped([1, 2, 3])


def test_product_lets_every_item_meet_every_other() -> None:
    @dynamic
    def crossing() -> None:
        found.extend(plus.product([1, 2], [10, 20]).load())

    crossing()
    assert found == [11, 21, 12, 22]


def test_what_is_unmapped_is_given_whole() -> None:
    @step
    def count_in(n: int, items: list[int]) -> int:
        return items.count(n)

    @dynamic
    def counting() -> None:
        found.extend(count_in.map(numbers(3), unmapped([1, 1, 2])).load())

    counting()
    assert found == [0, 2, 1]


def test_several_outputs_of_a_mapped_step_are_unpacked() -> None:
    @dynamic
    def unpacking() -> None:
        same, following = both.map(numbers(2)).unpack()
        found.append(([one.load() for one in same], [one.load() for one in following]))

    unpacking()
    assert found == [([0, 1], [1, 2])]


def test_each_mapped_item_is_cached_by_itself() -> None:
    @dynamic
    def mapping(items: list[int]) -> None:
        square.map(items)

    mapping([1, 2])
    statuses = [str(one.status) for one in mapping([1, 2, 3]).steps.values()]
    assert sorted(statuses) == ["cached", "cached", "completed"]


def test_submitted_steps_run_beside_each_other() -> None:
    meeting = threading.Barrier(2, timeout=30)

    @step
    def meet(n: int) -> int:
        meeting.wait()
        return n

    @dynamic
    def meeting_up() -> None:
        first, second = meet.submit(1), meet.submit(2)
        found.append((first.load(), second.load()))

    meeting_up()
    assert found == [(1, 2)]


def test_map_with_an_input_on_its_way_returns_at_once() -> None:
    goes_on = threading.Event()

    @step
    def wait() -> list[int]:
        goes_on.wait(30)
        return [1, 2]

    @dynamic
    def pending() -> None:
        waited = wait.submit()
        assert waited.running()
        goes_on.set()
        found.extend(square.map(waited).load())

    pending()
    assert found == [1, 4]


def test_a_future_is_an_input_and_may_be_given_twice() -> None:
    @dynamic
    def futures() -> None:
        n = square.submit(2)
        found.append(plus(n, n).load())

    futures()
    assert found == [8]


def test_a_future_knows_result_artifacts_and_chunks() -> None:
    @dynamic
    def asking() -> None:
        future = numbers.submit(3)
        found.append((future.result().load(), [one.name for one in future.artifacts()]))
        found.append(square(future[0].chunk(2)).load())

    asking()
    assert found == [([0, 1, 2], ["output"]), 4]


def test_what_a_submitted_step_raises_comes_out_where_it_is_asked_for() -> None:
    @step
    def broken() -> int:
        raise OSError("away")

    @dynamic
    def failing() -> None:
        future = broken.submit()
        try:
            future.load()
        except OSError as error:
            found.append(str(error))
            raise

    with pytest.raises((RuntimeError, OSError), match="away"):
        failing()
    assert found == ["away"]


def test_a_step_after_one_that_failed_raises_the_first_ones_exception() -> None:
    @step
    def broken(n: int) -> int:
        raise OSError("away")

    @dynamic
    def failing() -> None:
        square(broken.submit(1)).load()

    with pytest.raises((RuntimeError, OSError), match="away"):
        failing()


def test_many_more_items_than_workers_do_not_lock_up() -> None:
    @dynamic
    def wide() -> None:
        found.append(total(square.map(numbers(40))).load())

    wide()
    assert found == [sum(n * n for n in range(40))]


def test_a_mapped_step_has_no_list_to_walk_is_refused() -> None:
    @dynamic
    def mapping() -> None:
        square.map(3)

    with pytest.raises(RuntimeError, match="none of its arguments is a list"):
        mapping()


def test_submit_outside_of_dynamic_pipelines_is_refused() -> None:
    @pipeline
    def static() -> None:
        square.submit(1)

    with pytest.raises(RuntimeError):
        static()


def test_a_static_pipeline_maps_as_well() -> None:
    @pipeline
    def static() -> None:
        total(square.map(numbers(3)))

    assert static().steps["total"].output.load() == 5
