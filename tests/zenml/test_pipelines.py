"""Pipelines as ZenML has them: notes on 0.98, tables 1.4 and 7 (13 to 17, 27)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from zenml import get_pipeline_context, get_step_context, pipeline, step
from zenml.client import Client as TheirClient
from zenml.config import CachePolicy
from zenml.enums import ExecutionMode, ExecutionStatus
from zenml.exceptions import StackValidationError, StepInterfaceError

from mlstack_nb import Client

told: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    told.clear()


@step
def number(n: int = 1) -> int:
    told.append(n)
    return n


@step
def plus(a: int, b: int = 1) -> int:
    return a + b


@step
def broken(n: int = 0) -> int:
    raise ValueError("no")


@pipeline
def adding(n: int = 1) -> None:
    plus(number(n))


# Calls


def test_a_call_returns_the_record_of_its_run(client: Client) -> None:
    run = adding(3)
    assert (run.status, run.pipeline.name, run.stack_name) == (ExecutionStatus.COMPLETED, "adding", "default")
    assert run.id == client.get_pipeline("adding").last_run.id
    assert run.steps["plus"].outputs["output"].load() == run.steps["plus"].outputs["output"][0].load() == 4
    assert run.parameters == {"n": 3}


def test_times_are_utc_and_in_order() -> None:
    run = adding()
    assert isinstance(run.start_time, datetime)
    assert run.start_time.tzinfo is not None
    assert run.start_time <= run.end_time
    assert run.duration.total_seconds() >= 0


def test_a_failure_is_a_runtime_error_that_names_the_step() -> None:
    @pipeline
    def failing() -> None:
        broken()

    with pytest.raises(RuntimeError, match="Step 'broken' of pipeline 'failing' failed: ValueError: no") as raised:
        failing()
    assert isinstance(raised.value.__cause__, ValueError)


def test_with_fail_fast_the_steps_own_exception_comes_out() -> None:
    @pipeline(execution_mode=ExecutionMode.FAIL_FAST)
    def failing() -> None:
        broken()

    with pytest.raises(ValueError, match="no"):
        failing()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, {"broken": "failed", "number": "completed", "plus": "skipped", "plus_2": "completed"}),
        (ExecutionMode.CONTINUE_ON_FAILURE, {"broken": "failed", "number": "completed", "plus": "skipped"}),
        ("stop_on_failure", {"broken": "failed", "plus": "skipped", "plus_2": "skipped"}),
    ],
)
def test_execution_modes_say_what_becomes_of_other_branches(
    client: Client, mode: Any, expected: dict[str, str]
) -> None:
    @pipeline(execution_mode=mode)
    def branches() -> None:
        plus(broken())
        plus(number(after=broken) if mode == "stop_on_failure" else number())

    with pytest.raises(RuntimeError):
        branches()
    steps = client.get_pipeline("branches").last_run.steps
    found = {name: str(one.status) for name, one in steps.items()}
    assert expected.items() <= found.items()


def test_a_pipeline_without_steps_is_refused() -> None:
    with pytest.raises(StepInterfaceError, match="calls no step"):
        pipeline(lambda: None)()


def test_arguments_of_a_pipeline_are_checked() -> None:
    with pytest.raises(RuntimeError, match="no argument 'm'"):
        adding(m=3)


def test_the_cache_is_switched_by_pipeline_step_and_call(client: Client) -> None:
    assert [one.status for one in adding(5).steps.values()] == ["completed", "completed"]
    assert [one.status for one in adding(5).steps.values()] == ["cached", "cached"]
    again = adding.with_options(enable_cache=False)(5)
    assert [one.status for one in again.steps.values()] == ["completed", "completed"]

    @pipeline(enable_cache=False)
    def mixed() -> None:
        plus.with_options(enable_cache=True)(number(5))

    mixed()
    assert [one.status for one in mixed().steps.values()] == ["completed", "cached"]


def test_a_run_that_is_wholly_cached_is_completed_and_produced_nothing() -> None:
    adding()
    run = adding()
    assert run.status == ExecutionStatus.COMPLETED
    assert (len(run.artifact_versions), len(run.produced_artifact_versions)) == (2, 0)


def test_cached_steps_cross_pipelines() -> None:
    @pipeline
    def other() -> None:
        plus(number(1))

    adding(1)
    assert {one.status for one in other().steps.values()} == {"cached"}


# Options


def test_options_that_are_none_are_not_given() -> None:
    assert pipeline(name=None, enable_cache=None, tags=None, settings=None)(number).enable_cache is None


@pytest.mark.parametrize("option", ["on_init", "on_cleanup", "on_pause", "on_resume"])
def test_hooks_that_are_not_here_are_refused_with_what_to_do(option: str) -> None:
    with pytest.raises(StepInterfaceError, match=f"no '{option}' here"):
        pipeline(**{option: print})(lambda: None)


@pytest.mark.parametrize("option", ["depends_on", "enable_heartbeat", "enable_pipeline_logs"])
def test_options_without_effect_are_told(option: str) -> None:
    with pytest.warns(UserWarning, match=f"{option}=True has no effect here"):
        pipeline(**{option: True})(lambda: None)


@pytest.mark.parametrize("name", ["deploy", "replay", "create_snapshot", "write_run_configuration_template"])
def test_methods_that_are_not_here_tell_what_to_do(name: str) -> None:
    with pytest.raises(AttributeError, match=f"pipelines have no '{name}' here: "):
        getattr(adding, name)


def test_a_schedule_is_refused_with_the_command() -> None:
    with pytest.raises(StepInterfaceError, match="mlstack schedule add"):
        adding.with_options(schedule=object())


def test_a_run_has_the_name_it_is_given(client: Client) -> None:
    run = adding.with_options(run_name="night_{date}")()
    assert run.name.startswith("night_20")
    assert client.get_pipeline_run(run.name).id == run.id


def test_tags_and_extra_are_kept_with_the_run() -> None:
    tagged = adding.with_options(tags=["nightly"], extra={"owner": "anna"})()
    assert tagged.tags == ["nightly"]
    assert tagged.config.extra == {"owner": "anna"}


def test_options_of_single_steps_by_name() -> None:
    adding()
    run = adding.with_options(steps={"number": {"enable_cache": False}})()
    assert {name: one.status for name, one in run.steps.items()} == {"number": "completed", "plus": "cached"}


def test_options_of_a_step_that_is_not_there_are_refused() -> None:
    with pytest.raises(KeyError, match="step 'numbr'"):
        adding.with_options(steps={"numbr": {"enable_cache": False}})()


def test_with_options_leaves_the_pipeline_alone_and_configure_changes_it() -> None:
    @pipeline
    def own() -> None:
        number()

    other = own.with_options(enable_cache=False)
    assert (own.enable_cache, other.enable_cache) == (None, False)
    assert own.configure(enable_cache=True) is own
    assert own.enable_cache is True


# YAML


def configured(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    return adding.with_options(config_path=file)


def test_a_yaml_file_gives_parameters_of_the_pipeline(tmp_path: Path) -> None:
    assert configured(tmp_path, "parameters: {n: 7}")().steps["plus"].output.load() == 8


def test_a_yaml_file_gives_parameters_and_options_of_steps(tmp_path: Path) -> None:
    run = configured(tmp_path, "steps: {plus: {parameters: {b: 5}, enable_cache: false}}")
    assert run().steps["plus"].output.load() == 6
    assert run().steps["plus"].status == "completed"


def test_a_yaml_file_gives_name_tags_and_cache(tmp_path: Path) -> None:
    run = configured(tmp_path, "run_name: weekly\ntags: [a]\nenable_cache: false\nextra: {k: 1}")()
    assert (run.name, run.tags, run.config.enable_cache) == ("weekly", ["a"], False)


def test_a_value_that_code_and_yaml_say_differently_is_a_runtime_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is 2 in the code, but 7 in"):
        configured(tmp_path, "parameters: {n: 7}")(n=2)


def test_an_unknown_key_of_a_yaml_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Did you mean 'enable_cache'"):
        configured(tmp_path, "enable_cach: false")


def test_hooks_of_a_yaml_file_are_found_by_their_source(tmp_path: Path) -> None:
    configured(tmp_path, f"success_hook_source: {__name__}.tell_success")()
    assert told.count("success") == 2


def tell_success() -> None:
    told.append("success")


# Nested


def test_a_pipeline_in_another_gives_its_steps_to_it() -> None:
    @pipeline
    def inner(n: int) -> Any:
        return number(n)

    @pipeline
    def outer() -> None:
        plus(inner(1), inner(2))

    run = outer()
    assert list(run.steps) == ["number", "number_2", "plus"]
    assert run.steps["plus"].output.load() == 3


def test_the_same_output_may_be_given_thrice() -> None:
    @step
    def three(a: int, b: int, c: int) -> int:
        return a + b + c

    @pipeline
    def thrice() -> None:
        n = number(2)
        three(n, n, n)

    assert thrice().steps["three"].output.load() == 6


# Contexts


def test_the_pipeline_context_tells_of_the_pipeline_that_is_wired() -> None:
    @pipeline(enable_cache=False, extra={"k": 1})
    def curious() -> None:
        context = get_pipeline_context()
        told.append((context.name, context.enable_cache, context.extra))
        number()

    curious()
    assert told[0] == ("curious", False, {"k": 1})


def test_the_pipeline_context_in_a_step_is_a_runtime_error() -> None:
    @step
    def asking() -> None:
        get_pipeline_context()

    with pytest.raises(RuntimeError, match="Inside a step"):
        asking()


def test_the_pipeline_context_elsewhere_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="No pipeline is wired"):
        get_pipeline_context()


def test_names_of_artifacts_are_filled_from_substitutions() -> None:
    @step(substitutions={"kind": "big"})
    def named() -> Annotated[int, "art_{kind}"]:
        return 1

    assert named() == 1
    names = [one.name for one in TheirClient().list_artifacts()]
    assert names == ["art_big"]


def test_a_steps_substitution_goes_before_the_pipelines() -> None:
    @step(substitutions={"kind": "steps"})
    def named() -> Annotated[int, "art_{kind}"]:
        return 1

    @pipeline(substitutions={"kind": "pipelines"})
    def naming() -> None:
        named()

    naming()
    assert [one.name for one in TheirClient().list_artifacts()] == ["art_steps"]


# Stack


@pytest.mark.parametrize("tracker", [True, "mlflow_tracker"])
def test_a_tracker_that_the_stack_lacks_is_a_stack_validation_error(tracker: Any) -> None:
    tracked = number.with_options(experiment_tracker=tracker)

    @pipeline
    def tracking() -> None:
        tracked()

    with pytest.raises(StackValidationError, match="experiment tracker"):
        tracking()
    assert told == []


# Cache policies


def runs_again(first: Any, second: Any) -> bool:
    """Whether the second pipeline's only step is executed after the first's."""
    first()
    (one,) = second().steps.values()
    return bool(one.status == "completed")


def of_one(function: Any, *args: Any, **policy: Any) -> Any:
    if policy:
        function = function.with_options(cache_policy=CachePolicy(**policy))

    @pipeline(name="one")
    def made() -> None:
        function(*args)

    return made


def test_a_policy_without_parameters_does_not_look_at_them() -> None:
    asked = {"include_step_parameters": False}
    assert not runs_again(of_one(number, 1, **asked), of_one(number, 2, **asked))
    assert runs_again(of_one(number, 1), of_one(number, 2))


def test_a_policy_without_code_does_not_look_at_it() -> None:
    before, after = step(name="give")(lambda: 1), step(name="give")(lambda: 2)
    asked = {"include_step_code": False}
    assert not runs_again(of_one(before, **asked), of_one(after, **asked))
    assert runs_again(of_one(before), of_one(after))


def test_ignored_inputs_do_not_count() -> None:
    asked = {"ignored_inputs": ["n"]}
    assert not runs_again(of_one(number, 1, **asked), of_one(number, 2, **asked))


def test_files_of_a_policy_count_by_content(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("1")
    asked = of_one(number, 1, file_dependencies=[str(file)])
    assert not runs_again(asked, asked)
    file.write_text("2")
    assert runs_again(lambda: None, asked)


def test_the_function_of_a_policy_is_asked_for_each_run() -> None:
    answers = iter([1, 1, 2])
    asked = of_one(number, 1, cache_func=lambda: next(answers))
    assert not runs_again(asked, asked)
    assert runs_again(lambda: None, asked)


def test_a_policy_expires() -> None:
    import time

    asked = of_one(number, 1, expires_after=0.05)
    asked()
    time.sleep(0.1)
    assert runs_again(lambda: None, asked)


def test_the_context_of_a_step_has_its_pipeline_run() -> None:
    @step
    def asking() -> str:
        return get_step_context().pipeline_run.name

    @pipeline
    def named() -> None:
        asking()

    run = named.with_options(run_name="mine")()
    assert run.steps["asking"].output.load() == "mine"
