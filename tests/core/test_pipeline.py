from __future__ import annotations

import json

import pytest

from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.plan import Plan
from mlstack_nb.core.stack import Component, Kind, Stack
from mlstack_nb.core.step import Fingerprint, FromParameter, FromStep, Literal, Output, Step
from mlstack_nb.errors import ConflictError, CycleError, GraphError, NotFoundError


def make(name, *, inputs=None, outputs=("out",), after=()):
    return Step(name, inputs or {}, tuple(Output(o) for o in outputs), Fingerprint("f"), after=after)


def test_steps_are_ordered_by_the_names_they_read():
    late = make("late", inputs={"x": FromStep("early", "out")})
    assert [s.name for s in Pipeline("p", (late, make("early"))).ordered()] == ["early", "late"]


def test_after_orders_steps_without_data():
    late = make("late", after=("early",))
    assert [s.name for s in Pipeline("p", (late, make("early"))).ordered()] == ["early", "late"]


def test_two_steps_of_one_name_are_refused():
    with pytest.raises(ConflictError, match="Two steps of pipeline 'p' are called 'a'"):
        Pipeline("p", (make("a"), make("a"))).ordered()


def test_an_edge_to_an_output_that_is_not_there_is_refused():
    user = make("b", inputs={"x": FromStep("a", "gone")})
    with pytest.raises(GraphError, match="Input 'x' of step 'b' is output 'gone' of step 'a'"):
        Pipeline("p", (make("a"), user)).ordered()


def test_after_an_unknown_step_offers_the_nearest():
    with pytest.raises(NotFoundError, match="Did you mean 'load'"):
        Pipeline("p", (make("load"), make("b", after=("laod",)))).ordered()


def test_a_cycle_is_refused():
    a = make("a", inputs={"x": FromStep("b", "out")})
    b = make("b", inputs={"x": FromStep("a", "out")})
    with pytest.raises(CycleError):
        Pipeline("p", (a, b)).ordered()


def test_a_plan_is_json_with_every_edge_and_no_secret():
    tracker = Component(
        Kind.EXPERIMENT_TRACKER,
        "mlflow",
        "mine",
        {"tracking_uri": "http://127.0.0.1:1", "tracking_password": "hunter2"},
        frozenset({"tracking_password"}),
    )
    user = make("b", inputs={"x": FromStep("a", "out"), "depth": FromParameter("depth"), "k": Literal(3)})
    pipeline = Pipeline("p", (make("a"), user), {"depth": 6})
    plan = Plan.of(pipeline, stack=Stack("s", (tracker,)), run_id="r")
    text = plan.to_json()
    assert "hunter2" not in text
    data = json.loads(text)
    assert data["parameters"] == {"depth": "6"}
    assert data["steps"][1]["inputs"] == {
        "x": {"step": "a", "output": "out"},
        "depth": {"parameter": "depth"},
        "k": {"literal": "3"},
    }
    assert data["steps"][1]["outputs"] == [{"name": "out", "artifact": "p::b::out"}]
