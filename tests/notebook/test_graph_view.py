from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.step import Fingerprint, FromParameter, FromStep, Output, Source, Step
from mlstack_nb.notebook.drawing import Node, drawn
from mlstack_nb.notebook.graph_view import MIME, GraphView

HOSTILE = '<script>alert("x")</script>\'&\x00😀' + "y" * 500


def step(name: str, inputs: dict[str, Source], *outputs: str) -> Step:
    return Step(name, inputs, tuple(Output(output) for output in outputs), Fingerprint("f"))


def view(last: str = "train") -> GraphView:
    steps = (
        step("load", {"PATH": FromParameter("PATH")}, "raw"),
        step(last, {"raw": FromStep("load", "raw")}, "model"),
    )
    artifact = Artifact("raw", "builtins.list", "m:M", "d", 10)
    runs = {"load": StepRun("r", "load", State.CACHED, started_at=1, ended_at=1, saved_s=2, outputs={"raw": artifact})}
    return GraphView(Pipeline("p", steps, {"PATH": "data.csv"}), runs)


def test_the_text_lists_steps_with_state_needs_and_parameters() -> None:
    assert view().text().splitlines() == [
        "pipeline p",
        "  ↺ load  (cached, saved 2.0 s)",
        "      with PATH='data.csv'",
        "  ○ train  (not run yet)",
        "      ← load: raw",
    ]


def test_the_data_has_nodes_with_states_and_edges_with_outputs() -> None:
    data = view()._repr_mimebundle_()[MIME]
    assert [(node["name"], node["state"]) for node in data["nodes"]] == [("load", "cached"), ("train", "pending")]
    assert data["edges"] == [{"source": "load", "target": "train", "outputs": ["raw"]}]
    assert data["nodes"][0]["parameters"] == {"PATH": "'data.csv'"}


def test_the_html_is_one_image_with_the_drawing_inside() -> None:
    html = view().html()
    image = r'<img alt="[^"]*" style="[^"]*" src="data:image/svg\+xml;base64,([^"]*)">'
    encoded = re.fullmatch(rf'<div style="overflow-x:auto">{image}</div>', html)
    assert encoded is not None
    assert ET.fromstring(base64.b64decode(encoded[1])).tag.endswith("svg")


def test_the_drawing_names_states_in_words_and_symbols() -> None:
    texts = "".join(ET.fromstring(view().drawing().svg).itertext())
    assert "↺" in texts
    assert "cached, saved 2.0 s" in texts
    assert "not run yet" in texts
    assert "→ model" in texts


def test_a_hostile_name_stays_text_and_is_shortened() -> None:
    drawing = view(HOSTILE).drawing().svg
    tags = {node.tag.rpartition("}")[2] for node in ET.fromstring(drawing).iter()}
    assert tags == {"svg", "defs", "marker", "path", "rect", "g", "title", "text", "tspan"}
    assert len(drawing) < 6000
    assert "<script" not in view(HOSTILE).html()


def test_a_pipeline_without_steps_is_drawn_too() -> None:
    empty = GraphView(Pipeline("p", ()), {})
    assert empty.text() == "pipeline p\n  no steps yet: run a cell that starts with %%step NAME"
    assert "no steps yet" in "".join(ET.fromstring(empty.drawing().svg).itertext())


def test_a_wide_drawing_scrolls_before_it_gets_too_small_to_read() -> None:
    shown = view()
    (least,) = re.findall(r"max-width:max\(100%, (\d+)px\)", shown.html())
    assert 0.5 * shown.drawing().width < int(least) < shown.drawing().width


def test_a_long_bold_name_of_capitals_gets_a_wider_box() -> None:
    assert drawn([Node("W" * 30, State.PENDING)], {}).width > drawn([Node("i" * 30, State.PENDING)], {}).width


def test_a_stale_step_is_dashed_and_says_so() -> None:
    fresh = view()
    stale = GraphView(fresh.pipeline, fresh.runs, ["load"])
    assert "  ↺ load  (cached, saved 2.0 s, stale)" in stale.text().splitlines()
    assert [drawn.drawing().svg.count("stroke-dasharray") for drawn in (fresh, stale)] == [1, 2]
    assert [node["stale"] for node in stale.data()["nodes"]] == [True, False]
