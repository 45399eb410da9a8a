from __future__ import annotations

import os
import time

import pandas as pd
import pytest

from mlstack_nb.core.policy import CachePolicy
from mlstack_nb.core.run import State
from mlstack_nb.engine.calls import StepCall
from mlstack_nb.engine.execute import run_sync
from mlstack_nb.engine.runner import drive
from mlstack_nb.errors import (
    ConfigError,
    MaterializerError,
    MissingOutputError,
    StepTimeoutError,
    TypeMismatchError,
)


@pytest.fixture
def run(engine):
    def run(step, body, *, parameters=None, inputs=None):
        call = StepCall(step, "run-1", "p", inputs=inputs or {}, parameters=parameters or {})
        return run_sync(drive(call, engine), body)

    return run


def never(_inputs):
    raise AssertionError("this step must come from the cache")


def test_a_step_runs_once_and_is_cached_then(run, make_step, events):
    first = run(make_step(), lambda inputs: {"out": inputs["x"] + 1}, parameters={"x": 1})
    second = run(make_step(), never, parameters={"x": 1})
    assert (first.run.state, second.run.state) == (State.COMPLETED, State.CACHED)
    assert second.outputs["out"].get() == 2
    assert second.run.saved_s == pytest.approx(first.run.duration_s, abs=0.01)
    assert events.names() == ["StepStarted", "StepEnded", "StepEnded"]


@pytest.mark.parametrize("changed", [{"code": "v2"}, {"outputs": ("other",)}])
def test_other_code_or_outputs_are_another_key(run, make_step, changed):
    run(make_step(), lambda _: {"out": 1})
    result = run(make_step(**changed), lambda _: {"out": 2, "other": 2})
    assert result.run.state is State.COMPLETED


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_a_parameter_of_another_type_is_another_key(run, make_step, value):
    run(make_step(), lambda _: {"out": 1}, parameters={"x": 1})
    assert run(make_step(), lambda _: {"out": 2}, parameters={"x": value}).run.state is State.COMPLETED


def test_a_path_counts_with_the_content_of_its_file(run, make_step, tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("one")
    states = []
    for text in ("one", "two", "one"):
        file.write_text(text)
        result = run(make_step(), lambda inputs: {"out": inputs["file"].read_text()}, parameters={"file": file})
        states.append((result.run.state, result.outputs["out"].get()))
    assert states == [(State.COMPLETED, "one"), (State.COMPLETED, "two"), (State.CACHED, "one")]


def test_an_input_of_equal_content_is_a_hit_whatever_made_it(run, make_step, engine):
    one = engine.codec.save(pd.DataFrame({"a": [1]}), name="one")
    other = engine.codec.save(pd.DataFrame({"a": [1]}), name="other")
    run(make_step(), lambda inputs: {"out": len(inputs["df"])}, inputs={"df": one})
    assert run(make_step(), never, inputs={"df": other}).run.state is State.CACHED


def test_what_a_step_does_to_its_input_nobody_else_sees(run, make_step, engine):
    frame = engine.codec.save(pd.DataFrame({"a": [1, 2]}), name="df")
    items = engine.codec.save([1, [2]], name="items")

    def spoil(inputs):
        inputs["df"]["a"] = 0
        inputs["df"].insert(0, "b", 1)
        inputs["items"][1].append(3)
        return {"out": None}

    run(make_step(), spoil, inputs={"df": frame, "items": items})
    pd.testing.assert_frame_equal(frame.get(), pd.DataFrame({"a": [1, 2]}))
    assert items.get() == [1, [2]]


def test_a_step_without_cache_runs_again_and_its_result_is_what_counts(run, make_step):
    run(make_step(), lambda _: {"out": 1})
    assert run(make_step(cache=False), lambda _: {"out": 2}).run.state is State.COMPLETED
    assert run(make_step(), never).outputs["out"].get() == 2


@pytest.fixture
def policy_run(run, make_step):
    def run_with(policy, *, code="v1", **parameters):
        return run(make_step(code=code, policy=policy), lambda _: {"out": 1}, parameters=parameters).run.state

    return run_with


def test_an_excluded_parameter_does_not_count(policy_run):
    policy = CachePolicy(exclude="parameter seed")
    assert policy_run(policy, seed=1, depth=1) is State.COMPLETED
    assert policy_run(policy, seed=2, depth=1) is State.CACHED
    assert policy_run(policy, seed=2, depth=2) is State.COMPLETED


def test_another_salt_forgets_earlier_results(policy_run):
    assert policy_run(CachePolicy(salt="a")) is State.COMPLETED
    assert policy_run(CachePolicy(salt="a")) is State.CACHED
    assert policy_run(CachePolicy(salt="b")) is State.COMPLETED


def test_a_file_of_the_policy_counts_with_its_content(policy_run, tmp_path):
    file = tmp_path / "lookup.csv"
    policy = CachePolicy(files=str(file))
    states = []
    for text in ("one", "one", "two"):
        file.write_text(text)
        states.append(policy_run(policy))
    assert states == [State.COMPLETED, State.CACHED, State.COMPLETED]


def test_an_expired_result_is_made_again_and_then_good_for_as_long(policy_run, monkeypatch):
    policy = CachePolicy(expires_after_s=3600)
    now = time.time()
    states = []
    for hours in (0, 0.9, 1.1, 2.0, 2.2):
        monkeypatch.setattr(time, "time", lambda hours=hours: now + 3600 * hours)
        states.append(policy_run(policy))
    assert states == [State.COMPLETED, State.CACHED, State.COMPLETED, State.CACHED, State.COMPLETED]


def test_the_cache_can_be_switched_off_for_everything(run, make_step, monkeypatch):
    run(make_step(), lambda _: {"out": 1})
    monkeypatch.setenv("MLSTACK_CACHE", "off")
    assert run(make_step(), lambda _: {"out": 2}).run.state is State.COMPLETED
    monkeypatch.delenv("MLSTACK_CACHE")
    assert run(make_step(), never).outputs["out"].get() == 2


def test_a_failing_step_is_recorded_and_raises_what_it_raised(run, make_step, events):
    with pytest.raises(ZeroDivisionError):
        run(make_step(), lambda _: 1 / 0)
    failed = events[-1].step
    assert failed.state is State.FAILED
    assert (failed.failure.type, failed.failure.message) == ("ZeroDivisionError", "division by zero")
    assert "ZeroDivisionError" in failed.failure.traceback


def test_a_failed_step_is_not_cached(run, make_step):
    with pytest.raises(ZeroDivisionError):
        run(make_step(), lambda _: 1 / 0)
    assert run(make_step(), lambda _: {"out": 1}).run.state is State.COMPLETED


def test_an_interrupt_is_a_cancelled_step(run, make_step, events, engine):
    def interrupted(_inputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(make_step(retries=3), interrupted)
    assert events[-1].step.state is State.CANCELLED
    assert list(engine.store.files.paths("cache")) == []
    assert list(engine.store.files.paths("staging")) == []


def test_a_step_is_tried_again_as_often_as_it_says(run, make_step):
    tries = []

    def flaky(_inputs):
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")
        return {"out": len(tries)}

    result = run(make_step(retries=2), flaky)
    assert (result.run.state, result.run.attempt, result.outputs["out"].get()) == (State.COMPLETED, 3, 3)


def test_each_try_gets_the_inputs_as_they_were(run, make_step, engine):
    seen = []

    def flaky(inputs):
        inputs["items"].append(2)
        seen.append(list(inputs["items"]))
        if len(seen) == 1:
            raise ValueError
        return {"out": inputs["items"]}

    run(make_step(retries=1), flaky, inputs={"items": engine.codec.save([1], name="items")})
    assert seen == [[1, 2], [1, 2]]


def test_a_step_that_takes_too_long_is_ended(run, make_step, events):
    with pytest.raises(StepTimeoutError, match=r"Step 'work' ran longer than its timeout of 0\.05 s"):
        run(make_step(timeout_s=0.05), lambda _: time.sleep(30))
    assert events[-1].step.state is State.FAILED


def test_an_output_that_was_not_assigned_is_named(run, make_step):
    with pytest.raises(MissingOutputError, match="Step 'work' ended without assigning its output 'b'"):
        run(make_step(outputs=("a", "b")), lambda _: {"a": 1})


def test_nothing_is_committed_unless_every_output_is_written(run, make_step, engine):
    with pytest.raises(MaterializerError, match="Output 'b' of step 'work' can not be stored"):
        run(make_step(outputs=("a", "b")), lambda _: {"a": 1, "b": open(os.devnull)})  # noqa: SIM115
    assert list(engine.store.files.paths("cache")) == []


def test_an_output_of_the_wrong_type_is_refused(run, make_step):
    with pytest.raises(TypeMismatchError, match="Output 'out' of step 'work' is declared int, but it is a str"):
        run(make_step(types={"out": int}), lambda _: {"out": "1"})


def test_an_input_of_the_wrong_type_is_refused(run, make_step, engine):
    value = engine.codec.save("text", name="p::load::x")
    with pytest.raises(TypeMismatchError, match=r"Input 'x' of step 'work' is declared int.* is a builtins\.str"):
        run(make_step(types={"x": int}), never, inputs={"x": value})


def test_a_tracker_that_the_stack_lacks_fails_before_the_code_runs(run, make_step):
    with pytest.raises(ConfigError, match="Step 'work' asks for the experiment tracker 'mine'"):
        run(make_step(tracker="mine"), never)


def test_an_async_body_is_awaited(run, make_step):
    async def body(inputs):
        return {"out": inputs["x"] * 2}

    assert run(make_step(), body, parameters={"x": 21}).outputs["out"].get() == 42


def test_the_loser_of_a_race_takes_the_winners_result(run, make_step):
    def slow(_inputs):
        run(make_step(), lambda _: {"out": "first"})
        return {"out": "second"}

    result = run(make_step(), slow)
    assert result.outputs["out"].get() == "first"
    assert not result.made_here
