"""Options of steps and pipelines: what they mean, which goes before which, and which of them count."""

from __future__ import annotations

import os
from typing import Annotated, Any, Optional, Tuple  # noqa: UP035  (people write these)

import pytest

from mlstack_nb import ArtifactConfig, ArtifactType, BaseMaterializer, pipeline, step
from mlstack_nb.app import machine_settings
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.app.single_steps import run_single
from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.model import ModelSpec
from mlstack_nb.core.run import Run, State
from mlstack_nb.core.step import Resources
from mlstack_nb.engine.values import Value
from mlstack_nb.errors import GraphError, NotFoundError, StepError, UsageError

pytestmark = pytest.mark.usefixtures("workspace")
BEST = ArtifactConfig(name="best", version="44", tags=["a"], run_metadata={"rows": 3}, artifact_type=ArtifactType.MODEL)


@step
def one() -> int:
    return 1


def run_of(*functions: Any, **options: Any) -> Run:
    @pipeline(**options)
    def only() -> None:
        for function in functions:
            function()

    return only()


def output(run: Run, step: str, name: str = "output") -> Artifact:
    return next(one for one in run.steps if one.step == step).outputs[name]


def value(run: Run, step: str, name: str = "output") -> Any:
    return Value(output(run, step, name), Runtime.current().engine.codec).get()


# with_options and configure


def test_with_options_is_another_step_and_merges_what_has_names() -> None:
    first = step(extra={"a": 1}, settings={"resources": {"cpu_count": 2}}, tags=["x"])(lambda: 1)
    second = first.with_options(extra={"b": 2}, settings={"resources": {"memory": "4GB"}}, tags=["y"])
    assert (first.settings.extra, first.settings.tags) == ({"a": 1}, ("x",))
    assert (second.settings.extra, second.settings.tags) == ({"a": 1, "b": 2}, ("x", "y"))
    assert second.settings.resources == Resources(limits={"cpu": "2", "memory": "4G"})


def test_configure_changes_the_step_itself() -> None:
    made = step(extra={"a": 1})(lambda: 1)
    assert made.configure(name="renamed", extra={"b": 2}) is made
    assert (made.name, made.settings.extra) == ("renamed", {"a": 1, "b": 2})
    made.configure(extra={"c": 3}, merge=False)
    assert made.settings.extra == {"c": 3}


def test_a_wrong_option_changes_nothing() -> None:
    made = step(name="made")(lambda: 1)
    with pytest.raises(UsageError, match="Step 'other' has retries=-1"):
        made.configure(name="other", retries=-1)
    with pytest.raises(UsageError, match="Did you mean 'retries'"):
        made.configure(retires=1)  # type: ignore[call-arg]
    assert (made.name, made.settings.retries) == ("made", 0)


def test_a_pipeline_is_configured_in_place_too() -> None:
    made = pipeline(name="made")(one)
    assert made.configure(enable_cache=False, extra={"a": 1}) is made
    assert not made.build()[0].steps[0].settings.cache
    with pytest.raises(UsageError, match="@pipeline has no option 'retries'"):
        made.configure(retries=1)  # type: ignore[call-arg]


# Pipelines and steps


def test_what_a_step_says_goes_before_what_its_pipeline_says() -> None:
    made = {
        "plain": step(name="plain")(lambda: 1),
        "own": step(
            name="own", enable_cache=True, environment={"A": "own"}, retry={"max_retries": 5}, enable_step_logs=True
        )(lambda: 1),
    }
    options: Any = {
        "enable_cache": False,
        "environment": {"A": "all", "B": 2},
        "retry": {"max_retries": 1, "delay": 3},
        "enable_step_logs": False,
        "model": "any",
    }
    built, _ = pipeline(name="p", **options)(lambda: [one() for one in made.values()]).build()
    plain, own = (built.step(name).settings for name in made)
    assert (plain.cache, plain.environment, plain.retries, plain.retry_delay_s) == (False, {"A": "all", "B": "2"}, 1, 3)
    assert (own.cache, own.environment, own.retries, own.retry_delay_s) == (True, {"A": "own", "B": "2"}, 5, 0)
    assert (plain.logs, own.logs, plain.model, built.model) == (False, True, ModelSpec("any"), ModelSpec("any"))


def test_options_of_single_steps_go_before_both() -> None:
    made = pipeline(name="p")(one)
    changed = made.with_options(steps={"one": {"enable_cache": False}}, step_configurations={"one": {"retries": 2}})
    settings = changed.build()[0].step("one").settings
    assert (settings.cache, settings.retries) == (False, 2)
    assert made.build()[0].step("one").settings.cache
    with pytest.raises(NotFoundError, match=r"options for step 'on'.*\n  -> Did you mean 'one'\?"):
        made.with_options(steps={"on": {"enable_cache": False}}).build()
    with pytest.raises(UsageError, match=r"Step 'one' has no option 'retrys'.\n  -> Did you mean 'retr"):
        made.with_options(steps={"one": {"retrys": 2}})


def test_a_run_has_its_name_with_placeholders_filled() -> None:
    made = pipeline(name="p", substitutions={"kind": "big"})(one).with_options(run_name="{kind}_{date}_{time}")
    first, second = made(), made()
    assert first.name.startswith("big_20")
    assert first.name != second.name
    with pytest.raises(
        UsageError, match=r"The name '\{knd\}' of the runs of pipeline 'p' .*\n  -> Did you mean \{kind\}\?"
    ):
        made.with_options(run_name="{knd}")()


def test_a_nested_pipeline_puts_its_steps_into_the_outer_one_with_its_options() -> None:
    @pipeline(enable_cache=False)
    def inner() -> None:
        one()

    @pipeline
    def outer() -> None:
        inner()
        inner()
        one()

    built, _ = outer.build()
    assert [(each.name, each.settings.cache) for each in built.steps] == [
        ("one", False),
        ("one_2", False),
        ("one_3", True),
    ]


# What counts in the key


def test_only_options_that_change_the_result_count() -> None:
    assert run_of(one).steps[0].state is State.COMPLETED
    same = one.with_options(
        retries=3, tags=["x"], extra={"a": 1}, settings={"resources": {"cpu_count": 2}}, enable_step_logs=False
    )
    assert run_of(same, tags=["y"], execution_mode="fail_fast").steps[0].state is State.CACHED
    assert run_of(one.with_options(environment={"MODE": "fast"})).steps[0].state is State.COMPLETED


def test_an_edit_of_the_decorator_does_not_run_the_step_again(tmp_path: Any, monkeypatch: Any) -> None:
    text = "from mlstack_nb import step, pipeline\n{}\ndef made() -> int:\n    return 1\n"
    text += "@pipeline\ndef only():\n    made()\n"
    monkeypatch.syspath_prepend(str(tmp_path))
    states = []
    for number, decorator in enumerate(["@step", "@step(retries=2, tags=['x'])", "@step(\n    enable_cache=True,\n)"]):
        (tmp_path / f"edited_{number}.py").write_text(text.format(decorator))
        states.append(__import__(f"edited_{number}").only().steps[0].state)
    assert states == [State.COMPLETED, State.CACHED, State.CACHED]


# settings


def test_settings_of_the_machine_are_those_that_engines_know() -> None:
    settings = {"resources": {"cpu_count": 2, "gpu_count": 1, "memory": "512MiB"}, "docker": {"parent_image": "img:1"}}
    made = step(settings=settings)(lambda: 1)
    assert made.settings.resources == Resources(
        limits={"cpu": "2", "nvidia.com/gpu": "1", "memory": "512Mi"}, image="img:1"
    )
    assert made.settings.asked == settings


def test_settings_that_nobody_reads_are_kept_and_told() -> None:
    with pytest.warns(UserWarning, match=r"settings for 'resorces', which nothing here reads .near: 'resources'"):
        made = step(settings={"resorces": {"cpu_count": 2}})(lambda: 1)
    assert made.settings.asked == {"resorces": {"cpu_count": 2}}
    with pytest.warns(UserWarning, match="asks for the resource 'cpus'"):
        step(settings={"resources": {"cpus": 2}})(lambda: 1)
    step(settings={"orchestrator": {"a": 1}, "orchestrator.local": {"b": 2}})(lambda: 1)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("4GB", "4G"), ("4GiB", "4Gi"), ("1.5Ti", "1.5Ti"), ("10 kb", "10k"), ("64KiB", "64Ki"), ("2G", "2G")],
)
def test_memory_is_told_in_the_words_of_engines(given: str, meant: str) -> None:
    assert machine_settings.resources_of({"resources": {"memory": given}}, of="x").limits == {"memory": meant}


@pytest.mark.parametrize("resources", [{"memory": "4"}, {"memory": 4}, {"cpu_count": "2"}, {"gpu_count": -1}])
def test_a_wrong_resource_is_refused_where_it_is_written(resources: Any) -> None:
    with pytest.raises(UsageError, match="Step 'made' has settings="):
        step(name="made", settings={"resources": resources})(lambda: 1)


# Outputs


def test_what_an_author_says_of_an_output_is_kept_with_it() -> None:
    @step
    def train() -> Annotated[int, BEST]:
        return 1

    made = output(run_of(train), "train", "best")
    assert (made.name, made.label, made.tags, made.kind) == ("best", "44", ("a",), ArtifactType.MODEL)
    assert made.metadata == {"rows": 3}


def test_names_of_artifacts_have_placeholders_and_the_steps_word_goes_first() -> None:
    @step(substitutions={"fn": "own"})
    def named() -> tuple[Annotated[int, "art_{fn}"], Annotated[int, ArtifactConfig(name="{of}_{date}")]]:
        return 1, 2

    run = run_of(named, substitutions={"fn": "all", "of": "pipe"})
    names = [artifact.name for artifact in run.steps[0].outputs.values()]
    assert names[0] == "art_own"
    assert names[1].startswith("pipe_20")
    with pytest.raises(UsageError, match=r"'\{of\}_\{date\}' of an output of step 'named' has the placeholder 'of'"):
        run_of(named)


def test_a_cached_step_keeps_the_names_of_its_first_run() -> None:
    @step
    def named() -> Annotated[int, "at_{time}"]:
        return 1

    first, second = run_of(named), run_of(named)
    assert second.steps[0].state is State.CACHED
    assert output(first, "named", "at_{time}").name == output(second, "named", "at_{time}").name
    third = run_of(named.with_options(enable_cache=False))
    assert output(third, "named", "at_{time}").name != output(first, "named", "at_{time}").name


def test_metadata_and_previews_are_left_out_where_they_are_not_wanted() -> None:
    class Told(BaseMaterializer):
        def save(self, data: Any) -> None:
            (self.folder / "x").write_text(str(data))

        def load(self, data_type: Any) -> int:
            return int((self.folder / "x").read_text())

        def extract_metadata(self, data: Any) -> dict[str, Any]:
            return {"told": data}

        def preview(self, data: Any) -> dict[str, Any]:
            return {"kind": "text", "text": str(data)}

    @step(output_materializers={"output": Told}, enable_cache=False)
    def made() -> int:
        return 7

    full = output(run_of(made), "made")
    assert (full.metadata["told"], full.preview) == (7, {"kind": "text", "text": "7"})
    bare = made.with_options(enable_artifact_metadata=False, enable_artifact_visualization=False)
    assert "told" not in output(run_of(bare), "made").metadata
    assert output(run_of(bare), "made").preview is None


def test_a_tuple_is_split_however_the_code_makes_it() -> None:
    """ZenML 0.98 splits only `return 1, 2`, and keeps one output of `pair = (1, 2); return pair`."""

    @step
    def pair() -> Tuple[Annotated[int, "a"], int]:  # noqa: UP006
        found = (1, 2)
        return found  # noqa: RET504

    run = run_of(pair)
    assert [value(run, "pair", name) for name in ("a", "output_1")] == [1, 2]


def test_a_text_is_not_split() -> None:
    @step
    def pair() -> tuple[str, str]:
        return "ab"  # type: ignore[return-value]

    with pytest.raises(StepError, match="declares 2 outputs but returned str"):
        run_of(pair)


def test_unpacking_one_output_tells_how_to_declare_several() -> None:
    @pipeline
    def wrong() -> None:
        _a, _b = one()  # type: ignore[misc]

    with pytest.raises(GraphError, match=r"unpacked, while the pipeline is wired.*\n  -> Declare one output for each"):
        wrong()


# Arguments


@step
def take(number: int, share: Optional[float] = None, text: str | None = None, anything=None) -> int:  # type: ignore[no-untyped-def]
    return number


@pytest.mark.parametrize(("given", "meant"), [(3, 3), (3.0, 3), ("3", 3), (True, 1)])
def test_an_argument_is_taken_for_what_its_type_says(given: Any, meant: Any) -> None:
    run = run_of(lambda: take(given, anything={1, 2}))
    assert value(run, "take") == meant
    assert type(value(run, "take")) is int


@pytest.mark.parametrize(
    "arguments", [{"number": 3.5}, {"number": None}, {"number": "many"}, {"number": 1, "share": "half"}]
)
def test_an_argument_of_another_type_is_refused_before_anything_runs(arguments: Any) -> None:
    name = next(reversed(arguments))
    with pytest.raises(UsageError, match=f"Input '{name}' of step 'take' is declared .* is given: input should be"):
        run_of(lambda: take(**arguments))


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        ((1, 2.0, "x", None, 5), {}, "takes 4 arguments, but 5 are given"),
        ((), {}, "needs the argument 'number'"),
        ((1,), {"shar": 2.0}, "has no argument 'shar'.\n  -> Did you mean 'share'?"),
        ((1,), {"number": 2}, "is given 'number' twice"),
    ],
)
def test_a_wrong_call_is_told(args: Any, kwargs: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("?", r"\?")):
        run_of(lambda: take(*args, **kwargs))


def test_a_function_of_any_number_of_arguments_is_no_step() -> None:
    with pytest.raises(UsageError, match="takes \\*args: the inputs of a step have names"):
        step(lambda *args: 1)
    with pytest.raises(UsageError, match="takes \\*\\*rest"):
        step(lambda **rest: 1)


# Steps on their own


def test_a_step_in_a_function_is_a_step() -> None:
    """In ZenML 0.98 it fails: the module has no attribute of its name."""

    def made(number: int) -> Any:
        @step
        def inner() -> int:
            return number

        return inner

    assert [value(run_of(made(number)), "inner") for number in (1, 2)] == [1, 2]


def test_a_step_that_is_called_on_its_own_is_a_run_where_that_is_asked_for() -> None:
    calls: list[str] = []

    @step
    def both(number: int) -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        calls.append(os.environ.get("MODE", ""))
        return number, take(number + 1)

    assert both(1) == (1, 2)
    assert run_single(both.with_options(environment={"MODE": "fast"}), (3.0,), {}) == (3, 4)
    assert run_single(both, (), {"number": 3}) == (3, 4)
    assert calls == ["", "fast", ""]
    with Runtime.current().catalog.read() as connection:
        names = connection.exec_driver_sql("select pipeline, mode from runs").fetchall()
    assert [tuple(row) for row in names] == [("both", "pipeline"), ("both", "pipeline")]


def test_a_step_on_its_own_that_fails_raises_what_a_pipeline_raises() -> None:
    @step
    def bad() -> int:
        raise ValueError("no luck")

    with pytest.raises(StepError, match="Step 'bad' of pipeline 'bad' failed") as caught:
        run_single(bad, (), {})
    assert isinstance(caught.value.__cause__, ValueError)
