"""Steps that fail: tried again after a while, and what becomes of the others."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from mlstack_nb import StepRetryConfig, pipeline, step
from mlstack_nb.app import components, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.core.run import Run, State
from mlstack_nb.core.stack import Kind
from mlstack_nb.core.step import Settings
from mlstack_nb.engine.retrying import wait_before
from mlstack_nb.errors import StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def parallel(workspace: Any) -> None:
    """The active stack runs four steps at once."""
    known = Workspace.find()
    components.register(known, Kind.ORCHESTRATOR, "wide", flavor="local", configuration={"workers": 4})
    stacks.register(known, "wide", {Kind.ORCHESTRATOR: "wide", Kind.ARTIFACT_STORE: "default"})
    stacks.activate(known, "wide")


def times_of(function: Any) -> list[float]:
    """When the attempts of a step that fails twice began."""
    begun: list[float] = []

    def flaky() -> int:
        begun.append(time.monotonic())
        if len(begun) < 3:
            raise ValueError("again")
        return 1

    made = function(flaky)

    @pipeline
    def only() -> None:
        made()

    only()
    return begun


def test_a_step_is_tried_again_after_a_delay_that_grows() -> None:
    first, second, third = times_of(step(retry=StepRetryConfig(max_retries=2, delay=0.1, backoff=3)))
    assert second - first >= 0.1
    assert third - second >= 0.3


def test_without_backoff_the_delay_stays() -> None:
    first, second, third = times_of(step(retry={"max_retries": 2, "delay": 0.1}))
    assert min(second - first, third - second) >= 0.1


@pytest.mark.usefixtures("parallel")
def test_steps_in_threads_wait_by_themselves() -> None:
    begun: list[str] = []
    failed, done = threading.Event(), threading.Event()

    @step(retry=StepRetryConfig(max_retries=1, delay=0.05))
    def flaky() -> int:
        begun.append("flaky")
        if not failed.is_set():
            failed.set()
            raise ValueError("again")
        assert done.wait(10)
        return 1

    @step
    def other() -> int:
        assert failed.wait(10)
        begun.append("other")
        done.set()
        return 2

    @pipeline
    def both() -> None:
        flaky()
        other()

    both()
    assert sorted(begun) == ["flaky", "flaky", "other"]


def test_a_delay_ends_when_everything_is_to_end() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        wait_before(2, Settings(retry_delay_s=3600), stop)


def test_the_first_attempt_waits_for_nothing() -> None:
    wait_before(1, Settings(retry_delay_s=3600), None)


@pytest.mark.parametrize(
    "retry",
    [3, StepRetryConfig(max_retries=-1), StepRetryConfig(delay=-1), {"max_retries": 1.5}, StepRetryConfig(backoff="2")],  # type: ignore[arg-type]
)
def test_a_wrong_retry_is_refused_where_it_is_written(retry: Any) -> None:
    with pytest.raises(UsageError, match="Step 'one' has retry="):
        step(name="one", retry=retry)(lambda: 1)


def test_an_unknown_word_of_a_retry_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'max_retries'"):
        step(retry={"max_retry": 1})(lambda: 1)


def states(run: Run | None) -> dict[str, State]:
    assert run is not None
    return {one.step: one.state for one in run.steps}


def failing(mode: Any = None, *, together: bool = False) -> Any:
    """`slow` runs beside `bad`, which fails once that goes on; `after_slow` could begin when both have ended."""
    begun = threading.Event()

    @step(enable_cache=False)
    def bad() -> int:
        if together:
            assert begun.wait(10)
        raise ValueError("no luck")

    @step(enable_cache=False)
    def slow() -> int:
        begun.set()
        for _ in range(40):
            time.sleep(0.02)
        return 1

    @step(enable_cache=False)
    def after_slow(number: int) -> int:
        return number

    @step(enable_cache=False)
    def after_bad(number: int) -> int:
        return number

    @pipeline(execution_mode=mode)
    def mixed() -> None:
        after_bad(bad())
        after_slow(slow())

    return mixed


@pytest.mark.usefixtures("parallel")
@pytest.mark.parametrize(
    ("mode", "slow", "after_slow"),
    [
        (None, State.COMPLETED, State.COMPLETED),
        ("continue_on_failure", State.COMPLETED, State.COMPLETED),
        (ExecutionMode.STOP_ON_FAILURE, State.COMPLETED, State.SKIPPED),
        ("fail_fast", State.CANCELLED, State.SKIPPED),
    ],
)
def test_what_a_failure_does_to_the_other_branch(mode: Any, slow: State, after_slow: State) -> None:
    mixed = failing(mode, together=True)
    with pytest.raises(StepError, match="no luck"):
        mixed()
    expected = {"bad": State.FAILED, "after_bad": State.SKIPPED, "slow": slow, "after_slow": after_slow}
    assert states(mixed.last_run) == expected
    assert mixed.last_run.state is State.FAILED


@pytest.mark.parametrize("mode", ["stop_on_failure", "fail_fast"])
def test_one_after_the_other_nothing_more_begins(mode: str) -> None:
    mixed = failing().with_options(execution_mode=mode)
    with pytest.raises(StepError, match="no luck"):
        mixed()
    assert states(mixed.last_run)["slow"] is State.SKIPPED
    assert mixed.last_run.state is State.FAILED


def test_an_unknown_mode_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"execution_mode='failfast'.\n  -> Did you mean 'fail_fast'\?"):
        pipeline(execution_mode="failfast")(lambda: None)
