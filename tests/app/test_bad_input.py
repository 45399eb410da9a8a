"""What people get wrong in pipelines of functions: one clear error, nothing lost, and the next right run just works."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from mlstack_nb import BaseMaterializer, pipeline, step
from mlstack_nb.app import components, runs, stacks
from mlstack_nb.app.workspace import Workspace
from mlstack_nb.core.run import State
from mlstack_nb.core.stack import Kind
from mlstack_nb.errors import (
    CatalogError,
    ConfigError,
    GraphError,
    MaterializerError,
    MlstackError,
    NotFoundError,
    StepError,
    StepTimeoutError,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("workspace")


@step
def numbers(count: int = 100_000) -> np.ndarray:
    return np.arange(float(count))


@step
def total(values: np.ndarray, plus: float = 0.0) -> float:
    return float(values.sum()) + plus


@pipeline(name="sums")
def sums(plus: float = 0.0):
    total(numbers(), plus)


def ran(function, *given, **named):
    """Run a pipeline of one step."""

    def only():
        function(*given, **named)

    return pipeline(name="only")(only)()


def states(run):
    return [one.state for one in run.steps]


def files(pattern: str) -> list[Path]:
    return sorted(Path(".mlstack/store").glob(pattern))


# Names and options


@pytest.mark.parametrize(
    "name", ["../../etc/x", "a/b", "x" * 300, "\N{SNOWMAN}" * 90, "", " ", "a\nb", "a\0b", "-x", "a\\b", 7]
)
def test_a_name_that_no_file_can_have_is_refused_where_it_is_written(name: Any) -> None:
    with pytest.raises(UsageError, match=r"can not be the name of a step"):
        step(name=name)(lambda: 1)
    with pytest.raises(UsageError, match=r"can not be the name of a pipeline"):
        pipeline(name=name)(lambda: None)
    with pytest.raises(UsageError, match=r"can not be the name of a step"):
        ran(numbers, id=name)
    assert files("runs/*") == []


def test_names_beyond_ascii_and_dots_are_names(workspace: Path) -> None:
    for name in ("größe ☃ 量", ".", ".."):
        assert ran(step(name=name, enable_cache=False)(lambda: 1)).state is State.COMPLETED
    assert {path.name for path in files("runs/*/steps/*")} == {"größe ☃ 量.json", "..json", "...json"}


def test_artifact_names_are_no_paths(workspace: Path) -> None:
    def table() -> Annotated[pd.DataFrame, "../../../out/of here"]:
        return pd.DataFrame({"a": [1]})

    assert ran(step(table)).state is State.COMPLETED
    assert {path.name for path in workspace.parent.parent.glob("out*")} == set()


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": 0},
        {"timeout_s": -1},
        {"timeout_s": "soon"},
        {"timeout_s": float("nan")},
        {"retries": -1},
        {"retries": 1.5},
        {"retry": 2},
        {"settings": {"resources": {"memory": "much"}}},
        {"on_success": "no.such.hook"},
        {"tags": "nightly"},
        {"output_materializers": int},
    ],
)
def test_an_option_with_a_wrong_value_names_step_and_option(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"Step 'one' has {next(iter(options))}="):
        step(name="one", **options)(lambda: 1)


def test_an_unknown_option_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"@step has no option 'enable_cach'.\n  -> Did you mean 'enable_cache'?"):
        step(enable_cach=False)(lambda: 1)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"@pipeline has no option 'nam'.\n  -> Did you mean 'name'?"):
        pipeline(nam="x")(lambda: 1)  # type: ignore[call-overload]


def test_a_materializer_for_an_output_that_is_not_there_names_it() -> None:
    with pytest.raises(
        UsageError, match=r"Step 'one' has no output 'outptu', which output_materializers names.\n.*'out"
    ):
        step(name="one", output_materializers={"outptu": BaseMaterializer})(lambda: 1)


# Wiring


def test_an_output_inside_a_list_is_refused() -> None:
    @pipeline
    def nested():
        total([{"deep": numbers()}])

    with pytest.raises(
        UsageError, match=r"Input 'values' of step 'total' is a list that holds output 'output' of step 'n"
    ):
        nested()


@pytest.mark.parametrize(
    "use",
    [lambda x: x["a"], lambda x: x.shape, lambda x: x == 1, lambda x: x != 1, bool, list],
    ids=["index", "attribute", "equal", "unequal", "bool", "list"],
)
def test_using_an_output_before_it_has_a_value_is_an_error(use: Any) -> None:
    @pipeline
    def early():
        use(numbers())

    with pytest.raises(GraphError, match=r"Output 'output' of step 'numbers' is .* while the pipeline is wired"):
        early()


@pytest.mark.parametrize("after", ["numbers", 3, ["numbers"]], ids=["name", "value", "list"])
def test_after_takes_outputs_of_steps_and_steps_only(after: Any) -> None:
    with pytest.raises(UsageError, match=r"Step 'total' is given after=.*, which is no output of a step"):
        ran(total, np.ones(1), after=after)


def test_after_takes_a_step_that_was_called_only() -> None:
    with pytest.raises(
        UsageError, match="Step 'total' is given after=<step numbers>, which this pipeline has not called"
    ):
        ran(total, np.ones(1), after=[numbers])


def test_an_output_of_another_pipeline_is_no_step_here() -> None:
    kept = []

    @pipeline
    def first():
        kept.append(numbers())

    first()
    with pytest.raises(
        NotFoundError, match=r"Step 'total' is to run after 'numbers', which is no step of pipeline 'only'"
    ):
        ran(total, np.ones(1), after=kept[0])


def test_a_pipeline_without_a_step_says_so() -> None:
    with pytest.raises(UsageError, match=r"Pipeline 'empty' calls no step"):
        pipeline(name="empty")(lambda: None)()


def test_a_pipeline_called_in_another_adds_its_steps() -> None:
    @pipeline
    def outer():
        sums()
        sums(1.0)

    assert [one.step for one in outer().steps] == ["numbers", "total", "numbers_2", "total_2"]
    assert len(runs.list_all(Workspace.find())) == 1


def test_a_pipeline_called_in_a_step_is_a_run_of_its_own() -> None:
    def inner() -> str:
        return sums().state.value

    assert ran(step(inner)).steps[0].outputs["output"].inline == '"completed"'
    assert {run["pipeline"] for run in runs.list_all(Workspace.find())} == {"only", "sums"}


def test_a_step_of_a_module_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(numbers)) is numbers


# Values


class Unreadable:
    def __repr__(self) -> str:
        raise ValueError("no repr")


LOOP: list[Any] = [1]
LOOP.append(LOOP)
DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [LOOP, {(1, 2): {3}}, 10**5000, [10**5000], float("nan"), {"x": float("inf")}, "\ud800", Unreadable()],
    ids=["loop", "keys", "huge", "huge inside", "nan", "inf", "surrogate", "repr"],
)
@pytest.mark.filterwarnings("ignore:A value of type")
def test_any_value_that_can_be_stored_can_be_a_parameter(value: Any) -> None:
    def kind(value) -> str:
        return type(value).__name__

    run = ran(step(kind), value)
    assert run.steps[0].outputs["output"].inline == f'"{type(value).__name__}"'
    assert json.dumps(runs.show(Workspace.find()))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (threading.Lock(), "make it again"),
        ((n for n in "ab"), "Return list"),
        (DEEP, "flatter"),
        (sys.stdout, "Path"),
    ],
    ids=["lock", "generator", "deep", "file"],
)
def test_a_value_that_can_not_be_stored_names_step_and_input_or_output(value: Any, hint: str) -> None:
    with pytest.raises(
        StepError, match=r"(?s)Input 'given' of step 'taking' can not be stored: A value of type .*" + hint
    ):
        ran(step(name="taking")(lambda given: 1), value)

    def give():
        return value

    with pytest.raises(StepError, match=r"(?s)Output 'output' of step 'give' can not be stored: .*" + hint) as caught:
        ran(step(give))
    assert str(caught.value).count("->") == 1


def test_metadata_that_json_can_not_hold_names_the_output() -> None:
    class Odd(BaseMaterializer):
        def save(self, data):
            (self.folder / "x").write_text("x")

        def extract_metadata(self, data):
            return {"odd": object()}

    with pytest.raises(StepError, match=r"Output 'output' of step 'give' can not be stored: .*Odd can not write"):
        ran(step(name="give", output_materializers=Odd)(lambda: 1))
    assert files("objects/*/*") == files("staging/*") == []


@pytest.mark.parametrize("method", ["save", "load"])
def test_a_materializer_that_raises_is_named_with_its_own_exception(method: str) -> None:
    class Broken(BaseMaterializer):
        def save(self, data):
            (self.folder / "x").write_text("x")
            if method == "save":
                raise RuntimeError("no luck")

        def load(self, data_type):
            raise RuntimeError("no luck")

    give = step(name="give", output_materializers=Broken)(lambda: 1)

    @pipeline
    def handing():
        total(give())

    with pytest.raises(
        StepError, match=rf"of step '{'give' if method == 'save' else 'total'}'.*RuntimeError: no luck"
    ) as caught:
        handing()
    assert isinstance(caught.value.__cause__, MaterializerError)
    assert isinstance(caught.value.__cause__.__cause__, RuntimeError)
    assert files("staging/*") == []


def test_a_declared_type_is_told_without_its_name() -> None:
    def wrong() -> Annotated[int, "count"]:
        return "a"  # type: ignore[return-value]

    with pytest.raises(StepError, match=r"Output 'count' of step 'wrong' is declared int, but it is a str"):
        ran(step(wrong))


# Steps that misbehave


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("not even this")


def recurse() -> int:
    return recurse() + 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (lambda: (_ for _ in ()).throw(Mute()), "Mute"),
        (recurse, "RecursionError"),
        (lambda: sys.exit(3), "SystemExit: 3"),
    ],
    ids=["mute", "recursion", "exit"],
)
def test_whatever_a_step_raises_fails_the_step_and_is_recorded(body: Any, told: str) -> None:
    with pytest.raises(StepError, match=rf"Step 'bad' of pipeline 'only' failed: {told}"):
        ran(step(name="bad")(body))
    shown = runs.show(Workspace.find())
    assert (shown["state"], shown["steps"][0]["state"]) == ("failed", "failed")
    assert shown["steps"][0]["failure"]["type"] == told.partition(":")[0]


def test_a_timeout_that_the_step_swallows_still_fails_it() -> None:
    def stubborn() -> int:
        for _ in range(3):
            with suppress(Exception):
                time.sleep(0.1)
        return 1

    with pytest.raises(StepError, match=r"Step 'stubborn' ran longer than its timeout of 0.05 s") as caught:
        ran(step(timeout_s=0.05)(stubborn))
    assert isinstance(caught.value.__cause__, StepTimeoutError)
    assert files("cache/*/*") == []


def test_a_timeout_beyond_all_clocks_is_no_limit() -> None:
    assert ran(step(timeout_s=1e30)(lambda: 1)).state is State.COMPLETED


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Where tests run in the background the signal is ignored, and Python does not change that by itself."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_an_output_is_written_leaves_nothing_and_the_next_run_works() -> None:
    class Slow(BaseMaterializer):
        def save(self, data):
            (self.folder / "x").write_text("half")
            if data == "interrupted":
                os.kill(os.getpid(), signal.SIGINT)

    give = step(name="give", output_materializers=Slow)(lambda text: text)
    with pytest.raises(KeyboardInterrupt):
        ran(give, "interrupted")
    assert files("objects/*/*") == files("staging/*") == files("cache/*/*") == []
    assert runs.show(Workspace.find())["steps"][0]["state"] == "cancelled"
    assert ran(give, "calm").state is State.COMPLETED


def test_a_step_that_changes_folder_and_environment_stores_where_it_began(workspace: Path, monkeypatch: Any) -> None:
    here = Workspace.find()
    for name, path in (("near", "./a store"), ("own", "~/a store")):
        components.register(here, Kind.ARTIFACT_STORE, name, flavor="local", configuration={"path": path})
        stacks.register(here, name, {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: name})
        stacks.activate(here, name)
        home = os.environ["HOME"]

        def wander() -> np.ndarray:
            os.chdir("/")
            os.environ["HOME"] = "/nowhere"
            return np.arange(100_000.0)

        def stay(values: np.ndarray) -> int:
            return len(values)

        monkeypatch.setenv("HOME", home)
        monkeypatch.chdir(workspace.parent)
        wandering, staying = step(wander), step(stay)
        wired = pipeline(name="wandering")(lambda: staying(wandering()))  # noqa: B023
        assert states(wired()) == [State.COMPLETED] * 2
        monkeypatch.setenv("HOME", home)
        monkeypatch.chdir(workspace.parent)
        assert states(wired()) == [State.CACHED] * 2
        assert (Path("a store" if name == "near" else Path.home() / "a store") / "objects").is_dir()


# Experiment trackers


def test_a_tracker_that_the_stack_lacks_names_the_stacks_that_have_one() -> None:
    here, ran_steps = Workspace.find(), []
    tracked = step(name="tracked", experiment_tracker=True)(lambda _: 1)
    named = step(name="tracked", experiment_tracker="mine")(lambda _: 1)
    other = step(name="tracked", experiment_tracker="theirs")(lambda _: 1)
    before = step(name="before", enable_cache=False)(lambda: ran_steps.append(1))

    def asking(for_tracker):
        return pipeline(name="asking")(lambda: for_tracker(before()))

    with pytest.raises(ConfigError, match=r"Step 'tracked' asks for an experiment tracker.*\n.*component register"):
        asking(tracked)()
    components.register(here, Kind.EXPERIMENT_TRACKER, "mine", flavor="mlflow")
    with pytest.raises(ConfigError, match=r"stack register NAME -o default -a default -e mine --set"):
        asking(tracked)()
    parts = {Kind.ORCHESTRATOR: "default", Kind.ARTIFACT_STORE: "default", Kind.EXPERIMENT_TRACKER: "mine"}
    stacks.register(here, "with tracker", parts)
    for step_function in (tracked, named):
        with pytest.raises(ConfigError, match=r"with tracker \(mine\)\. Run: mlstack stack set 'with tracker'"):
            asking(step_function)()
    with pytest.raises(ConfigError, match=r"tracker 'theirs'.*\n.*stacks that have one: with tracker \(mine\)"):
        asking(other)()
    stacks.activate(here, "with tracker")
    with pytest.raises(ConfigError, match=r"the active stack's tracker is 'mine'.\n.*with tracker \(mine\)"):
        asking(other)()
    assert ran_steps == []


# The catalog, from under a running process


def test_a_catalog_that_was_removed_or_replaced_between_runs_is_made_anew(workspace: Path) -> None:
    sums()
    for path in workspace.glob("catalog.db*"):
        path.unlink()
    assert sums().state is State.CACHED
    assert [run["state"] for run in runs.list_all(Workspace.find())] == ["cached"]
    for path in workspace.glob("catalog.db*"):
        path.unlink()
    (workspace / "catalog.db").write_bytes(os.urandom(9000))
    with pytest.raises(CatalogError, match=r"(?s)catalog.db is not a database.*Move it aside"):
        sums()
    (workspace / "catalog.db").unlink()
    assert sums().state is State.CACHED


def test_a_catalog_that_is_removed_in_a_step_is_told_and_the_work_is_kept(workspace: Path) -> None:
    def destroy() -> int:
        for path in Path(".mlstack").glob("catalog.db*"):
            path.unlink()
        return 1

    with pytest.raises(CatalogError, match=r"was removed or replaced while it was in use"):
        ran(step(destroy))
    assert ran(step(destroy)).state is State.CACHED


def test_every_error_is_two_fields(workspace: Path) -> None:
    (workspace / "active_stack").mkdir()
    with pytest.raises(ConfigError) as caught:
        sums()
    assert isinstance(caught.value, MlstackError)
    assert str(workspace / "active_stack") in caught.value.what
    assert "rm -r" in caught.value.hint


# Damage on disk


@pytest.mark.parametrize("damage", ["truncated", "flipped", "other"])
def test_a_damaged_cache_entry_is_a_miss_that_heals(damage: str) -> None:
    sums()
    for path in files("cache/*/*.json"):
        data = bytearray(path.read_bytes())
        if damage == "truncated":
            del data[len(data) // 2 :]
        elif damage == "flipped":
            data[-20] ^= 1
        else:
            data[:] = json.dumps({"version": 1, "outputs": 3}).encode()
        path.write_bytes(data)
    assert states(sums()) == [State.COMPLETED] * 2
    assert states(sums()) == [State.CACHED] * 2


@pytest.mark.parametrize("byte", range(0, 700, 50))
def test_no_flipped_byte_of_an_entry_goes_unnoticed(byte: int) -> None:
    ran(step(name="one")(lambda: "some text"))
    (path,) = files("cache/*/*.json")
    data = bytearray(path.read_bytes())
    data[byte % len(data)] ^= 1
    path.write_bytes(data)
    assert states(ran(step(name="one")(lambda: "some text"))) == [State.COMPLETED]
