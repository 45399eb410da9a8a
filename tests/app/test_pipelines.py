from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from blake3 import blake3

from mlstack_nb import BaseMaterializer, CachePolicy, DataFile, pipeline, step
from mlstack_nb.app import artifacts, explain, runs
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.digest import digest
from mlstack_nb.core.run import State
from mlstack_nb.core.step import FromStep
from mlstack_nb.errors import GraphError, StepError, TypeMismatchError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
CALLS: list[str] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


@step
def load(rows: int = 3) -> tuple[Annotated[pd.DataFrame, "table"], Annotated[dict[str, Any], "profile"]]:
    CALLS.append("load")
    table = pd.DataFrame({"a": range(rows)})
    return table, {"rows": len(table)}


@step
def total(table: pd.DataFrame, profile: dict[str, Any], scale: float = 1.0) -> float:
    CALLS.append("total")
    return float(table["a"].sum()) * scale * profile["rows"]


@pipeline(name="training")
def training(rows: int = 3, scale: float = 1.0):
    table, profile = load(rows)
    total(table, profile, scale=scale)


def outputs(run, name):
    return {
        output: artifact.inline for output, artifact in next(s for s in run.steps if s.step == name).outputs.items()
    }


def states(run):
    return {one.step: one.state for one in run.steps}


def test_a_pipeline_runs_its_steps_and_the_second_time_none():
    first, second = training(), training()
    assert [s.state for s in first.steps] == [State.COMPLETED, State.COMPLETED]
    assert [s.state for s in second.steps] == [State.CACHED, State.CACHED]
    assert CALLS == ["load", "total"]
    assert outputs(second, "total") == {"output": "9.0"}


def test_only_what_depends_on_a_parameter_runs_again():
    training()
    run = training(scale=2.0)
    assert [s.state for s in run.steps] == [State.CACHED, State.COMPLETED]


def test_outputs_are_named_by_their_annotation():
    built, _ = training.build()
    assert [output.name for output in built.step("load").outputs] == ["table", "profile"]
    assert built.step("total").inputs["table"] == FromStep("load", "table")


def test_a_step_outside_a_pipeline_is_its_function():
    table, profile = load(2)
    assert (len(table), profile) == (2, {"rows": 2})


def test_a_step_used_twice_gets_a_number():
    @step
    def increase(number: int) -> int:
        return number + 1

    @pipeline
    def twice():
        increase(increase(0))

    run = twice()
    assert [s.step for s in run.steps] == ["increase", "increase_2"]
    assert outputs(run, "increase_2") == {"output": "2"}


def test_steps_after_each_other_without_data():
    order = []

    @step
    def first() -> None:
        order.append("first")

    @step
    def second() -> None:
        order.append("second")

    @pipeline
    def ordered():
        done = first()
        second(after=done)

    built, _ = ordered.build()
    assert built.step("second").needs == ("first",)
    ordered()
    assert order == ["first", "second"]


def test_a_step_waits_for_all_calls_of_a_step_function():
    @step
    def first(n: int) -> None: ...

    @step
    def second() -> int:
        return 1

    @pipeline
    def ordered():
        first(1)
        first.with_options(name="again")(2)
        second(after=[first])
        second(after=second, id="last")

    built, _ = ordered.build()
    assert {name: built.step(name).needs for name in ("second", "last")} == {
        "second": ("first", "again"),
        "last": ("second",),
    }


def test_options_of_one_call_are_changed_and_the_step_stays():
    @step(retries=2, enable_cache=False)
    def load() -> int:
        return 1

    careful = load.with_options(name="careful", retries=5, timeout_s=9)
    assert (careful.name, careful.settings) == ("careful", replace(load.settings, retries=5, timeout_s=9.0))
    assert (load.name, load.settings.retries, load.settings.timeout_s) == ("load", 2, None)
    assert load.with_options(enable_cache=True).settings.cache
    assert careful() == 1
    with pytest.raises(UsageError, match="Step 'load' has retries=-1"):
        load.with_options(retries=-1)


def test_an_async_step_is_awaited():
    @step
    async def fetch() -> int:
        await asyncio.sleep(0)
        return 5

    @pipeline
    def fetching():
        fetch()

    assert outputs(fetching(), "fetch") == {"output": "5"}


def test_a_failing_step_is_named_with_its_own_exception_as_the_cause():
    @step
    def bad() -> int:
        raise ValueError("no luck")

    @pipeline
    def failing():
        bad()

    with pytest.raises(StepError, match="Step 'bad' of pipeline 'failing' failed: ValueError: no luck") as caught:
        failing()
    assert isinstance(caught.value.__cause__, ValueError)
    assert runs.show(Workspace.find())["state"] == "failed"


def test_steps_without_cache_run_each_time():
    @step(enable_cache=False)
    def fresh() -> int:
        CALLS.append("fresh")
        return 1

    @pipeline
    def refreshing():
        fresh()

    refreshing()
    refreshing()
    assert CALLS == ["fresh", "fresh"]


def test_a_whole_pipeline_without_cache_runs_each_time():
    @step
    def fresh() -> int:
        CALLS.append("fresh")
        return 1

    @pipeline(enable_cache=False)
    def refreshing():
        fresh()

    refreshing()
    refreshing()
    assert CALLS == ["fresh", "fresh"]


def test_a_pipelines_policy_is_that_of_its_steps_without_one_of_their_own():
    own = CachePolicy(salt="own")

    @step
    def plain() -> int:
        return 1

    @step(cache_policy=own)
    def special() -> int:
        return 2

    @pipeline(cache_policy=CachePolicy(salt="all"))
    def mixed():
        plain()
        special()

    built, _ = mixed.build()
    assert [s.settings.policy.salt for s in built.steps] == ["all", "own"]
    assert [s.settings.cache for s in mixed.with_options(enable_cache=False).build()[0].steps] == [False, False]


def test_too_few_values_for_the_declared_outputs():
    @step
    def short() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        return (1,)  # type: ignore[return-value]

    @pipeline
    def shorting():
        short()

    with pytest.raises(StepError, match="Step 'short' declares 2 outputs but returned 1 values") as caught:
        shorting()
    assert isinstance(caught.value.__cause__, UsageError)


def test_a_value_of_the_wrong_type_between_steps():
    @step
    def text():
        return "one"

    @step
    def double(number: int) -> int:
        return number * 2

    @pipeline
    def mixed():
        double(text())

    with pytest.raises(StepError, match="Input 'number' of step 'double' is declared int") as caught:
        mixed()
    assert isinstance(caught.value.__cause__, TypeMismatchError)


@pytest.mark.parametrize("use", [bool, list])
def test_an_output_has_no_value_while_the_pipeline_is_wired(use):
    @step
    def one() -> int:
        return 1

    @pipeline
    def early():
        use(one())

    with pytest.raises(GraphError, match="it has no value yet"):
        early.build()


def test_an_argument_too_many_names_the_step():
    @pipeline
    def wrong():
        load(rows=3, colums=4)  # type: ignore[call-arg]

    with pytest.raises(UsageError, match=r"load.*colums"):
        wrong.build()


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class CelsiusMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Celsius,)

    def save(self, data):
        (self.folder / "degrees.txt").write_text(str(data.degrees))

    def load(self, data_type):
        return data_type(float((self.folder / "degrees.txt").read_text()))

    def extract_metadata(self, data):
        return {"degrees": data.degrees}


@step
def measure() -> Annotated[Celsius, "temperature"]:
    return Celsius(21.5)


@step(output_materializers=CelsiusMaterializer)
def measure_explicitly() -> Celsius:
    return Celsius(22.5)


@step
def degrees(temperature: Celsius) -> float:
    return temperature.degrees


def test_a_materializer_of_ones_own_is_used_for_its_types():
    @pipeline
    def measuring():
        degrees(measure())
        degrees(measure_explicitly())

    run = measuring()
    assert outputs(run, "degrees") == {"output": "21.5"}
    assert outputs(run, "degrees_2") == {"output": "22.5"}
    shown = artifacts.show(Workspace.find(), "temperature")
    assert shown["metadata"].items() >= {"degrees": 21.5}.items()


def test_artifacts_are_versioned_by_name():
    training()
    training(rows=4)
    training(rows=4)
    assert [v["version"] for v in artifacts.versions(Workspace.find(), "table")] == [2, 1]


def test_a_new_version_of_a_materializer_runs_the_step_again(monkeypatch):
    @pipeline
    def measuring():
        measure_explicitly()

    assert [states(measuring()), states(measuring())] == [
        {"measure_explicitly": State.COMPLETED},
        {"measure_explicitly": State.CACHED},
    ]
    monkeypatch.setattr(CelsiusMaterializer, "VERSION", 2)
    assert states(measuring()) == {"measure_explicitly": State.COMPLETED}


def test_changed_code_of_a_materializer_runs_the_step_again(monkeypatch):
    @pipeline
    def measuring():
        measure_explicitly()

    def save(self, data):
        (self.folder / "degrees.txt").write_text(str(round(data.degrees)))

    measuring()
    monkeypatch.setattr(CelsiusMaterializer, "save", save)
    assert states(measuring()) == {"measure_explicitly": State.COMPLETED}


@step
def read_rows(rows: Annotated[str, DataFile()]) -> str:
    return Path(rows).read_text()


def test_a_parameter_that_is_a_data_file_counts_by_content(tmp_path):
    @pipeline
    def reading(rows: str):
        read_rows(rows)

    file = tmp_path / "rows.csv"
    file.write_text("1")
    assert states(reading(str(file))) == {"read_rows": State.COMPLETED}
    assert states(reading(str(file))) == {"read_rows": State.CACHED}
    file.write_text("2")
    assert states(reading(str(file))) == {"read_rows": State.COMPLETED}


def test_the_environment_of_a_step_is_set_while_it_runs_and_counts():
    @step(environment={"MODE_OF_TEST": "fast"})
    def look() -> str:
        CALLS.append(os.environ["MODE_OF_TEST"])
        return os.environ["MODE_OF_TEST"]

    @pipeline
    def looking():
        look()

    assert [states(looking())["look"], states(looking())["look"]] == [State.COMPLETED, State.CACHED]
    assert "MODE_OF_TEST" not in os.environ
    look.settings = replace(look.settings, environment={"MODE_OF_TEST": "slow"})
    assert states(looking()) == {"look": State.COMPLETED}
    assert CALLS == ["fast", "slow"]
    assert "environment MODE_OF_TEST changed" in str(explain.why(Workspace.find(), "look"))


def test_a_secret_counts_without_being_told(monkeypatch, workspace):
    @step(secrets=["TOKEN_OF_TEST"])
    def call() -> int:
        return len(os.environ["TOKEN_OF_TEST"])

    @pipeline
    def calling():
        call()

    with pytest.raises(StepError, match="reads the secret TOKEN_OF_TEST, which is not set"):
        calling()
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret-of-test")
    assert [states(calling())["call"], states(calling())["call"]] == [State.COMPLETED, State.CACHED]
    monkeypatch.setenv("TOKEN_OF_TEST", "an0ther-of-test")
    assert states(calling()) == {"call": State.COMPLETED}
    written = b"".join(path.read_bytes() for path in workspace.rglob("*") if path.is_file())
    assert b"s3cret-of-test" not in written
    assert digest("s3cret-of-test").encode() not in written
    assert blake3(b"s3cret-of-test").hexdigest().encode() not in written


def test_a_changed_materializer_that_is_chosen_by_type_runs_the_step_again(monkeypatch):
    @pipeline
    def measuring():
        degrees(measure())

    def save(self, data):
        (self.folder / "degrees.txt").write_text(str(round(data.degrees)))

    measuring()
    assert states(measuring()) == {"measure": State.CACHED, "degrees": State.CACHED}
    monkeypatch.setattr(CelsiusMaterializer, "save", save)
    run = measuring()
    assert states(run)["measure"] is State.COMPLETED
    assert states(measuring()) == {"measure": State.CACHED, "degrees": State.CACHED}
    assert "the materializer that wrote it has changed" in str(explain.why(Workspace.find(), "measure", run.id))
