"""Every notebook of the tables, compiled from its text: the same steps and the same keys as those of a live kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import notebook_cases
import pytest
from live import Kernel, Project
from mutation_case import Document

from mlstack_nb.app.notebooks.assembly import with_values
from mlstack_nb.app.notebooks.compile import compile_cells, compile_session
from mlstack_nb.app.notebooks.compiled import CompiledNotebook, CompiledStep
from mlstack_nb.app.runtime import Runtime
from mlstack_nb.core.step import Captured, FromStep, Literal, Step
from mlstack_nb.engine.calls import StepCall, begun
from mlstack_nb.source.notebook_file import Notebook, NotebookCell

pytestmark = pytest.mark.filterwarnings("ignore::mlstack_nb.materializers.pickles.PickleWarning")


def documents() -> list[Any]:
    """Each notebook once: every base, and of the edits every third."""
    cases = [(case.name, case.before) for case in notebook_cases.ALL]
    cases += [(f"{case.name}, edited", case.after) for case in notebook_cases.ALL[::3]]
    unique = {(document.cells, tuple(sorted(document.files.items()))): (name, document) for name, document in cases}
    return [pytest.param(document, id=name) for name, document in unique.values()]


def as_notebook(document: Document) -> Notebook:
    cells = tuple(NotebookCell(index, cell.text, id=cell.id) for index, cell in enumerate(document.cells))
    return Notebook("notebook", cells)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


class FromFile:
    """What the runner does for a compiled notebook, in this process: setups, values, keys. Outputs are the kernel's."""

    def __init__(self, compiled: CompiledNotebook, live: Kernel) -> None:
        self.compiled = compiled
        self.live = live
        self.engine = Runtime.current().engine

    def values(self, step: CompiledStep) -> dict[str, Any]:
        """Those of `step.values`, by executing its setup and nothing else."""
        kernel = Kernel()
        kernel.namespace.update({name: self.output(source).get() for name, source in step.setup.inputs.items()})
        for piece in step.setup.pieces:
            kernel._exec(piece.text, kernel.namespace)
        return {name: kernel.namespace[name] for name in step.values}

    def output(self, source: FromStep) -> Any:
        return self.live.session._results[source.step].outputs[source.output]

    def key(self, step: Step, parameters: Mapping[str, Any], values: Mapping[str, Any]) -> str:
        inputs = {name: self.output(one) for name, one in step.inputs.items() if isinstance(one, FromStep)}
        for name, source in step.inputs.items():
            if isinstance(source, Captured):
                inputs[name] = self.engine.codec.save(values[name], name=name)
        plain = {name: source.value for name, source in step.inputs.items() if isinstance(source, Literal)}
        call = StepCall(step, "", self.compiled.name, inputs, {**parameters, **plain})
        return begun(call, self.engine).key


def comparable(step: Step) -> tuple[Any, ...]:
    """A step without what only a kernel or a file can say: the label of a cell, the writing of the body.

    Values are compared by the keys.
    """
    inputs = {
        name: type(source) if isinstance(source, Captured | Literal) else source for name, source in step.inputs.items()
    }
    return step.name, inputs, step.outputs, step.fingerprint, step.settings, step.input_types


@pytest.mark.parametrize("document", documents())
def test_a_compiled_notebook_has_the_steps_and_keys_of_a_live_one(document: Document, root: Path) -> None:
    project = Project(root)
    with project.entered():
        project.write(document)
        live = Kernel()
        runs = live.run_all(document)
        compiled = compile_cells(as_notebook(document))
        file = FromFile(compiled, live)
        assert [step.name for step in compiled.steps] == list(live.session.steps)
        for step in compiled.steps:
            cell = live.session.steps[step.name]
            values = file.values(step)
            known = with_values(step.step, values)
            assert comparable(known) == comparable(replace(cell.step, source=known.source))
            assert {**step.parameters, **{n: v for n, v in values.items() if n in cell.parameters}}.keys() == (
                cell.parameters.keys()
            )
            assert file.key(known, step.parameters, values) == runs[step.name].key
        of_kernel = compile_session(live.session)
        assert [comparable(step.step) for step in of_kernel.steps] == [comparable(step.step) for step in compiled.steps]
