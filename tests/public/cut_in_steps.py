"""What holds of a public notebook that is cut in steps, whichever way they are written."""

from __future__ import annotations

from collections.abc import Callable

from tests.public.execution import Execution, Plain, same
from tests.public.public_notebook import PublicNotebook, graph


class CutInSteps:
    def test_the_steps_are_those_of_the_table(self, executed: Execution) -> None:
        assert graph(executed.compiled) == executed.notebook.table[executed.guise]
        assert executed.compiled.notices == ()

    def test_results_are_those_of_a_kernel_that_ran_all_cells(
        self, executed: Execution, as_jupyter: Callable[[PublicNotebook], Plain]
    ) -> None:
        assert set(executed.states) == {"completed"}
        given = {output.name for step in executed.compiled.steps for output in step.step.outputs}
        expected = {name: value for name, value in as_jupyter(executed.notebook).results.items() if name in given}
        assert expected
        assert [name for name, value in expected.items() if not same(executed.value(name), value)] == []

    def test_a_second_run_executes_nothing(self, executed: Execution) -> None:
        assert {*executed.again.values()} == {"cached"}

    def test_the_exported_module_is_formatted_and_has_no_findings(self, executed: Execution) -> None:
        assert executed.ruff("format", "--diff") == ""
        assert executed.ruff("check") == ""

    def test_the_exported_module_finds_what_the_notebook_has_computed(self, executed: Execution) -> None:
        anew = {*executed.notebook.words("exported_anew")} & {*executed.of_module}
        assert {*graph(executed.compiled)} <= {*executed.of_module}
        assert {name for name, state in executed.of_module.items() if state == "completed"} == anew
