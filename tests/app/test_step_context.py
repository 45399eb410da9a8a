"""What steps and pipelines may ask about themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest

from mlstack_nb import BaseMaterializer, get_pipeline_context, get_step_context, pipeline, step
from mlstack_nb.app.launch import prepare
from mlstack_nb.app.request import Request
from mlstack_nb.core.run import Run, State
from mlstack_nb.errors import StepError, UsageError
from mlstack_nb.materializers.pandas_frames import PandasMaterializer

pytestmark = pytest.mark.usefixtures("workspace")
SEEN: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


@step
def load() -> Annotated[int, "rows"]:
    return 3


def run_of(*functions: Any, **options: Any) -> Run:
    @pipeline(name="asking", **options)
    def only() -> None:
        for function in functions:
            function()

    return only()


def test_a_step_knows_its_run_itself_and_its_inputs() -> None:
    @step(extra={"owner": "anna"})
    def ask(rows: int) -> None:
        context = get_step_context()
        SEEN.update(
            name=context.step_name,
            run=context.pipeline_run,
            own=context.step_run,
            inputs=dict(context.inputs),
            model=context.model,
            extra=context.extra,
        )

    run = run_of(lambda: ask(load()), model="fraud")
    assert (SEEN["name"], SEEN["model"].name, SEEN["extra"]) == ("ask", "fraud", {"owner": "anna"})
    assert (SEEN["run"].id, SEEN["run"].pipeline, SEEN["run"].state) == (run.id, "asking", State.RUNNING)
    assert (SEEN["own"].state, SEEN["own"].attempt) == (State.RUNNING, 1)
    assert SEEN["inputs"]["rows"].digest == run.steps[0].outputs["rows"].digest


def test_metadata_and_tags_of_outputs_are_kept_with_them() -> None:
    @step
    def tell() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        context = get_step_context()
        context.add_output_metadata({"rows": 3}, "a")
        context.add_output_metadata({"columns": 2}, output_name="a")
        context.add_output_tags(["good", "old"], "b")
        context.remove_output_tags(["old"], "b")
        SEEN.update(metadata=context.get_output_metadata("a"), tags=context.get_output_tags("b"))
        return 1, 2

    outputs = run_of(tell).steps[0].outputs
    assert SEEN == {"metadata": {"rows": 3, "columns": 2}, "tags": ["good"]}
    assert (outputs["a"].metadata, outputs["b"].tags) == (SEEN["metadata"], ("good",))


def test_the_only_output_needs_no_name_and_one_of_several_does() -> None:
    @step
    def single() -> Annotated[int, "number"]:
        get_step_context().add_output_metadata({"rows": 3})
        return 1

    assert run_of(single).steps[0].outputs["number"].metadata == {"rows": 3}

    @step
    def several() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        get_step_context().add_output_metadata({"rows": 3})
        return 1, 2

    with pytest.raises(StepError, match="Step 'several' has 2 outputs"):
        run_of(several)


def test_an_output_has_a_place_beside_it_for_more_files() -> None:
    @step
    def write() -> Annotated[int, "number"]:
        place = get_step_context().get_output_artifact_uri()
        (Path(place) / "notes.txt").write_text("more")
        SEEN["place"] = place
        return 1

    run = run_of(write)
    assert (Path(SEEN["place"]) / "notes.txt").read_text() == "more"
    assert run.id in SEEN["place"]


def test_the_materializer_of_an_output_is_known_by_its_type_or_its_option() -> None:
    class Own(BaseMaterializer):
        def save(self, data: Any) -> None:
            (self.folder / "x").write_text("x")

    @step(output_materializers={"b": Own})
    def two() -> tuple[Annotated[pd.DataFrame, "a"], Annotated[int, "b"], Any]:
        context = get_step_context()
        SEEN.update(a=context.get_output_materializer("a"), b=context.get_output_materializer("b"))
        with pytest.raises(UsageError, match="declares no type"):
            context.get_output_materializer("output_2")
        return pd.DataFrame(), 1, 2

    run_of(two)
    assert SEEN == {"a": PandasMaterializer, "b": Own}


def test_outside_of_a_step_there_is_no_context() -> None:
    with pytest.raises(UsageError, match="No step runs here"):
        get_step_context()
    run_of(load)
    with pytest.raises(UsageError, match="No step runs here"):
        get_step_context()


def test_an_async_step_has_a_context() -> None:
    @step
    async def ask() -> None:
        SEEN["name"] = get_step_context().step_name

    run_of(ask)
    assert SEEN == {"name": "ask"}


def test_a_cell_has_a_context(notebook: Any) -> None:
    notebook.step("ask -> name", "from mlstack_nb import get_step_context\nname = get_step_context().step_name")
    assert notebook.namespace["name"] == "ask"


def test_an_output_of_a_cell_has_its_placeholders_filled(notebook: Any) -> None:
    text = "from typing import Annotated\nfrom mlstack_nb import ArtifactConfig\n"
    run = notebook.step("name -> x", text + 'x: Annotated[int, ArtifactConfig(name="at_{date}", tags=["a"])] = 1')
    assert run.outputs["x"].name.startswith("at_20")
    assert run.outputs["x"].tags == ("a",)


def test_a_pipeline_knows_what_it_says_of_its_runs() -> None:
    @pipeline(name="asking", enable_cache=False, extra={"owner": "anna"}, model="fraud", tags=["x"])
    def ask() -> None:
        SEEN["context"] = get_pipeline_context()
        load()

    ask()
    context = SEEN["context"]
    assert (context.name, context.enable_cache, context.extra) == ("asking", False, {"owner": "anna"})
    assert (context.model.name, context.tags, context.run_name) == ("fraud", ("x",), "")


def test_a_step_has_no_pipeline_context_and_is_told_what_to_ask() -> None:
    @step
    def ask() -> None:
        get_pipeline_context()

    with pytest.raises(StepError, match="Inside a step there is no pipeline context"):
        run_of(ask)
    with pytest.raises(UsageError, match="No pipeline is wired here"):
        get_pipeline_context()


PROCESS = """
from typing import Annotated
from mlstack_nb import get_step_context, pipeline, step

@step
def load() -> int:
    return 3

@step
def ask(rows: int) -> Annotated[int, "asked"]:
    context = get_step_context()
    assert context.pipeline_run.id == context.run_id == context.step_run.run_id
    context.add_output_metadata({"input": context.inputs["rows"].digest, "step": context.step_name})
    context.add_output_tags(["told"])
    return rows

@pipeline
def asking():
    ask(load())
"""


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_step_knows_itself_wherever_its_code_runs(isolation: str) -> None:
    Path("asking_module.py").write_text(PROCESS)
    request = Request("asking_module.py", isolation=isolation)
    run, errors = prepare(request).run(lambda _event: None, lambda _step, _text: None)
    assert errors == {}
    load, ask = run.steps
    asked = ask.outputs["asked"]
    assert asked.metadata == {"input": load.outputs["output"].digest, "step": "ask"}
    assert asked.tags == ("told",)
