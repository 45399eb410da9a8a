from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

from mlstack_nb.core.artifact import Artifact
from mlstack_nb.core.pipeline import Pipeline
from mlstack_nb.core.run import State, StepRun
from mlstack_nb.core.step import Fingerprint, FromParameter, FromStep, Output, Source, Step
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
    encoded = re.fullmatch(r'<img alt="[^"]*" style="[^"]*" src="data:image/svg\+xml;base64,([^"]*)">', html)
    assert encoded is not None
    assert ET.fromstring(base64.b64decode(encoded[1])).tag.endswith("svg")


def test_the_drawing_names_states_in_words_and_symbols() -> None:
    texts = "".join(ET.fromstring(view().svg()).itertext())
    assert "↺" in texts
    assert "cached, saved 2.0 s" in texts
    assert "not run yet" in texts
    assert "→ model" in texts


def test_a_hostile_name_stays_text_and_is_shortened() -> None:
    drawing = view(HOSTILE).svg()
    tags = {node.tag.rpartition("}")[2] for node in ET.fromstring(drawing).iter()}
    assert tags == {"svg", "defs", "marker", "path", "rect", "g", "title", "text", "tspan"}
    assert len(drawing) < 6000
    assert "<script" not in view(HOSTILE).html()


def test_a_pipeline_without_steps_is_drawn_too() -> None:
    empty = GraphView(Pipeline("p", ()), {})
    assert empty.text() == "pipeline p\n  no steps yet: run a cell that starts with %%step NAME"
    assert "no steps yet" in "".join(ET.fromstring(empty.svg()).itertext())
