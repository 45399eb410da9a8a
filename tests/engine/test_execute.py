from __future__ import annotations

import json

import pytest

from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Stack
from mlstack_nb.core.step import FromParameter, FromStep, Literal
from mlstack_nb.engine.execute import Execution
from mlstack_nb.errors import ConfigError


@pytest.fixture
def execute(engine):
    def execute(steps, bodies, **parameters):
        pipeline = Pipeline("p", tuple(steps), parameters)
        plan = Plan.of(pipeline, stack=Stack("s", ()), run_id="run-1")
        execution = Execution(plan, bodies, engine)
        return execution, execution.run()

    return execute


def states(run):
    return {step.step: step.state for step in run.steps}


def test_values_go_from_step_to_step(execute, make_step):
    a = make_step("a", inputs={"x": FromParameter("x"), "y": Literal(10)})
    b = make_step("b", inputs={"value": FromStep("a", "out")})
    execution, run = execute(
        [b, a], {"a": lambda i: {"out": i["x"] + i["y"]}, "b": lambda i: {"out": i["value"] * 2}}, x=1
    )
    assert run.state is State.COMPLETED
    assert execution.results["b"].outputs["out"].get() == 22


def test_other_branches_finish_when_one_fails(execute, make_step, events):
    steps = [
        make_step("bad"),
        make_step("after_bad", inputs={"x": FromStep("bad", "out")}),
        make_step("last", inputs={"x": FromStep("after_bad", "out")}),
        make_step("good"),
    ]
    execution, run = execute(steps, {"bad": lambda _: 1 / 0, "good": lambda _: {"out": 1}})
    assert run.state is State.FAILED
    assert states(run) == {
        "bad": State.FAILED,
        "after_bad": State.SKIPPED,
        "last": State.SKIPPED,
        "good": State.COMPLETED,
    }
    assert isinstance(execution.errors["bad"], ZeroDivisionError)


def test_a_whole_cached_run_is_cached(execute, make_step):
    steps, bodies = [make_step("a")], {"a": lambda _: {"out": 1}}
    execute(steps, bodies)
    assert execute(steps, bodies)[1].state is State.CACHED


def test_an_interrupt_ends_the_run_as_cancelled(execute, make_step, events):
    def stop(_inputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute([make_step("a")], {"a": stop})
    assert events.names()[-1] == "RunEnded"
    assert events[-1].run.state is State.CANCELLED
    assert states(events[-1].run) == {"a": State.CANCELLED}


def test_a_missing_tracker_is_found_before_anything_runs(execute, make_step, events):
    def never(_inputs):
        raise AssertionError

    with pytest.raises(ConfigError, match="Step 'b' asks for an experiment tracker"):
        execute([make_step("a"), make_step("b", tracker="")], {"a": never, "b": never})
    assert events == []


def test_plan_and_step_records_are_in_the_store(execute, make_step, engine):
    execute([make_step("a"), make_step("b", code="v2")], {"a": lambda _: {"out": 1}, "b": lambda _: 1 / 0})
    files = engine.store.files
    assert list(files.paths("runs")) == [
        "runs/run-1/plan.json",
        "runs/run-1/run.json",
        "runs/run-1/steps/a.json",
        "runs/run-1/steps/b.json",
    ]
    assert json.loads(files.read("runs/run-1/run.json"))["state"] == "failed"
    record = json.loads(files.read("runs/run-1/steps/b.json"))
    assert (record["state"], record["failure"]["type"]) == ("failed", "ZeroDivisionError")
    assert json.loads(files.read("runs/run-1/steps/a.json"))["outputs"]["out"]["inline"] == "1"


def test_a_parameter_that_can_not_be_digested_fails_its_step_only(execute, make_step):
    with open("/dev/null") as handle:
        a = make_step("a", inputs={"x": Literal(handle)})
        execution, run = execute([a, make_step("b", code="b")], {"a": lambda _: {"out": 1}, "b": lambda _: {"out": 1}})
    assert states(run) == {"a": State.FAILED, "b": State.COMPLETED}
    assert "TextIOWrapper" in str(execution.errors["a"])
