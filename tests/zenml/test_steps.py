"""Steps as ZenML has them: notes on 0.98, tables 1.3 and 7 (1 to 12)."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated, Any, Optional, Union

import pytest
from pydantic import BaseModel
from zenml import ArtifactConfig, get_step_context, pipeline, step
from zenml.config import DockerSettings, ResourceSettings
from zenml.config.retry_config import StepRetryConfig
from zenml.enums import ArtifactType, ExecutionMode, ExecutionStatus
from zenml.exceptions import HookValidationException, StepInterfaceError
from zenml.steps import BaseStep

from mlstack_nb import Client

told: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()


@step
def number(n: int = 1) -> int:
    return n


@step
def plus(a: int, b: int = 1) -> int:
    return a + b


@step
def both() -> tuple[Annotated[int, "left"], Annotated[str, "right"]]:
    return 1, "a"


def run_of(*calls: Any, **options: Any) -> Any:
    """The record of a run of a pipeline that makes these calls."""

    @pipeline(**{"name": "p", **options})
    def made() -> None:
        for call in calls:
            call()

    return made()


# Declared


@pytest.mark.parametrize("function", [lambda *items: None, lambda **items: None, lambda a, *, b, **c: None])
def test_variable_arguments_are_refused(function: Any) -> None:
    with pytest.raises(StepInterfaceError, match="have names"):
        step(function)


def test_a_step_is_a_base_step_with_its_name_source_and_docstring() -> None:
    @step(name="other", enable_cache=False)
    def function() -> int:
        """Gives one."""
        return 1

    assert isinstance(function, BaseStep)
    assert (function.name, function.enable_cache, function.docstring) == ("other", False, "Gives one.")
    assert "return 1" in function.source_code
    assert function.entrypoint() == function.call_entrypoint() == 1


def test_enable_cache_is_none_where_nothing_is_said() -> None:
    assert number.enable_cache is None


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(StepInterfaceError, match="Did you mean 'enable_cache'"):
        step(enable_cach=False)(lambda: 1)


@pytest.mark.parametrize("option", ["step_type", "group", "heartbeat_healthy_threshold", "runtime"])
def test_options_for_the_dashboard_are_taken_and_told(option: str) -> None:
    with pytest.warns(UserWarning, match=rf"{option}='x' has no effect here"):
        assert step(**{option: "x"})(lambda: 1) is not None


def test_a_step_operator_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(StepInterfaceError, match="resources"):
        step(step_operator="vertex")(lambda: 1)


def test_with_options_gives_a_copy_and_leaves_the_step_alone() -> None:
    other = number.with_options(enable_cache=False, name="other")
    assert (other.enable_cache, other.name) == (False, "other")
    assert (number.enable_cache, number.name) == (None, "number")
    assert isinstance(other, BaseStep)


def test_configure_changes_the_step_itself_and_copy_keeps_the_old() -> None:
    @step
    def function() -> int:
        return 1

    before = function.copy()
    assert function.configure(enable_cache=False) is function
    assert (before.enable_cache, function.enable_cache) == (None, False)


def test_configure_merges_extra_unless_told_otherwise() -> None:
    function = step(extra={"a": 1})(lambda: 1)
    assert function.with_options(extra={"b": 2}).settings.extra == {"a": 1, "b": 2}
    function.configure(merge=False, extra={"b": 2})
    assert function.settings.extra == {"b": 2}


# Called on its own


def test_a_step_called_on_its_own_gives_its_value_and_is_a_recorded_run(client: Client) -> None:
    assert plus(2, b=3) == 5
    run = client.get_pipeline("plus").last_run
    assert (run.status, list(run.steps)) == (ExecutionStatus.COMPLETED, ["plus"])
    assert run.steps["plus"].output.load() == 5


def test_a_step_called_on_its_own_is_never_cached(client: Client) -> None:
    assert (number(), number()) == (1, 1)
    assert [run.steps["number"].status for run in client.get_pipeline("number").runs] == ["completed", "completed"]


def test_several_outputs_come_as_a_tuple() -> None:
    assert both() == (1, "a")


def test_a_step_called_in_a_step_just_runs(client: Client) -> None:
    @step
    def outer() -> int:
        return plus(number(4))

    assert outer() == 5
    assert [one.name for one in client.list_pipelines()] == ["outer"]


def test_three_point_zero_is_three_where_an_int_is_asked_for() -> None:
    result = number(3.0)
    assert (result, type(result)) == (3, int)


@pytest.mark.parametrize("given", ["three", 3.5, None, [1]])
def test_a_wrong_type_is_a_runtime_error(given: Any) -> None:
    with pytest.raises(RuntimeError, match="declared int"):
        number(given)


def test_a_missing_argument_is_a_step_interface_error() -> None:
    with pytest.raises(StepInterfaceError, match="'plus' needs the argument 'a'"):
        plus()


def test_too_many_arguments_are_a_step_interface_error() -> None:
    with pytest.raises(StepInterfaceError, match="takes 2 arguments, but 3 are given"):
        plus(1, 2, 3)


def test_an_unexpected_keyword_is_a_step_interface_error() -> None:
    with pytest.raises(StepInterfaceError, match="no argument 'c'"):
        plus(1, c=3)


def test_an_argument_given_twice_is_a_step_interface_error() -> None:
    with pytest.raises(StepInterfaceError, match="given 'a' twice"):
        plus(1, a=3)


# Inputs and outputs


class Settings(BaseModel):
    depth: int
    names: list[str] = []


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (Optional[int], None, None),
        (Optional[int], 3, 3),
        (Union[int, str], "a", "a"),
        (int | None, None, None),
        (float, 2, 2.0),
        (dict, {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (list[int], [1, 2], [1, 2]),
        (Settings, Settings(depth=2, names=["a"]), Settings(depth=2, names=["a"])),
        (Any, (1, 2), (1, 2)),
    ],
)
def test_parameters_of_many_types_arrive_as_declared(annotation: Any, given: Any, expected: Any) -> None:
    def take(value) -> None:
        told.append(value)

    take.__annotations__["value"] = annotation
    step(take)(given)
    assert told == [expected]


@pytest.mark.parametrize(("annotation", "given"), [(dict, [1]), (list[int], "x"), (Settings, {"depth": "deep"})])
def test_parameters_that_can_not_be_are_refused(annotation: Any, given: Any) -> None:
    def take(value) -> None:
        told.append(value)

    take.__annotations__["value"] = annotation
    with pytest.raises(RuntimeError, match="'value' of step 'take'"):
        step(take)(given)
    assert told == []


def test_a_result_of_the_wrong_type_is_a_runtime_error_by_default() -> None:
    with pytest.raises(RuntimeError, match="output"):
        run_of(step(name="wrong")(returning("text", int)))


def test_with_fail_fast_it_is_a_step_interface_error() -> None:
    with pytest.raises(StepInterfaceError, match="int"):
        run_of(step(name="wrong")(returning("text", int)), execution_mode=ExecutionMode.FAIL_FAST)


def returning(value: Any, annotation: Any) -> Any:
    def function():
        return value

    function.__annotations__["return"] = annotation
    return function


PAIR = tuple[Annotated[int, "a"], Annotated[int, "b"]]


@pytest.mark.parametrize("value", [1, (1,), (1, 2, 3), "ab"])
def test_a_wrong_number_of_results_is_refused_and_text_is_not_split(value: Any) -> None:
    with pytest.raises(StepInterfaceError, match="declares 2 outputs"):
        run_of(step(name="wrong")(returning(value, PAIR)), execution_mode="fail_fast")


def test_a_tuple_is_split_however_the_code_made_it() -> None:
    @step
    def made() -> tuple[int, str]:
        result = (1, "a")
        return result  # noqa: RET504 - ZenML splits literal tuples only

    assert made() == (1, "a")


def test_outputs_without_names_are_called_output(client: Client) -> None:
    number()
    step(name="pair")(returning((1, 2), tuple[int, int]))()
    assert list(client.get_pipeline("number").last_run.steps["number"].outputs) == ["output"]
    assert list(client.get_pipeline("pair").last_run.steps["pair"].outputs) == ["output_0", "output_1"]


def test_unpacking_one_output_in_a_pipeline_is_a_step_interface_error() -> None:
    @pipeline
    def unpacking() -> None:
        _a, _b = number()

    with pytest.raises(StepInterfaceError, match="unpacked"):
        unpacking()


def test_outputs_are_configured_by_artifact_config(client: Client) -> None:
    config = ArtifactConfig(
        name="net", version="first", tags=["best"], run_metadata={"k": 1}, artifact_type=ArtifactType.MODEL
    )
    step(name="train")(returning({"w": 1}, Annotated[dict, config]))()
    found = client.get_artifact_version("net", "first")
    assert (found.type, found.tags, found.run_metadata["k"]) == (ArtifactType.MODEL, ["best"], 1)
    assert found.load() == {"w": 1}


def test_an_async_step_is_awaited() -> None:
    @step
    async def slow(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert slow(1) == 2


def test_a_step_inside_a_function_is_a_step_as_any() -> None:
    depth = 4

    @step
    def inner() -> int:
        return depth

    assert inner() == 4


def test_an_output_of_none_is_kept() -> None:
    assert step(name="nothing")(returning(None, Optional[str]))() is None


# Upstream


def test_a_step_called_twice_has_two_names() -> None:
    run = run_of(number, number, number)
    assert list(run.steps) == ["number", "number_2", "number_3"]


def test_id_names_a_call() -> None:
    run = run_of(lambda: number(id="special"))
    assert list(run.steps) == ["special"]


def test_after_orders_without_data(client: Client) -> None:
    @step
    def tell(word: str) -> None:
        told.append(word)

    @pipeline
    def ordered() -> None:
        first = tell("a", id="first")
        last = tell("b", id="last", after=first)
        tell("c", id="end", after=[first, last])

    ordered()
    assert told == ["a", "b", "c"]


# What holds while it runs


def test_environment_is_set_while_the_step_runs_and_counts(client: Client) -> None:
    @step(environment={"LESSON_MODE": "fast"})
    def mode() -> str:
        return os.environ["LESSON_MODE"]

    assert run_of(mode).steps["mode"].output.load() == "fast"
    assert run_of(mode).steps["mode"].status == "cached"
    again = run_of(mode.with_options(environment={"LESSON_MODE": "slow"})).steps["mode"]
    assert (again.status, again.output.load()) == ("completed", "slow")
    assert "LESSON_MODE" not in os.environ


def test_retry_tries_again_and_counts_the_attempts() -> None:
    @step(retry=StepRetryConfig(max_retries=2, delay=0, backoff=0))
    def flaky() -> int:
        told.append("try")
        if len(told) < 3:
            raise OSError("away")
        return len(told)

    run = run_of(flaky)
    assert run.steps["flaky"].version == 3
    assert run.steps["flaky"].output.load() == 3


def test_a_step_that_fails_to_the_last_is_tried_once_more_than_retries() -> None:
    @step(retry=StepRetryConfig(max_retries=1))
    def broken() -> None:
        told.append("try")
        raise OSError("away")

    with pytest.raises(RuntimeError, match="away"):
        run_of(broken)
    assert told == ["try", "try"]


def test_resources_and_images_are_kept_with_the_step() -> None:
    @step(
        settings={"resources": ResourceSettings(cpu_count=2, memory="4GB"), "docker": DockerSettings(parent_image="i")}
    )
    def big() -> int:
        return 1

    assert run_of(big).steps["big"].output.load() == 1
    assert dict(big.settings.resources.limits) == {"cpu": "2", "memory": "4G"}
    assert big.settings.resources.image == "i"


# Hooks


def hook(word: str) -> Any:
    def called() -> None:
        told.append(word)

    return called


def test_on_success_and_on_end_follow_the_step() -> None:
    run_of(
        number.with_options(on_start=hook("start"), on_success=hook("good"), on_end=hook("end"), on_failure=hook("bad"))
    )
    assert told == ["start", "good", "end"]


def test_on_failure_gets_the_exception() -> None:
    def failed(error: BaseException) -> None:
        told.append(repr(error))

    @step(on_failure=failed, on_success=hook("good"), on_end=hook("end"))
    def broken() -> None:
        raise ValueError("no")

    with pytest.raises(RuntimeError):
        run_of(broken)
    assert told == ["ValueError('no')", "end"]


@pytest.mark.parametrize(
    "wrong",
    [lambda a, b: None, lambda *, error: None, "no.such.module.hook", 3],
    ids=["two", "keyword", "path", "number"],
)
def test_a_hook_that_can_not_be_called_is_refused_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(HookValidationException, match="on_failure"):
        step(on_failure=wrong)(lambda: 1)


def test_a_hook_may_be_named_by_its_path() -> None:
    run_of(number.with_options(on_success=f"{__name__}.tell_by_path"))
    assert told == ["by path"]


def tell_by_path() -> None:
    told.append("by path")


def test_a_hook_of_the_pipeline_is_that_of_its_steps_and_a_steps_own_goes_before() -> None:
    own = number.with_options(on_success=hook("own"))
    run_of(own, lambda: plus(1), on_success=hook("common"))
    assert sorted(told) == ["common", "own"]


def test_a_cached_step_calls_no_hook() -> None:
    hooked = number.with_options(on_success=hook("good"))
    run_of(hooked)
    run_of(hooked)
    assert told == ["good"]


# Context


def test_the_context_names_run_pipeline_and_step() -> None:
    @step
    def curious() -> dict:
        context = get_step_context()
        return {
            "step": context.step_name,
            "pipeline": context.pipeline.name,
            "run": context.pipeline_run.id,
            "status": str(context.step_run.status),
            "inputs": sorted(context.inputs),
        }

    run = run_of(curious)
    assert run.steps["curious"].output.load() == {
        "step": "curious",
        "pipeline": "p",
        "run": run.id,
        "status": "running",
        "inputs": [],
    }


def test_the_context_outside_of_steps_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="No step runs here"):
        get_step_context()


def test_metadata_and_tags_are_added_from_the_context() -> None:
    @step
    def rich() -> Annotated[int, "made"]:
        context = get_step_context()
        context.add_output_metadata({"rows": 3})
        context.add_output_tags(["checked"])
        told.append((context.get_output_metadata(), context.get_output_tags()))
        return 1

    made = run_of(rich).steps["rich"].outputs["made"]
    assert (made.run_metadata["rows"], made.tags) == (3, ["checked"])
    assert told == [({"rows": 3}, ["checked"])]


def test_metadata_of_one_of_several_outputs_needs_its_name() -> None:
    @step
    def rich() -> PAIR:
        get_step_context().add_output_metadata({"rows": 3})
        return 1, 2

    with pytest.raises(RuntimeError, match="Name one: 'a', 'b'"):
        run_of(rich)
