"""Public notebooks whose cells have got `%%step` lines."""

from __future__ import annotations

from tests.public.cut_in_steps import CutInSteps
from tests.public.execution import Execution
from tests.public.public_notebook import graph

GUISE = "step_cells"


class TestStepCells(CutInSteps):
    def test_an_edit_reruns_what_it_reaches(self, executed: Execution) -> None:
        reruns = {*executed.notebook.words("reruns")}
        assert executed.edited == {
            name: "completed" if name in reruns else "cached" for name in graph(executed.compiled)
        }
