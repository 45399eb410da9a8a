"""Options and parameters of a run in a YAML file."""

from __future__ import annotations

import importlib
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from mlstack_nb import CachePolicy, pipeline, step
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.policy import ExecutionMode
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import NotFoundError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")


@step
def load(rows: int = 3) -> int:
    return rows


@step
def scale(rows: int, by: float) -> float:
    return rows * by


@pipeline(enable_cache=True, extra={"owner": "anna"})
def training(rows: int = 3) -> None:
    scale(load(rows), by=2.0)


@pipeline
def bare() -> None:
    scale(load())  # type: ignore[call-arg, call-overload]


def written(text: str) -> Path:
    path = Path("run.yaml")
    path.write_text(textwrap.dedent(text))
    return path


def built(function: Any, text: str, *args: Any) -> Any:
    return function.with_options(config_path=written(text)).build(*args)[0]


def test_a_file_says_how_a_run_is_to_be() -> None:
    made = built(
        training,
        """
        run_name: nightly_{date}
        enable_cache: false
        execution_mode: stop_on_failure
        extra: {team: risk}
        tags: [nightly]
        model: {name: fraud, version: production}
        substitutions: {kind: big}
        environment: {MODE: fast}
        settings: {resources: {memory: 2GB}}
        parameters: {rows: 7}
        steps:
          load:
            enable_cache: true
            retry: {max_retries: 3, delay: 10}
            settings: {resources: {cpu_count: 4}}
            success_hook_source: os.getcwd
          scale:
            cache_policy: {salt: x}
        """,
    )
    assert (made.run_name, made.execution_mode) == ("nightly_{date}", ExecutionMode.STOP_ON_FAILURE)
    assert (made.extra, made.tags, made.model.name) == ({"owner": "anna", "team": "risk"}, ("nightly",), "fraud")
    assert made.parameters == {"rows": 7}
    load_step, scale_step = made.step("load").settings, made.step("scale").settings
    assert (load_step.cache, load_step.retries, load_step.retry_delay_s) == (True, 3, 10)
    assert load_step.resources.limits == {"memory": "2G", "cpu": "4"}
    assert load_step.hooks.on_success == "os.getcwd"
    assert (scale_step.cache, scale_step.policy, scale_step.environment) == (
        False,
        CachePolicy(salt="x"),
        {"MODE": "fast"},
    )


def test_what_is_given_beside_a_file_goes_before_it() -> None:
    path = written("enable_cache: false\nrun_name: filed")
    made = training.with_options(config_path=path, enable_cache=True).build()[0]
    assert (made.step("load").settings.cache, made.run_name) == (True, "filed")


def test_arguments_of_steps_come_from_the_file_where_the_code_gives_none() -> None:
    run = bare.with_options(
        config_path=written("steps:\n  load: {parameters: {rows: 5}}\n  scale: {parameters: {by: 3}}")
    )()
    found = Value(run.steps[-1].outputs["output"], Runtime.current().engine.codec).get()
    assert found == 15.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: {scale: {parameters: {by: 3.0}}}", "Argument 'by' of step 'scale' is 2.0 in the code, but 3.0 in the"),
        ("steps: {scale: {parameters: {rows: 3}}}", "is output 'output' of step 'load' in the code, but 3 in the"),
        ("steps: {load: {parameters: {rows: 4}}}", "Argument 'rows' of step 'load' is 3 in the code, but 4 in the"),
    ],
)
def test_a_value_that_contradicts_the_code_is_an_error_that_names_both(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        built(training, text)


def test_a_parameter_that_contradicts_the_call_is_an_error_that_names_both() -> None:
    with pytest.raises(UsageError, match="Parameter 'rows' of pipeline 'training' is 4 in the code, but 7 in the conf"):
        built(training, "parameters: {rows: 7}", 4)
    assert built(training, "parameters: {rows: 7}", 7).parameters == {"rows": 7}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "enable_cach: false",
            "run.yaml has 'enable_cach', which means nothing there.\n  -> Did you mean 'enable_cache'",
        ),
        ("steps: {load: {retrys: 1}}", "steps.load of run.yaml has 'retrys'.*\n  -> Did you mean 'retr"),
        ("steps: [load]", "'steps' in run.yaml is .*, which has no names"),
        ("steps: {load: 7}", "'load' in run.yaml is 7"),
        ("steps: {load: {parameters: {row: 1}}}", "Did you mean 'rows'"),
        ("parameters: {row: 1}", "Did you mean 'rows'"),
        ("parameters: {rows: many}", "Parameter 'rows' of pipeline 'training' takes int"),
        ("schedule: {cron_expression: '* * * * *'}", "For that there is mlstack schedule create"),
        ("model: {nam: x}", "model of run.yaml has 'nam'.*\n  -> Did you mean 'name'"),
        ("cache_policy: {files: 3}", "cache_policy of run.yaml does not fit"),
        ("steps: {load: {outputs: {output: {materializer: x}}}}", "Did you mean 'materializer_source'"),
        ("retry: {max_retries: many}", "Pipeline 'training' has retry="),
        ("a: [", "run.yaml is no YAML"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises((UsageError, NotFoundError), match=told.replace("?", r"\?")):
        built(training, text)


def test_a_step_that_the_pipeline_lacks_offers_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"options for step 'laod'.*\n  -> Did you mean 'load'"):
        built(training, "steps: {laod: {enable_cache: false}}")


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"can not be read from nowhere.yaml"):
        training.with_options(config_path="nowhere.yaml")


def test_the_example_of_the_docs_runs_and_its_file_configures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "functions.md").read_text()
    blocks = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    code, file = (next(block for kind, block in blocks if kind == wanted) for wanted in ("python", "yaml"))
    Path("report_module.py").write_text(code.replace("report(rows=10)", "made = report(rows=10)"))
    Path("nightly.yaml").write_text(file)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    module = importlib.import_module("report_module")
    assert [one.state.value for one in module.made.steps] == ["completed", "completed"]
    run = module.report.with_options(config_path="nightly.yaml")()
    assert run.name.startswith("nightly_20")
    assert run.steps[0].outputs["count"].inline == "5000"
