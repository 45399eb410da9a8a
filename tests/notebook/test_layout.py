from __future__ import annotations

import random
import shutil
from itertools import combinations
from pathlib import Path

import pytest

from mlstack_nb.notebook.layout import Layout, layout

DIAMOND = {("a", "b"): 20.0, ("a", "c"): 20.0, ("b", "d"): 0.0, ("c", "d"): 20.0, ("a", "d"): 40.0}
SIZES = dict.fromkeys("abcd", (100.0, 40.0))


@pytest.fixture(params=["dot", "own"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to lay out; where there is no `dot`, our own is the one that `layout` takes."""
    if request.param == "own":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    return str(request.param)


def overlapping(plan: Layout, sizes: dict[str, tuple[float, float]]) -> list[tuple[str, str]]:
    found = []
    for one, other in combinations(plan.boxes, 2):
        apart = [abs(plan.boxes[one][axis] - plan.boxes[other][axis]) for axis in (0, 1)]
        needed = [(sizes[one][axis] + sizes[other][axis]) / 2 - 0.5 for axis in (0, 1)]
        if apart[0] < needed[0] and apart[1] < needed[1]:
            found.append((one, other))
    return found


def test_every_step_stands_below_those_it_needs(engine: str) -> None:
    plan = layout(SIZES, DIAMOND)
    assert all(plan.boxes[tail][1] < plan.boxes[head][1] for tail, head in DIAMOND)


def test_no_boxes_overlap_in_a_large_graph(engine: str) -> None:
    chance = random.Random(7)
    names = [f"n{number}" for number in range(120)]
    sizes = {name: (chance.uniform(60, 260), chance.uniform(30, 90)) for name in names}
    edges = {(names[chance.randrange(head)], names[head]): 30.0 for head in range(1, 120) for _ in range(2)}
    assert overlapping(layout(sizes, edges), sizes) == []


def test_everything_is_inside_the_picture(engine: str) -> None:
    plan = layout(SIZES, DIAMOND)
    for name, (x, y) in plan.boxes.items():
        width, height = SIZES[name]
        assert -1 <= x - width / 2 and x + width / 2 <= plan.width + 1
        assert -1 <= y - height / 2 and y + height / 2 <= plan.height + 1
    for edge, (x, _) in plan.labels.items():
        assert x + DIAMOND[edge] / 2 <= plan.width + 1


def test_an_edge_is_made_of_whole_curves_and_labels_stand_where_there_is_text(engine: str) -> None:
    plan = layout(SIZES, DIAMOND)
    assert set(plan.routes) == set(DIAMOND)
    assert all(len(route) % 3 == 1 for route in plan.routes.values())
    assert set(plan.labels) == {edge for edge, width in DIAMOND.items() if width}


def test_no_steps_and_one_step_can_be_laid_out(engine: str) -> None:
    assert layout({}, {}).boxes == {}
    assert set(layout({"only": (50.0, 20.0)}, {}).boxes) == {"only"}


def test_a_dot_that_fails_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert set(layout(SIZES, DIAMOND).boxes) == set(SIZES)
