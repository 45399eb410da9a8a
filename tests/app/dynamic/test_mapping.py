"""`map` and `product`: a step for each item, cached by itself, in dynamic and in other pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from mlstack_nb import BaseMaterializer, pipeline, step, unmapped
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import StepError, TypeMismatchError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[object] = []
SEEN: list[object] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()
    SEEN.clear()


@step(enable_cache=False)
def numbers(n: list[int]) -> list[int]:
    return n


@step
def square(x: int, bad: int = -1) -> int:
    CALLS.append(x)
    if x == bad:
        raise ValueError(f"no square of {x}")
    return x * x


@step
def add(a: int, b: int = 0) -> int:
    CALLS.append((a, b))
    return a + b


@step
def total(xs: list[int]) -> int:
    return sum(xs)


@step
def both(x: int) -> tuple[Annotated[int, "half"], Annotated[int, "double"]]:
    return x // 2, x * 2


@pipeline(dynamic=True)
def mapping(given: list[int], bad: int = -1):
    SEEN.append(square.map(numbers(given), unmapped(bad)).load())


@pipeline
def wired(given: list[int], bad: int = -1):
    total(square.map(numbers(given), bad))


def states(run):
    return {one.step: one.state for one in run.steps}


def ran(run, state=State.COMPLETED):
    return sorted(one.step for one in run.steps if one.step.startswith("square") and one.state is state)


def value(run, step):
    return next(one for one in run.steps if one.step == step).outputs["output"].inline


# Items


def test_results_come_in_the_order_of_the_items_and_each_item_is_a_step():
    run = mapping([3, 1, 2])
    assert SEEN == [[9, 1, 4]]
    assert ran(run) == ["square[0]", "square[1]", "square[2]"]


@pytest.mark.parametrize("kind", [mapping, wired])
def test_one_more_item_runs_one_more(kind):
    kind([1, 2, 3])
    CALLS.clear()
    run = kind([1, 9, 2, 3])
    assert CALLS == [9]
    assert [name for name in ran(run, State.CACHED) if "[" in name] == ["square[0]", "square[2]", "square[3]"]


@pytest.mark.parametrize("kind", [mapping, wired])
def test_another_order_runs_none(kind):
    kind([1, 2, 3])
    CALLS.clear()
    kind([3, 1, 2])
    assert CALLS == []


def test_an_item_has_the_key_that_a_call_with_its_value_has():
    @pipeline(dynamic=True)
    def literal():
        square.map([4, 5])
        square(4)

    keys = {one.step: one.key for one in literal().steps}
    assert keys["square[0]"] == keys["square_2"] != keys["square[1]"]


def test_a_mapped_step_of_a_wired_pipeline_shares_its_items_with_a_dynamic_one():
    wired([1, 2, 3])
    CALLS.clear()
    mapping([2, 3, 4])
    assert CALLS == [4]


def test_lists_are_walked_together_and_all_else_is_given_whole():
    @pipeline(dynamic=True)
    def together():
        SEEN.append(add.map([1, 2], (10, 20)).load())
        SEEN.append(add.map(range(2), b=5).load())
        SEEN.append(add.map(numbers([1, 2]), b=total(numbers([1, 2]))).load())

    together()
    assert SEEN == [[11, 22], [5, 6], [4, 5]]


@pytest.mark.parametrize("dynamic", [True, False])
def test_lists_of_different_lengths_are_refused_with_their_lengths(dynamic):
    @pipeline(dynamic=dynamic)
    def uneven():
        add.map(numbers([1, 2, 3]), [1, 2])

    with pytest.raises((TypeMismatchError, StepError), match="a has 3, b has 2"):
        uneven()


def test_a_product_crosses_and_the_last_list_is_walked_fastest():
    @pipeline(dynamic=True)
    def crossed():
        SEEN.append(add.product([1, 2], [10, 20]).load())

    @pipeline
    def before():
        total(add.product([1, 2], [10, 20]))

    crossed()
    assert SEEN == [[11, 21, 12, 22]]
    assert value(before(), "total") == "66"


def test_an_unmapped_list_is_given_whole():
    @step
    def count(x: int, among: list[int]) -> int:
        return among.count(x)

    @pipeline(dynamic=True)
    def counting():
        SEEN.append(count.map([1, 2], unmapped(numbers([1, 2, 1]))).load())

    @pipeline
    def before():
        total(count.map([1, 2], unmapped([1, 2, 1])))

    counting()
    assert SEEN == [[2, 1]]
    assert value(before(), "total") == "3"


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_step_that_is_mapped_over_nothing_is_refused(dynamic):
    @pipeline(dynamic=dynamic)
    def nothing():
        square.map(3)

    with pytest.raises(UsageError, match="none of its arguments is a list"):
        nothing()


def test_an_empty_list_gives_an_empty_list():
    @pipeline(dynamic=True)
    def empty():
        found = square.map([])
        SEEN.append((found.load(), len(found), bool(found)))
        total(found)

    empty()
    assert SEEN == [([], 0, False)]
    assert value(wired([]), "total") == "0"


def test_results_are_indexed_walked_unpacked_and_mapped_again():
    @pipeline(dynamic=True)
    def using():
        found = both.map([2, 4])
        halves, doubles = found.unpack()
        SEEN.append(([one.load() for one in halves], [one.load() for one in doubles], found[1].load(), len(found)))
        SEEN.append(square.map(halves).load())
        SEEN.append(square.map(square.map([1, 2])).load())
        SEEN.append([one.load() for one in found])

    using()
    assert SEEN == [([1, 2], [4, 8], (2, 8), 2), [1, 4], [1, 16], [(1, 4), (2, 8)]]


def test_several_outputs_of_a_wired_step_are_a_list_each():
    @pipeline
    def several():
        halves, doubles = both.map([2, 4])
        total(halves)
        total(doubles)

    run = several()
    assert (value(run, "total"), value(run, "total_2")) == ("3", "12")


def test_items_that_are_no_plain_data_are_stored_one_by_one():
    @step(enable_cache=False)
    def arrays(n: int) -> list[np.ndarray]:
        return [np.full(1000, at, dtype="int64") for at in range(n)]

    @step
    def added(array: np.ndarray) -> np.ndarray:
        CALLS.append("added")
        return array + 1

    @pipeline(dynamic=True)
    def adding(n: int):
        SEEN.append([int(one[0]) for one in added.map(arrays(n)).load()])

    adding(2)
    adding(3)
    assert SEEN == [[1, 2], [1, 2, 3]]
    assert CALLS == ["added"] * 3


def test_an_output_with_a_materializer_of_its_own_uses_it_for_each_item(tmp_path: Path):
    @step(output_materializers=Shouting)
    def shout(x: str) -> str:
        return x

    @step
    def joined(xs: list[str]) -> str:
        return " ".join(xs)

    @pipeline
    def shouting():
        joined(shout.map(["a", "b"]))

    assert value(shouting(), "joined") == '"A B"'


class Shouting(BaseMaterializer):
    def save(self, data: str) -> None:
        (self.folder / "text").write_text(data.upper())

    def load(self, data_type: type) -> str:
        return (self.folder / "text").read_text()


# Failures


def test_a_failing_item_does_not_stop_the_others_and_what_needs_it_is_skipped():
    @pipeline(dynamic=True)
    def failing():
        total.submit(square.map([1, 2, 3, 4], unmapped(2)))

    with pytest.raises(StepError, match=r"Step 'square\[1\]'.*no square of 2"):
        failing()
    assert sorted(CALLS) == [1, 2, 3, 4]
    assert states(failing.last_run) == {
        "square[0]": State.COMPLETED,
        "square[1]": State.FAILED,
        "square[2]": State.COMPLETED,
        "square[3]": State.COMPLETED,
        "total": State.SKIPPED,
    }


def test_a_failing_item_of_a_wired_step_is_named_and_the_others_are_kept():
    with pytest.raises(StepError, match=r"Step 'square\[1\]'.*no square of 2"):
        wired([1, 2, 3], bad=2)
    last = runs.show(Workspace.find(), "last")
    failed = next(one for one in last["steps"] if one["step"] == "square")
    assert "in square[1]; 1 of 3 items failed" in failed["failure"]["message"]
    assert {one["step"]: one["state"] for one in last["steps"]}["total"] == "skipped"


def test_the_failure_is_the_items_own_where_the_results_are_asked_for():
    @pipeline(dynamic=True)
    def asking():
        found = square.map([1, 2], unmapped(2))
        SEEN.append(found[0].load())
        with pytest.raises(ValueError, match="no square of 2"):
            found.load()

    assert asking().state is State.COMPLETED
    assert SEEN == [1]


# Many


def test_two_hundred_items_in_eight_threads_are_all_recorded(workspace: Path):
    place = Workspace(workspace)
    components.register(place, Kind.ORCHESTRATOR, "wide", flavor="local", configuration={"workers": 8})
    stacks.register(place, "wide", {Kind.ORCHESTRATOR: "wide", Kind.ARTIFACT_STORE: "default"})
    stacks.activate(place, "wide")
    given = list(range(200))
    run = mapping(given)
    assert SEEN == [[one * one for one in given]]
    record = runs.show(Workspace.find(), run.id)
    assert {one["step"] for one in record["steps"]} == {"numbers", *(f"square[{at}]" for at in given)}
    assert {one["state"] for one in record["steps"]} == {"completed"}
    assert value(wired(given), "total") == str(sum(one * one for one in given))


def test_equal_items_are_one_result():
    run = mapping([2, 2, 2])
    assert SEEN == [[4, 4, 4]]
    assert len({one.key for one in run.steps if one.step.startswith("square")}) == 1
