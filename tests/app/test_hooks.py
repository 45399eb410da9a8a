"""Hooks of steps and pipelines: when they are called, with what, and what they can not do."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import pytest

from mlstack_nb import BaseMaterializer, get_step_context, pipeline, step
from mlstack_nb.core.run import Run, State
from mlstack_nb.errors import StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def started() -> None:
    CALLS.append("start")


def succeeded() -> None:
    CALLS.append("success")


def failed(error: BaseException) -> None:
    CALLS.append(("failure", type(error).__name__, str(error)))


def ended(error: BaseException | None = None) -> None:
    CALLS.append(("end", None if error is None else type(error).__name__))


HOOKS: Any = {"on_start": started, "on_success": succeeded, "on_failure": failed, "on_end": ended}


def run_of(*functions: Any) -> Run:
    @pipeline
    def only() -> None:
        for function in functions:
            function()

    return only()


def test_a_step_that_succeeds_is_told_at_its_start_and_at_its_end() -> None:
    @step(**HOOKS)
    def fine() -> int:
        CALLS.append("code")
        return 1

    run_of(fine)
    assert CALLS == ["start", "code", "success", ("end", None)]


def test_a_step_that_fails_tells_its_exception() -> None:
    @step(**HOOKS)
    def bad() -> int:
        raise ValueError("no luck")

    with pytest.raises(StepError, match="no luck"):
        run_of(bad)
    assert CALLS == ["start", ("failure", "ValueError", "no luck"), ("end", "ValueError")]


def test_success_is_told_after_validation_so_a_wrong_output_is_a_failure() -> None:
    """In ZenML 0.98 `on_success` is called first, the step fails then, and `on_failure` is never called."""

    @step(**HOOKS)
    def wrong() -> int:
        return "text"  # type: ignore[return-value]

    with pytest.raises(StepError, match="declared int, but it is a str"):
        run_of(wrong)
    assert CALLS == ["start", ("failure", "TypeMismatchError", CALLS[1][2]), ("end", "TypeMismatchError")]


def test_success_is_told_after_the_commit_so_an_output_that_can_not_be_stored_is_a_failure() -> None:
    class Broken(BaseMaterializer):
        def save(self, data: Any) -> None:
            raise OSError("no such disk")

    @step(output_materializers=Broken, **HOOKS)
    def unstorable() -> int:
        return 1

    with pytest.raises(StepError, match="no such disk"):
        run_of(unstorable)
    assert [call[0] for call in CALLS[1:]] == ["failure", "end"]


def test_the_result_is_in_the_store_when_success_is_told() -> None:
    def look() -> None:
        CALLS.append([path.name for path in Path(".mlstack/store/cache").rglob("*.json")])

    @step(on_success=look)
    def fine() -> int:
        return 1

    run = run_of(fine)
    assert CALLS == [[f"{run.steps[0].key}.json"]]


def test_a_cached_step_calls_no_hooks() -> None:
    @step(**HOOKS)
    def fine() -> int:
        return 1

    run_of(fine)
    CALLS.clear()
    assert run_of(fine).steps[0].state is State.CACHED
    assert CALLS == []


def test_a_step_that_is_tried_again_is_told_once() -> None:
    attempts: list[int] = []

    @step(retries=2, enable_cache=False, **HOOKS)
    def flaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("again")
        return 1

    run_of(flaky)
    assert (len(attempts), CALLS) == (3, ["start", "success", ("end", None)])


def test_a_hook_that_raises_is_told_and_changes_no_state(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise RuntimeError("hook broke")

    @step(on_success=broken, on_end=ended)
    def fine() -> int:
        return 1

    @step
    def after(number: int) -> int:
        return number + 1

    @pipeline
    def both() -> None:
        after(fine())

    run = both()
    assert [one.state for one in run.steps] == [State.COMPLETED, State.COMPLETED]
    assert CALLS == [("end", None)]
    told = capsys.readouterr().err
    assert "step fine: its hook on_success=" in told and "raised RuntimeError: hook broke" in told


def test_a_failure_stays_the_steps_own_when_its_hook_raises() -> None:
    def broken(error: BaseException) -> None:
        raise RuntimeError("hook broke")

    @step(on_failure=broken)
    def bad() -> int:
        raise ValueError("the real one")

    with pytest.raises(StepError, match="ValueError: the real one"):
        run_of(bad)


def test_hooks_of_a_pipeline_are_those_of_its_steps_that_have_none() -> None:
    def own() -> None:
        CALLS.append("own")

    @step
    def plain() -> int:
        return 1

    @step(on_success=own)
    def special() -> int:
        return 2

    @pipeline(on_success=succeeded)
    def both() -> None:
        plain()
        special()

    both()
    assert CALLS == ["success", "own"]


def test_a_hook_may_be_given_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_hooks.py").write_text("told = []\ndef tell():\n    told.append('told')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    @step(on_success="my_hooks.tell")
    def fine() -> int:
        return 1

    run_of(fine)
    import my_hooks  # type: ignore[import-not-found]

    assert my_hooks.told == ["told"]


def test_a_hook_may_be_async_and_sees_the_steps_environment() -> None:
    async def tell() -> None:
        await asyncio.sleep(0)
        CALLS.append(os.environ["MODE"])

    @step(on_success=tell, environment={"MODE": "fast"})
    def fine() -> int:
        return 1

    run_of(fine)
    assert CALLS == ["fast"]


def test_a_hook_knows_the_step_that_ended() -> None:
    def tell() -> None:
        context = get_step_context()
        CALLS.append((context.step_name, context.step_run.state, list(context.step_run.outputs)))

    @step(on_success=tell)
    def fine() -> Annotated[int, "number"]:
        return 1

    run_of(fine)
    assert CALLS == [("fine", State.COMPLETED, ["number"])]


def test_hooks_do_not_count_in_the_key() -> None:
    @step
    def fine() -> int:
        return 1

    run_of(fine)
    assert run_of(fine.with_options(on_success=succeeded)).steps[0].state is State.CACHED


def takes_two(error: BaseException, more: int) -> None: ...


def takes_a_number(number: int) -> None: ...


def takes_a_keyword(*, error: BaseException) -> None: ...


@pytest.mark.parametrize(
    ("hooks", "told"),
    [
        ({"on_failure": takes_two}, "takes \\(error: .*BaseException.*, more: .*int.*\\); it is given the exception"),
        ({"on_end": takes_a_number}, "whose argument 'number' is no exception but <class 'int'>"),
        ({"on_success": failed}, "it is given no argument"),
        ({"on_start": failed}, "it is given no argument"),
        ({"on_failure": takes_a_keyword}, "it is given the exception"),
        ({"on_success": 7}, "7, which can not be called"),
        ({"on_success": "no_such_module.tell"}, "can not be imported: No module named 'no_such_module'"),
        ({"on_success": "os.no_such_function"}, "can not be imported"),
        ({"on_end": "tell"}, "can not be imported"),
    ],
)
def test_a_hook_that_could_not_be_called_is_refused_where_it_is_written(hooks: Any, told: str) -> None:
    with pytest.raises(UsageError, match=f"Step 'one' has {next(iter(hooks))}=.*{told}") as caught:
        step(name="one", **hooks)(lambda: 1)
    assert caught.value.hint
    with pytest.raises(UsageError, match="Pipeline 'all' has"):
        pipeline(name="all", **hooks)(lambda: None)
    with pytest.raises(UsageError, match="Step 'one' has"):
        step(name="one")(lambda: 1).with_options(**hooks)
