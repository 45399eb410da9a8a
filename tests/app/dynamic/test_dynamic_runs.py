"""Dynamic pipelines: steps run as they are called, in the body's own order, and are recorded as they come."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import select

from mlstack_nb import CachePolicy, pipeline, step, unmapped
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.dynamic.outputs import OutputArtifact
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.catalog.tables import step_inputs
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import GraphError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[object] = []
SEEN: list[object] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()
    SEEN.clear()


@step
def load(n: int = 3) -> list[int]:
    CALLS.append(("load", n))
    return list(range(n))


@step
def square(x: int, bad: int = -1) -> int:
    CALLS.append(("square", x))
    if x == bad:
        raise ValueError(f"no square of {x}")
    return x * x


@step
def total(xs: list[int]) -> int:
    CALLS.append(("total", tuple(xs)))
    return sum(xs)


@step
def split(xs: list[int]) -> tuple[int, int]:
    return min(xs), max(xs)


def states(run):
    return {one.step: one.state for one in run.steps}


def outcome(run, step):
    return next(one for one in run.steps if one.step == step)


def test_the_body_sees_values_and_goes_by_them():
    @pipeline(dynamic=True)
    def deciding(n: int = 3):
        numbers = load(n)
        if total(numbers).load() > 3:
            square(10)
        for number in numbers.load():
            SEEN.append(number)  # noqa: PERF402 - a loop over values is what this is about

    assert [*states(deciding())] == ["load", "total"]
    assert [*states(deciding(4))] == ["load", "total", "square"]
    assert SEEN == [0, 1, 2, 0, 1, 2, 3]


def test_a_loop_calls_a_step_until_it_is_enough_and_every_call_has_a_name():
    @pipeline(dynamic=True)
    def growing():
        found = square(2)
        while found.load() < 100:
            found = square(found)

    run = growing()
    assert [*states(run)] == ["square", "square_2", "square_3"]
    assert outcome(run, "square_3").outputs["output"].inline == "256"


def test_what_ran_before_comes_from_the_cache_also_from_a_static_pipeline():
    @pipeline
    def static():
        total(load(3))

    @pipeline(dynamic=True)
    def dynamic():
        total(load(3))

    static()
    assert set(states(dynamic()).values()) == {State.CACHED}
    assert CALLS == [("load", 3), ("total", (0, 1, 2))]


def test_an_output_is_no_value_and_says_how_to_get_it():
    @pipeline(dynamic=True)
    def testing():
        if square(2):
            square(3)

    with pytest.raises(GraphError) as caught:
        testing()
    assert ".load()" in caught.value.hint
    assert runs.show(Workspace.find(), "last")["state"] == "failed"


def test_several_outputs_are_a_tuple_and_each_is_an_edge():
    @pipeline(dynamic=True)
    def splitting():
        low, high = split(load(4))
        SEEN.append((low.load(), high.load()))
        total([low, high])

    splitting()
    assert SEEN == [(0, 3)]
    columns = step_inputs.c.name, step_inputs.c.from_step, step_inputs.c.from_output
    with Workspace.find().catalog.read() as connection:
        edges = {tuple(row) for row in connection.execute(select(*columns))}
    assert edges == {
        ("xs", "load", "output"),
        ("xs[0]", "split", "output_0"),
        ("xs[1]", "split", "output_1"),
    }


def test_a_list_of_outputs_and_values_is_one_argument():
    @pipeline(dynamic=True)
    def gathering():
        total([square(2), 5, square(3)])

    assert outcome(gathering(), "total").outputs["output"].inline == "18"


def test_a_submitted_step_is_given_to_others_and_waited_for_once_it_is_asked():
    @pipeline(dynamic=True)
    def submitting():
        first = square.submit(2)
        second = square.submit(first)
        third = total.submit([first, second, 1])
        SEEN.append(third.load())
        SEEN.append((third.running(), third.result().load(), [one.load() for one in third.artifacts()]))
        low, high = split.submit([4, 2])
        SEEN.append((low.load(), high.result().load()))

    run = submitting()
    assert SEEN == [21, (False, 21, [21]), (2, 4)]
    assert set(states(run).values()) == {State.COMPLETED}


def test_submitted_steps_run_at_the_same_time():
    together = threading.Barrier(3, timeout=20)

    @step(enable_cache=False)
    def meet(x: int) -> int:
        together.wait()
        return x

    @pipeline(dynamic=True)
    def meeting():
        SEEN.extend(meet.map([1, 2, 3]).load())

    meeting()
    assert SEEN == [1, 2, 3]


def test_one_worker_is_enough_for_steps_that_wait_for_each_other(workspace):
    place = Workspace(workspace)
    components.register(place, Kind.ORCHESTRATOR, "narrow", flavor="local", configuration={"workers": 1})
    stacks.register(place, "narrow", {Kind.ORCHESTRATOR: "narrow", Kind.ARTIFACT_STORE: "default"})
    stacks.activate(place, "narrow")

    @pipeline(dynamic=True)
    def waiting():
        last = square.submit(1)
        for _ in range(20):
            last = square.submit(last)
        mapped = square.map(load.submit(5))
        SEEN.append(total.submit([*mapped, last]).load())

    waiting()
    assert SEEN == [31]


def test_after_waits_without_reading():
    order: list[str] = []

    @step(enable_cache=False)
    def slow() -> None:
        time.sleep(0.2)
        order.append("slow")

    @step(enable_cache=False)
    def late() -> None:
        order.append("late")

    @pipeline(dynamic=True)
    def ordered():
        first = slow.submit()
        late.submit(after=first)
        late(after=[slow, late])

    ordered()
    assert order == ["slow", "late", "late"]


def test_after_something_that_is_no_step_is_refused():
    @pipeline(dynamic=True)
    def wrong():
        square(1, after="load")

    with pytest.raises(UsageError, match="after='load'"):
        wrong()


def test_a_failed_step_raises_its_own_exception_where_the_body_can_catch_it():
    @pipeline(dynamic=True)
    def careful():
        try:
            square(2, bad=2)
        except ValueError as error:
            SEEN.append(str(error))
            square(3)

    run = careful()
    assert SEEN == ["no square of 2"]
    assert states(run) == {"square": State.FAILED, "square_2": State.COMPLETED}
    assert run.state is State.COMPLETED


def test_a_failed_step_that_nobody_deals_with_fails_the_run_with_its_exception_as_cause():
    @pipeline(dynamic=True)
    def careless():
        square(2, bad=2)
        load(5)

    with pytest.raises(StepError, match=r"Step 'square'.*no square of 2") as caught:
        careless()
    assert isinstance(caught.value.__cause__, ValueError)
    assert careless.last_run.state is State.FAILED
    assert CALLS == [("square", 2)]


def test_a_submitted_step_that_fails_unseen_fails_the_run():
    @pipeline(dynamic=True)
    def unseen():
        square.submit(2, bad=2)
        load(5)

    with pytest.raises(StepError, match="no square of 2"):
        unseen()
    assert ("load", 5) in CALLS


def test_what_needs_a_failed_step_is_skipped_and_raises_the_first_exception():
    @pipeline(dynamic=True)
    def chain():
        end = square.submit(square.submit(2, bad=2))
        try:
            end.load()
        except ValueError as error:
            SEEN.append(str(error))

    run = chain()
    assert SEEN == ["no square of 2"]
    assert states(run) == {"square": State.FAILED, "square_2": State.SKIPPED}


def test_an_error_of_the_body_itself_is_raised_after_what_was_submitted_has_ended():
    @pipeline(dynamic=True)
    def broken():
        square.submit(7)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        broken()
    last = runs.show(Workspace.find(), "last")
    assert (last["state"], [one["state"] for one in last["steps"]]) == ("failed", ["completed"])


def test_with_fail_fast_nothing_is_begun_after_a_failure():
    @pipeline(dynamic=True, execution_mode="fail_fast")
    def fast():
        failed = square.submit(2, bad=2)
        failed.wait()
        square.submit(5)

    with pytest.raises(StepError, match="no square of 2"):
        fast()
    assert states(fast.last_run) == {"square": State.FAILED, "square_2": State.SKIPPED}


def test_an_interrupt_in_a_step_cancels_the_run_and_ends_what_runs_in_threads():
    begun = threading.Event()

    @step(enable_cache=False)
    def endless() -> None:
        begun.set()
        while True:
            time.sleep(0.01)

    @step(enable_cache=False)
    def interrupted() -> None:
        begun.wait(20)
        raise KeyboardInterrupt

    @pipeline(dynamic=True)
    def stopping():
        endless.submit()
        interrupted()

    with pytest.raises(KeyboardInterrupt):
        stopping()
    last = runs.show(Workspace.find(), "last")
    assert last["state"] == "cancelled"
    assert {one["step"]: one["state"] for one in last["steps"]} == {
        "endless": "cancelled",
        "interrupted": "cancelled",
    }


def test_the_pipelines_options_hold_for_its_steps():
    @pipeline(dynamic=True, enable_cache=False, cache_policy=CachePolicy(salt="a"))
    def uncached():
        load(2)

    uncached()
    assert set(states(uncached()).values()) == {State.COMPLETED}


def test_a_dynamic_pipeline_is_a_part_of_a_dynamic_one_and_not_of_a_static_one():
    @pipeline(dynamic=True)
    def inner(n: int):
        return total(load(n)).load()

    @pipeline(dynamic=True)
    def outer():
        SEEN.append(inner(3))

    @pipeline
    def static():
        inner(3)

    assert [*states(outer())] == ["load", "total"]
    assert SEEN == [3]
    with pytest.raises(UsageError, match="dynamic"):
        static()


def test_what_an_inner_pipeline_says_of_its_steps_holds_for_them_alone():
    @pipeline(enable_cache=False)
    def inner():
        load(2)

    @pipeline(dynamic=True)
    def outer():
        inner()
        square(2)

    outer()
    run = outer()
    assert states(run) == {"load": State.COMPLETED, "square": State.CACHED}


def test_a_step_that_a_step_calls_is_a_function():
    @step
    def calling(x: int) -> int:
        return square(x)

    @pipeline(dynamic=True)
    def nested():
        calling(3)

    assert [*states(nested())] == ["calling"]


def test_outside_of_a_dynamic_pipeline_submit_says_where_it_belongs():
    @pipeline
    def static():
        square.submit(2)

    with pytest.raises(UsageError, match="submitted in a pipeline that is not dynamic"):
        static()
    with pytest.raises(UsageError, match="outside of a pipeline"):
        square.submit(2)
    with pytest.raises(UsageError, match="outside of a pipeline"):
        square.map([2])


def test_an_output_knows_its_items_and_what_is_no_list_has_none():
    @pipeline(dynamic=True)
    def items():
        numbers = load(3)
        SEEN.extend([len(numbers), numbers[1].load(), [one.load() for one in numbers]])
        square(numbers.chunk(2))
        SEEN.append(isinstance(numbers[0], OutputArtifact))
        with pytest.raises(Exception, match="not a list"):
            square(2).chunk(0)

    items()
    assert SEEN == [3, 1, [0, 1, 2], True]
    assert ("square", 2) in CALLS


def test_a_step_with_several_outputs_is_not_given_as_one():
    @pipeline(dynamic=True)
    def vague():
        square(split.submit([1, 2]))

    with pytest.raises(UsageError, match="2 outputs: output_0, output_1"):
        vague()


def test_the_record_has_every_step_and_the_plan_in_the_store():
    @pipeline(dynamic=True)
    def recorded(n: int = 3):
        total(square.map(load(n), unmapped(9)))

    run = recorded()
    record = runs.show(Workspace.find(), run.id)
    assert sorted(one["step"] for one in record["steps"]) == ["load", "square[0]", "square[1]", "square[2]", "total"]
    assert record["parameters"] == {"n": 3}


def test_an_awaiting_step_is_awaited():
    @step
    async def later(x: int) -> int:
        return x + 1

    @pipeline(dynamic=True)
    def awaiting():
        SEEN.append(later(later.submit(1)).load())

    awaiting()
    assert SEEN == [3]


def test_a_call_may_be_named():
    @pipeline(dynamic=True)
    def named():
        square(2, id="first")
        square(2, id="first")

    assert [*states(named())] == ["first", "first_2"]
